"""Nadam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lossexp.components import Array, NonNegative, Positive, ProperFraction, Scalar
from lossexp.optimizers.averaging import average_in, no_steps, root_mean_square, shares, weight_so_far, zeros
from lossexp.optimizers.base import MiniBatchOptimizer, State, add_decay, is_zero


@dataclass(frozen=True, kw_only=True)
class Nadam(MiniBatchOptimizer):
    """Adam that looks ahead along the average gradient, as Nesterov's momentum does.

    With mu_t = beta1 (1 - 0.96^(t · momentum_decay) / 2) and M_t the product of mu_1 to mu_t, a step is
    w = w - lr (m mu_(t+1) / (1 - M_(t+1)) + g (1 - mu_t) / (1 - M_t)) / (sqrt(v') + epsilon), with m, v' and g as in
    Adam. Conventions of PyTorch.

    Source: Dozat (2016).

    Attributes:
        beta1: Share of the average gradient that a step keeps.
        beta2: Share of the average square that a step keeps.
        epsilon: Keeps the division from 0.
        momentum_decay: How fast mu rises from beta1/2 to beta1.
    """

    lr: NonNegative = 0.002
    beta1: ProperFraction = 0.9
    beta2: ProperFraction = 0.999
    epsilon: Positive = 1e-8
    momentum_decay: NonNegative = 0.004

    def init(self, params: Sequence[Array]) -> State:
        """Return average gradients and squares of 0, the product of mu, 1, and the number of steps, 0."""
        return [*zeros(params, 2), np.ones((1, params[0].shape[1], 1)), no_steps(params)]

    def step(self, params: Sequence[Array], gradients: Sequence[Array], state: State, lr: Scalar) -> None:
        """Update the averages and step by them."""
        *averages, product, count = state
        means, squares = averages[: len(params)], averages[len(params) :]
        dtype = params[0].dtype
        count += 1
        mu, next_mu = self._mu(count, dtype), self._mu(count + 1, dtype)
        product *= mu
        by_mean = np.asarray(lr * next_mu / (1 - product * next_mu), dtype=dtype)
        by_gradient = np.asarray(lr * (1 - mu) / (1 - product), dtype=dtype)
        root = np.sqrt(weight_so_far(self.beta2, count, dtype)).astype(dtype)
        of_mean, of_square = shares(self.beta1, dtype), shares(self.beta2, dtype)
        for param, gradient, mean, square in zip(params, gradients, means, squares, strict=True):
            if not is_zero(self.weight_decay):
                add_decay(gradient, param, self.weight_decay)
            size = root_mean_square(square, gradient, *of_square)
            np.divide(size, root, out=size)
            np.add(size, self.epsilon, out=size)
            ahead = by_gradient * gradient
            average_in(mean, gradient, *of_mean)
            ahead += np.multiply(mean, by_mean, out=gradient)
            np.subtract(param, np.divide(ahead, size, out=size), out=param)

    def _mu(self, count: Array, dtype: np.dtype[np.floating]) -> Array:
        """Return mu of a step, `(1, n_runs, 1)` in float64."""
        beta1, decay = (
            np.asarray(value, dtype=dtype).astype(np.float64) for value in (self.beta1, self.momentum_decay)
        )
        return beta1 * (1 - 0.96 ** (count * decay) / 2)
