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


def four_point(function: Function, x: Array) -> Array:
    """Return differences of error O(h⁴): (f(x - 2h) - 8 f(x - h) + 8 f(x + h) - f(x + 2h)) / 12h."""
    x = x.astype(np.float64)
    result = np.empty(x.shape)
    for output in range(len(x)):
        # Far out the step grows with x, which would swallow it otherwise.
        step = DIFFERENCE_STEP * np.maximum(1, DIFFERENCE_STEP * np.abs(x[output]))

        def at(n_steps: int, output: int = output, step: Array = step) -> Array:
            moved = x.copy()
            moved[output] += n_steps * step
            return function(moved)

        result[output] = (at(-2) - at(2) + 8 * (at(1) - at(-1))) / (12 * step)
    return result
