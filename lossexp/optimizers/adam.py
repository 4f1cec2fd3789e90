"""Adam."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from lossexp.components import Array, NonNegative, Positive, ProperFraction, Scalar
from lossexp.optimizers.averaging import average_in, no_steps, root_mean_square, shares, weight_so_far, zeros
from lossexp.optimizers.base import MiniBatchOptimizer, State, add_decay, is_zero


@dataclass(frozen=True, kw_only=True)
class AdamOptimizer(MiniBatchOptimizer, ABC):
    """m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g²; w = w - lr m' / (sqrt(v') + epsilon).

    The primes divide by 1 - beta^t, with t the number of the step from 1, since both averages start at 0. Subclasses
    differ in how weights decay.

    Attributes:
        beta1: Share of the average gradient that a step keeps.
        beta2: Share of the average square that a step keeps.
        epsilon: Keeps the division from 0.
    """

    lr: NonNegative = 0.001
    beta1: ProperFraction = 0.9
    beta2: ProperFraction = 0.999
    epsilon: Positive = 1e-8

    @final
    def init(self, params: Sequence[Array]) -> State:
        """Return the average gradients, the average squares and the number of steps, all 0."""
        return [*zeros(params, 2), no_steps(params)]

    @final
    def move(self, params: Sequence[Array], gradients: Sequence[Array], state: State, lr: Scalar) -> None:
        """Update the averages and step by them."""
        *averages, count = state
        means, squares = averages[: len(params)], averages[len(params) :]
        count += 1
        dtype = params[0].dtype
        rate = np.asarray(lr / weight_so_far(self.beta1, count, dtype), dtype=dtype)
        root = np.sqrt(weight_so_far(self.beta2, count, dtype)).astype(dtype)
        of_mean, of_square = shares(self.beta1, dtype), shares(self.beta2, dtype)
        for param, gradient, mean, square in zip(params, gradients, means, squares, strict=True):
            size = root_mean_square(square, gradient, *of_square)
            np.divide(size, root, out=size)
            np.add(size, self.epsilon, out=size)
            average_in(mean, gradient, *of_mean)
            np.divide(mean, size, out=size)
            np.multiply(size, rate, out=size)
            np.subtract(param, size, out=param)


@dataclass(frozen=True, kw_only=True)
class Adam(AdamOptimizer):
    """Adam whose gradient includes weight_decay · w. Conventions of PyTorch and optax.

    Source: Kingma and Ba (2015).
    """

    def step(self, params: Sequence[Array], gradients: Sequence[Array], state: State, lr: Scalar) -> None:
        """Add the decay to the gradients, and move."""
        if not is_zero(self.weight_decay):
            for param, gradient in zip(params, gradients, strict=True):
                add_decay(gradient, param, self.weight_decay)
        self.move(params, gradients, state, lr)
