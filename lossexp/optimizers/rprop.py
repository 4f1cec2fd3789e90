"""Rprop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from lossexp.components import Array, Interval, NonNegative, Positive, Scalar
from lossexp.optimizers.base import Optimizer, State, add_decay, is_zero


@dataclass(frozen=True, kw_only=True)
class Rprop(Optimizer):
    """Steps by the sign of the gradient over the whole training split, each number by a length of its own.

    The length grows by `increase` where the sign stays and shrinks by `decrease` where it changes; there the number
    waits a step. Conventions of PyTorch.

    Source: Riedmiller and Braun (1993), the variant iRprop- of Igel and Hüsken (2003).

    Attributes:
        lr: The first length; a schedule multiplies all of them.
        increase: Multiplies the length where the sign of the gradient stays.
        decrease: Multiplies the length where it changes.
        min_step: The least length.
        max_step: The greatest length.
    """

    lr: NonNegative = 0.01
    increase: Annotated[Scalar, Interval(1)] = 1.2
    decrease: Annotated[Scalar, Interval(0, 1, open_low=True)] = 0.5
    min_step: Positive = 1e-6
    max_step: Positive = 50.0

    other_names = ("resilient", "resilient_propagation", "irprop")

    def init(self, params: Sequence[Array]) -> State:
        """Return the lengths, `lr`, then the previous gradients, 0."""
        return [np.full_like(param, 0) + self.lr for param in params] + [np.zeros_like(param) for param in params]

    def step(self, params: Sequence[Array], gradients: Sequence[Array], state: State, lr: Scalar) -> None:
        """Change the lengths, and step where the sign has not changed."""
        factor = lr / np.maximum(self.lr, np.finfo(params[0].dtype).tiny)
        lengths, previous = state[: len(params)], state[len(params) :]
        for param, gradient, length, before in zip(params, gradients, lengths, previous, strict=True):
            if not is_zero(self.weight_decay):
                add_decay(gradient, param, self.weight_decay)
            agreement = before * gradient
            growth = np.where(agreement > 0, self.increase, np.where(agreement < 0, self.decrease, 1))
            np.multiply(length, growth, out=length)
            np.clip(length, self.min_step, self.max_step, out=length)
            np.multiply(gradient, agreement >= 0, out=before)
            np.subtract(param, np.sign(before) * length * factor, out=param)
