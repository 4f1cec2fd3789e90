"""Two trained models on the same test set: what the examples say, without and with the seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.comparison.estimates import Estimate
from lossexp.components import Array


@dataclass(frozen=True)
class McNemar:
    """Who is right where the other is wrong.

    Attributes:
        only_a: Number of examples that only A has right.
        only_b: Number of examples that only B has right.
        p: Two-sided, exact: 1 where they are right and wrong together.
    """

    only_a: int
    only_b: int
    p: float


def by_group(values: Array, groups: Array | None) -> Array:
    """Return values of examples that depend on each other as one value per group, of the same mean.

    Of groups of one size it is the mean of each. Of others it is the mean of all, plus what the group adds to its
    uncertainty: the spread of the result is that of the mean over whole groups.

    Args:
        values: `(..., n_samples)`.
        groups: The group of each example, `(n_samples,)`; None where all are independent, which leaves the values.

    Returns:
        `(..., n_groups)`.

    Source: Liang and Zeger (1986).
    """
    if groups is None:
        return values
    different, place = np.unique(groups, return_inverse=True)
    mean = values.mean(axis=-1, keepdims=True)
    sums = np.apply_along_axis(lambda row: np.bincount(place, row), -1, values - mean)
    return np.asarray(mean + sums * (len(different) / len(groups)))


def mcnemar(correct_a: Array, correct_b: Array) -> McNemar:
    """Test whether two classifiers are right equally often, by the examples on which one of them alone is.

    Args:
        correct_a: Booleans `(n_samples,)`.
        correct_b: Booleans `(n_samples,)` of the other model, for the same examples.

    Source: McNemar (1947), in its exact form.
    """
    from scipy import stats

    only_a = int(np.count_nonzero(correct_a & ~correct_b))
    only_b = int(np.count_nonzero(correct_b & ~correct_a))
    p = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    return McNemar(only_a, only_b, float(p))


def crossed_bootstrap(
    differences: Array, rng: np.random.Generator, *, level: float = 0.95, n_resamples: int = 2000
) -> Estimate:
    """Return the mean with an interval for other seeds and other examples at once.

    Seeds and examples are drawn anew, each with replacement, and every drawn seed meets every drawn example.

    Args:
        differences: `(n_seeds, n_samples)`, of the same examples for every seed.
        rng: Source of the draws.
        level: Of the percentile interval.
        n_resamples: Number of draws.

    Source: Owen (2007), the pigeonhole bootstrap.
    """
    n_seeds, n_samples = differences.shape
    # Seeds by how often they are drawn: one small matrix product in place of a copy of the rows for every draw.
    weights = rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), size=n_resamples) / n_seeds
    means = [float(np.mean((row @ differences)[rng.integers(n_samples, size=n_samples)])) for row in weights]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(np.mean(differences)), float(low), float(high))
