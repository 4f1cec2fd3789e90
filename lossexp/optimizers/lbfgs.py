"""L-BFGS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossexp.components import Array, Fraction, PositiveCount, Scalar
from lossexp.optimizers.base import Searcher, State


@dataclass(frozen=True, kw_only=True)
class LBFGS(Searcher):
    """SciPy's L-BFGS on the whole training split: the reference optimum of smooth convex losses.

    Each epoch is a search of its own, with a line search in every iteration; nothing is to be tuned. When a search
    gains no more than the rounding of the loss it is the last: the run has converged, and stays. For the last digits
    use training.dtype=float64. The penalty is weight_decay/2 times the sum of squared weights, as it is in
    gradient descent. Runs with it are trained alone.

    Source: Liu and Nocedal (1989); Byrd, Lu, Nocedal and Zhu (1995).

    Attributes:
        lr: How much of the way to the point found is gone; times the schedule.
        iterations: At most so many iterations an epoch.
        memory: Number of past gradients that the curvature is estimated from.
    """

    lr: Fraction = 1.0
    iterations: PositiveCount = 20
    memory: PositiveCount = 10

    other_names = ("l_bfgs", "l_bfgs_b", "bfgs", "newton", "quasi_newton")

    def init(self, params: Sequence[Array]) -> State:
        """Return whether the run has converged, 0 or 1."""
        return [np.zeros_like(params[0][:1, :, :1])]

    def search(
        self, params: Sequence[Array], gradients: Sequence[Array], state: State, evaluate: Callable[[], float]
    ) -> None:
        """Minimise the mean loss and the penalty."""
        (has_converged,) = state
        if has_converged.all():
            for gradient in gradients:
                gradient.fill(0)
            return
        from scipy.optimize import minimize

        start = _flat(params)
        values: list[float] = []

        def objective(point: Array) -> tuple[float, Array]:
            _write(point, params)
            value = evaluate()
            for param, gradient in zip(params, gradients, strict=True):
                weights = param[..., :-1]
                value += float(self.weight_decay) / 2 * float(np.sum(np.square(weights), dtype=np.float64))
                gradient[..., :-1] += self.weight_decay * weights
            values.append(value)
            return value, _flat(gradients)

        options: Any = {"maxiter": self.iterations, "maxcor": self.memory, "ftol": 0.0, "gtol": 0.0}
        found = minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
        # The next search would start from the same place, or from one that is not better but for rounding. What is not
        # a number is no convergence: the run is to diverge of it.
        has_converged[...] = values[0] - found.fun <= np.finfo(params[0].dtype).eps * abs(values[0])
        _write(start, params)
        _write(start - found.x, gradients)

    def step(self, params: Sequence[Array], gradients: Sequence[Array], state: State, lr: Scalar) -> None:
        """Go the share `lr` of the way."""
        for param, way in zip(params, gradients, strict=True):
            np.subtract(param, np.multiply(way, lr, out=way), out=param)


def _flat(arrays: Sequence[Array]) -> Array:
    """Return all numbers in one float64 vector."""
    return np.concatenate([array.ravel() for array in arrays]).astype(np.float64)


def _write(vector: Array, arrays: Sequence[Array]) -> None:
    """Write the numbers back."""
    ends = np.cumsum([array.size for array in arrays])
    for array, part in zip(arrays, np.split(vector, ends[:-1]), strict=True):
        np.copyto(array, part.reshape(array.shape))
