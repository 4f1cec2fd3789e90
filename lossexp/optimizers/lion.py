"""Lion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lossexp.components import Array, NonNegative, ProperFraction, Scalar
from lossexp.optimizers.averaging import average_in, shares, zeros
from lossexp.optimizers.base import MiniBatchOptimizer, State, is_zero, shrink


@dataclass(frozen=True, kw_only=True)
class Lion(MiniBatchOptimizer):
    """w = (1 - lr · weight_decay) w - lr sign(beta1 m + (1 - beta1) g); then m = beta2 m + (1 - beta2) g.

    Every number moves by exactly lr, so lr is best a few times smaller than for Adam. The decay leaves biases alone.
    Conventions of optax.

    Source: Chen et al. (2023).

    Attributes:
        beta1: Share of the average gradient in the direction of a step.
        beta2: Share of the average gradient that a step keeps.
    """

    lr: NonNegative = 0.0003
    beta1: ProperFraction = 0.9
    beta2: ProperFraction = 0.99

    def init(self, params: Sequence[Array]) -> State:
        """Return average gradients of 0."""
        return zeros(params, 1)

    def step(self, params: Sequence[Array], gradients: Sequence[Array], state: State, lr: Scalar) -> None:
        """Step by the sign of the mixture, then update the averages."""
        dtype = params[0].dtype
        in_direction, in_average = shares(self.beta1, dtype), shares(self.beta2, dtype)
        for param, gradient, mean in zip(params, gradients, state, strict=True):
            if not is_zero(self.weight_decay):
                shrink(param, lr * self.weight_decay)
            direction = mean * in_direction[0]
            direction += in_direction[1] * gradient
            np.sign(direction, out=direction)
            np.subtract(param, np.multiply(direction, lr, out=direction), out=param)
            average_in(mean, gradient, *in_average)
