"""The few elementary functions that need care far from zero. All of them accept any shape and any float dtype."""

from __future__ import annotations

import numpy as np

from lossexp.components import Array, Scalar


def sigmoid(z: Array, out: Array | None = None) -> Array:
    """Return 1 / (1 + exp(-z)), exact in both tails.

    Where exp(-z) overflows to infinity its reciprocal is the right answer, 0, so the warning is silenced rather than
    the argument clipped.
    """
    out = np.negative(z, out=out)
    with np.errstate(over="ignore"):
        np.exp(out, out=out)
    np.add(out, 1, out=out)
    return np.reciprocal(out, out=out)


def sigmoids(z: Array) -> tuple[Array, Array]:
    """Return 1 / (1 + exp(-z)) and 1 / (1 + exp(z)), whose sum is 1, both exact in both tails, from one exponential.

    1 minus the first one would have lost the second where that is small. The odds exp(-z) are kept finite: infinity
    times the probability 0 is not 1.
    """
    odds = np.negative(z)
    with np.errstate(over="ignore"):
        np.exp(odds, out=odds)
    np.minimum(odds, 1 / np.finfo(odds.dtype).tiny, out=odds)
    p = odds + 1
    np.reciprocal(p, out=p)
    return p, np.multiply(odds, p, out=odds)


def softplus(z: Array) -> Array:
    """Return log(1 + exp(z)) without overflow; the small tail keeps its relative accuracy through log1p."""
    tail = np.log1p(np.exp(-np.abs(z)))
    return np.maximum(z, 0) + tail


def log1p(x: Array) -> Array:
    """Return log(1 + x) for finite x >= 0, to the last digits and several times faster than NumPy's own in float32.

    What rounding 1 + x loses, the factor x / ((1 + x) - 1) puts back: Kahan's correction.
    """
    rounded = 1 + x
    step = rounded - 1
    tiny = step == 0
    return np.where(tiny, x, np.log(rounded) * (x / np.where(tiny, 1, step)))


def softmax(raw: Array, out: Array) -> Array:
    """Write exp(raw) / sum(exp(raw)) over axis 0 into `out` (which may be `raw`) and return it."""
    total, _ = exponentials(raw, out)
    np.divide(out, total, out=out)
    return out


SAFE_EXPONENT = 60.0
"""exp of anything in ±60 neither overflows nor underflows in float32, nor does a sum of millions of them."""


def exponentials(raw: Array, out: Array) -> tuple[Array, Scalar]:
    """Write exp(raw - shift) into `out`, one shift per column of axis 0; return its sum over axis 0, and the shift.

    The shift is the maximum where any score is large and 0 elsewhere: ratios of the results do not depend on it, and
    leaving it out saves two of the passes over memory that a softmax needs.
    """
    shift: Scalar = 0.0
    if np.minimum.reduce(raw, axis=None) < -SAFE_EXPONENT or not (np.maximum.reduce(raw, axis=None) < SAFE_EXPONENT):
        shift = np.maximum.reduce(raw, axis=0)
        raw = np.subtract(raw, shift, out=out)
    np.exp(raw, out=out)
    return np.add.reduce(out, axis=0), shift


def log_sum_exp(raw: Array) -> tuple[Array, Array]:
    """Return (log(sum(exp(raw - max))), max) over axis 0, both without that axis.

    The largest term is exactly 1 and is kept out of the sum, so that log1p keeps the relative accuracy of a sum that
    one class dominates: log(1 + 1e-20) is 1e-20, not 0.
    """
    largest = np.maximum.reduce(raw, axis=0)
    shifted = raw - largest
    is_largest = shifted == 0
    others = np.where(is_largest, 0, np.exp(shifted)).sum(axis=0)
    ties = np.count_nonzero(is_largest, axis=0) - 1
    return np.log1p(others + ties.astype(raw.dtype)), largest


FAR_BELOW = -1e30
"""Added to a score it leaves a class out of a maximum and of a sum of exponentials, in float32 as well."""


def surprisal(raw: Array, target: Array) -> Array:
    """Return -log softmax(raw) of the class that the one-hot target marks, `(n_runs, n_samples)`.

    It is softplus of the log odds against that class, so it keeps its relative accuracy where a wrong class is certain
    and where none is possible.
    """
    true = np.einsum("ckn,ckn->kn", raw, target)
    wrong = raw + target * FAR_BELOW
    largest = np.maximum.reduce(wrong, axis=0)
    np.exp(np.subtract(wrong, largest, out=wrong), out=wrong)
    return softplus((largest - true) + np.log(np.add.reduce(wrong, axis=0)))
