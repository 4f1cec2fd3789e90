"""Adagrad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lossexp.components import Array, NonNegative, Positive, Scalar
from lossexp.optimizers.averaging import zeros
from lossexp.optimizers.base import MiniBatchOptimizer, State, add_decay, is_zero


@dataclass(frozen=True, kw_only=True)
class Adagrad(MiniBatchOptimizer):
    """s = s + g²; w = w - lr g / (sqrt(s) + epsilon). Conventions of PyTorch.

    Source: Duchi, Hazan and Singer (2011).

    Attributes:
        epsilon: Keeps the division from 0.
    """

    lr: NonNegative = 0.01
    epsilon: Positive = 1e-10

    other_names = ("ada_grad",)

    def init(self, params: Sequence[Array]) -> State:
        """Return sums of squares of 0."""
        return zeros(params, 1)

    def step(self, params: Sequence[Array], gradients: Sequence[Array], state: State, lr: Scalar) -> None:
        """Add to the sums of squares and step."""
        for param, gradient, squares in zip(params, gradients, state, strict=True):
            if not is_zero(self.weight_decay):
                add_decay(gradient, param, self.weight_decay)
            size = np.square(gradient)
            np.add(squares, size, out=squares)
            np.sqrt(squares, out=size)
            np.add(size, self.epsilon, out=size)
            np.divide(gradient, size, out=gradient)
            np.multiply(gradient, lr, out=gradient)
            np.subtract(param, gradient, out=param)
