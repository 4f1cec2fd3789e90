"""Derivatives of a function of the raw predictions that comes without one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lossexp.components import Array

COMPLEX_STEP = 1e-30
DIFFERENCE_STEP = 1e-3

Function = Callable[[Array], Array]
"""Maps `(n_outputs, n_runs, n_samples)` to one number per example, `(n_runs, n_samples)`."""


def derivative(function: Function, x: Array) -> Array:
    """Return d function / d x in float64, of the shape of `x`.

    Where the function accepts complex numbers the complex step is exact to the last digits. Functions such as the
    absolute value accept them and lose the step without a word, so it is believed only where differences agree, as far
    as these can tell: of a large value they know only the first digits.
    """
    differences = four_point(function, x)
    try:
        exact = complex_step(function, x)
    except Exception:  # real numbers have just been fine: it is complex ones that are refused
        return differences
    agrees = np.abs(exact - differences) <= 1e-9 + 1e-6 * np.abs(differences) + rounding_of_differences(function, x)
    return np.where(agrees | ~np.isfinite(differences), exact, differences)


def complex_step(function: Function, x: Array) -> Array:
    """Return Im f(x + ih) / h, which subtracts nothing and so has no rounding error; `function` must be analytic.

    Source: Squire and Trapp (1998).
    """
    result = np.empty(x.shape)
    for output in range(len(x)):
        stepped = x.astype(np.complex128)
        stepped[output] += COMPLEX_STEP * 1j
        result[output] = np.imag(function(stepped)) / COMPLEX_STEP
    return result


def four_point(function: Function, x: Array, step: float = DIFFERENCE_STEP) -> Array:
    """Return differences of error O(h⁴): (f(x - 2h) - 8 f(x - h) + 8 f(x + h) - f(x + 2h)) / 12h."""
    x = x.astype(np.float64)
    h = _length(x, step)

    def moved(output: int, n_steps: int) -> Array:
        point = x.copy()
        point[output] += n_steps * h[output]
        return function(point)

    near = np.stack([moved(output, 1) - moved(output, -1) for output in range(len(x))])
    far = np.stack([moved(output, 2) - moved(output, -2) for output in range(len(x))])
    return (8 * near - far) / (12 * h)


def rounding_of_differences(function: Function, x: Array) -> Array:
    """Return how far `four_point` may be off by rounding, of the shape of `x`."""
    value = function(x.astype(np.float64))
    return 4 * np.finfo(np.float64).eps * np.abs(value) / _length(x, DIFFERENCE_STEP)


def _length(x: Array, step: float) -> Array:
    """Return the length of a step at `x`: far out it grows with x, which would swallow it otherwise."""
    return step * np.maximum(1, DIFFERENCE_STEP * np.abs(x.astype(np.float64)))
