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
    absolute value accept them and lose the step without a word, so it is believed only where differences agree.
    """
    differences = four_point(function, x)
    try:
        exact = complex_step(function, x)
    except TypeError:
        return differences
    agrees = np.isclose(exact, differences, rtol=1e-6, atol=1e-9)
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
    # Far out the step grows with x, which would swallow it otherwise.
    h = step * np.maximum(1, DIFFERENCE_STEP * np.abs(x))

    def moved(output: int, n_steps: int) -> Array:
        point = x.copy()
        point[output] += n_steps * h[output]
        return function(point)

    near = np.stack([moved(output, 1) - moved(output, -1) for output in range(len(x))])
    far = np.stack([moved(output, 2) - moved(output, -2) for output in range(len(x))])
    return (8 * near - far) / (12 * h)
