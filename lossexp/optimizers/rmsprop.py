"""RMSprop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lossexp.components import Array, NonNegative, Positive, ProperFraction, Scalar
from lossexp.optimizers.averaging import root_mean_square, shares, zeros
from lossexp.optimizers.base import MiniBatchOptimizer, State, add_decay, is_zero


@dataclass(frozen=True, kw_only=True)
class RMSprop(MiniBatchOptimizer):
    """v = decay v + (1 - decay) g²; w = w - lr g / (sqrt(v) + epsilon). Conventions of PyTorch.

    Source: Tieleman and Hinton (2012).

    Attributes:
        decay: Share of the average square that a step keeps; alpha in PyTorch, rho in Keras.
        epsilon: Keeps the division from 0.
    """

    lr: NonNegative = 0.01
    decay: ProperFraction = 0.99
    epsilon: Positive = 1e-8

    other_names = ("rms_prop", "rms")

    def init(self, params: Sequence[Array]) -> State:
        """Return average squares of 0."""
        return zeros(params, 1)

    def step(self, params: Sequence[Array], gradients: Sequence[Array], state: State, lr: Scalar) -> None:
        """Update the average squares and step."""
        of_square = shares(self.decay, params[0].dtype)
        for param, gradient, square in zip(params, gradients, state, strict=True):
            if not is_zero(self.weight_decay):
                add_decay(gradient, param, self.weight_decay)
            size = root_mean_square(square, gradient, *of_square)
            np.add(size, self.epsilon, out=size)
            np.divide(gradient, size, out=gradient)
            np.multiply(gradient, lr, out=gradient)
            np.subtract(param, gradient, out=param)
