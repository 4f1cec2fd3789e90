"""What paired differences say without assuming their distribution, and Holm's correction for many tests."""

from __future__ import annotations

import functools
import math

import numpy as np

from lossexp.comparison.estimates import Estimate
from lossexp.components import Array

N_FLIPS = 2**16
"""So many ways to flip signs are tried: all there are for up to 16 seeds; of more, as many are drawn."""


def sign_flip_p(differences: Array) -> float:
    """Return the two-sided p-value of the mean if every difference could as well have the other sign.

    The share of sign flips whose sum is as far from 0 as the one seen, exact for up to 16 differences. It assumes
    nothing but symmetry, and cannot fall below 2 / 2^n: see `seeds_needed`.

    Args:
        differences: `(n,)`; NaN for none.

    Source: Fisher (1935), section 21.
    """
    if len(differences) == 0:
        return math.nan
    # One matrix product: `scipy.stats.permutation_test` takes some hundred times longer for the same number.
    sums = np.abs(_flips(len(differences)) @ differences)
    rounding = 1e-12 * np.abs(differences).sum()
    return float(np.mean(sums >= abs(differences.sum()) - rounding))


@functools.cache
def _flips(n: int) -> Array:
    """Return rows of signs, `(n_flips, n)`: all that begin with 1 or that many drawn ones, the unflipped the first.

    The others are these with all signs turned, whose sums are as far from 0.
    """
    if 2**n <= N_FLIPS:
        return 1.0 - 2 * (np.arange(2 ** (n - 1))[:, None] >> np.arange(n)[::-1] & 1)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(N_FLIPS, n))
    signs[0] = 1
    return signs


def seeds_needed(alpha: float) -> int:
    """Return how many seeds it takes before sign flips can be significant at all: six for alpha = .05."""
    return math.ceil(math.log2(1 / alpha)) + 1


def holm(p_values: Array) -> Array:
    """Return p-values corrected for their number; NaN stays NaN and does not count.

    The i-th smallest of m is multiplied by m - i + 1, and none may be below one that was smaller before.

    Source: Holm (1979).
    """
    corrected = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(factors * p_values[order]), 1)
    return corrected


def hodges_lehmann(differences: Array) -> float:
    """Return the median of the means of all pairs of differences, each with itself as well: outliers hardly count.

    Source: Hodges and Lehmann (1963).
    """
    if len(differences) == 0:
        return math.nan
    first, second = np.triu_indices(len(differences))
    return float(np.median((differences[first] + differences[second]) / 2))


def probability_of_better(differences: Array, *, level: float = 0.95) -> Estimate:
    """Return how often a difference is above 0, ties counted half, with its percentile bootstrap interval.

    The mean of n draws from {0, ½, 1} has a known distribution, an n-fold convolution: what endless resampling
    would find, without a random number.

    Source: Bouthillier et al. (2021), P(A > B); Efron (1979), the bootstrap distribution in closed form.
    """
    n = len(differences)
    if n == 0:
        return Estimate(math.nan)
    shares = np.array([np.mean(differences < 0), np.mean(differences == 0), np.mean(differences > 0)])
    distribution = np.ones(1)
    for _ in range(n):
        distribution = np.convolve(distribution, shares)
    cumulative = np.cumsum(distribution)
    # Of sums that rounding left a little short of a quantile, the next would be taken.
    low, high = np.searchsorted(cumulative * (1 + 1e-12), [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(shares[1] / 2 + shares[2]), float(low) / (2 * n), float(high) / (2 * n))
