"""Running averages of gradients and of their squares, for the optimizers that scale each step by them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from lossexp.components import Array, Scalar


def zeros(params: Sequence[Array], n_copies: int) -> list[Array]:
    """Return arrays of 0 like all parameters, so many times over."""
    return [np.zeros_like(param) for _ in range(n_copies) for param in params]


def no_steps(params: Sequence[Array]) -> Array:
    """Return the number of steps that each run has taken, `(1, n_runs, 1)`: none."""
    return np.zeros((1, params[0].shape[1], 1))


def shares(beta: Scalar, dtype: DTypeLike) -> tuple[Array, Array]:
    """Return beta and 1 - beta in the precision of the parameters.

    The second is taken from the first as it is after rounding, so that a run gets the same numbers alone, where beta
    is a number, and in a stack, where it is in a column.
    """
    kept = np.asarray(beta, dtype=dtype)
    return kept, np.asarray(1 - kept.astype(np.float64), dtype=dtype)


def weight_so_far(beta: Scalar, count: Array, dtype: DTypeLike) -> Array:
    """Return 1 - beta^count, `(1, n_runs, 1)` in float64: the weights in an average that started at 0."""
    return 1 - np.asarray(beta, dtype=dtype).astype(np.float64) ** count


def average_in(average: Array, new: Array, kept: Array, taken: Array) -> None:
    """Set average = kept · average + taken · new, in place; `new` is overwritten."""
    np.multiply(average, kept, out=average)
    np.multiply(new, taken, out=new)
    np.add(average, new, out=average)


def root_mean_square(average: Array, gradient: Array, kept: Array, taken: Array) -> Array:
    """Take gradient² into the average and return the root of it, a new array."""
    square = np.square(gradient)
    average_in(average, square, kept, taken)
    return np.sqrt(average, out=square)
