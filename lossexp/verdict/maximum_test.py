"""Paired differences over the same examples, and the test of the largest of many of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from lossexp.components import Array

NORMAL = NormalDist()
CHUNK = 100
"""Draws that are made together."""
CRITICAL_DRAWS = 99
"""Draws for a critical value: with the one that is observed, 5 % of them are a whole number."""
HOPELESS = -6.0
"""Differences so many standard errors below 0 are not among the largest, whatever the noise; they are left out."""


@dataclass(frozen=True)
class Contrasts:
    """Means of paired differences over the same examples, each with its standard error.

    Attributes:
        mean: Mean differences, `(n_differences,)`.
        se: Their standard errors, of the same shape.
        z: Student's statistic mean / se, less what a negative skew adds to it, as the normal deviate that is as far in
            the tail; of a mean of 0 without an error it is -inf.
        unit: Deviations from the mean, `(n_differences, n_groups)` in float32, each row of length 1 or all 0.
    """

    mean: Array
    se: Array
    z: Array
    unit: Array

    @property
    def p(self) -> float:
        """The p-value of the first mean alone: how likely it is to be so large if it is not above 0."""
        return NORMAL.cdf(-float(self.z[0]))

    @property
    def possible(self) -> Array:
        """The rows of `unit` that may be the largest, one at least."""
        is_possible = self.z > HOPELESS
        is_possible[self.z.argmax()] = True
        return self.unit[is_possible]

    def bounds(self, level: float) -> tuple[Array, Array]:
        """Return the ends of the two-sided confidence intervals of the means, each `(n_differences,)`."""
        half = NORMAL.inv_cdf((1 + level) / 2) * self.se
        return self.mean - half, self.mean + half


def contrasts(differences: Array, groups: Array | None = None) -> Contrasts:
    """Return the means of paired differences.

    The examples of a group count as one draw: their deviations are added up (Liang and Zeger 1986). The degrees of
    freedom are those of as many groups of equal size as vary alike.

    Args:
        differences: `(n_differences, n_samples)` in float64, of at least one example.
        groups: Number of the group of each example, `(n_samples,)`; None where all are independent.
    """
    n_samples = differences.shape[1]
    mean = np.add.reduce(differences, axis=1) / n_samples
    deviations = differences - mean[:, None]
    n_draws = float(n_samples)
    if groups is not None:
        _, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
        deviations = np.array([np.bincount(place, row) for row in deviations])
        n_draws = effective_number(sizes)
    freedom = max(n_draws - 1, 1)
    length = np.sqrt(np.vecdot(deviations, deviations))
    # Differences that are the same for all examples, but for rounding, have no error.
    length[length <= 1e-10 * np.abs(mean)] = 0
    se = length / n_samples * math.sqrt((freedom + 1) / freedom)
    scale = np.divide(1, length, out=np.zeros_like(length), where=length > 0)
    unit = np.multiply(deviations, scale[:, None], dtype=np.float32, casting="same_kind")
    with np.errstate(divide="ignore", invalid="ignore"):
        t = mean / se
    return Contrasts(mean, se, _normal_deviates(_less_skew(t, unit), freedom), unit)


def effective_number(sizes: Array) -> float:
    """Return how many groups of equal size are worth as much as groups of these sizes: (sum of sizes)² / sum of sizes².

    Where one group is most of all examples, the mean is as uncertain as that group, however many small ones there are.

    Source: Kish (1965); Carter, Schnepel and Steigerwald (2017).
    """
    return float(sizes.sum()) ** 2 / float(np.square(sizes).sum())


def _less_skew(t: Array, unit: Array) -> Array:
    """Return Student's t with what a negative skew adds to it taken away.

        min(t, ((1 + a t / 3)³ - 1) / a + a / 6),   a = sum of unit³, the skewness over the square root of n

    Where a few examples get much better and most a little worse, few may be drawn of the former: a mean of 0 then seems
    to be above it too often. A positive skew makes the test too cautious, which is left as it is.

    Source: Hall (1992), removal of skewness by transformation.
    """
    a = np.minimum(np.vecdot(unit, np.square(unit)).astype(np.float64), 0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        straight = (np.power(1 + a * t / 3, 3) - 1) / a + a / 6
    return np.where((a < 0) & (straight < t), straight, t)


def _normal_deviates(t: Array, freedom: float) -> Array:
    """Return Student's t as the z with about the same tail; of t = ±inf it is finite.

    z = t (1 - 1 / (4 f)) / sqrt(1 + t² / (2 f)), f degrees of freedom

    Source: Abramowitz and Stegun (1964), 26.7.8.
    """
    with np.errstate(divide="ignore", over="ignore"):
        z = np.copysign((1 - 1 / (4 * freedom)) / np.sqrt(1 / np.square(t) + 1 / (2 * freedom)), t)
    return np.where(np.isnan(t), -np.inf, z)


def maximum_test(family: Contrasts, rng: np.random.Generator, *, alpha: float, n_draws: int) -> float:
    """Return the p-value of the largest mean of a family: how likely it is to be so large if none is above 0.

        M = max_t z_t,   M* = max_t sum_i e_i u_it,   e_i ~ N(0, 1),   p = P(M* >= M)

    with u_t the deviations of the differences t from their mean, scaled to length 1. The multipliers e_i keep how the
    differences depend on each other, so that looking at many epochs costs what it must and no more.

    One term of the maximum has the tail Q(M) of the normal distribution, so p lies between Q(M) and the number of terms
    times Q(M), as Bonferroni says. That upper bound is returned without draws where even Q(M) is above alpha, and where
    it is below what draws can show: or no run of a large sweep could be significant after a correction for their
    number. Draws stop as soon as p can no longer become significant.

    Source: Chernozhukov, Chetverikov and Kato (2013) the multipliers; (2019) leaving out what is hopeless; Besag and
        Clifford (1991) the stopping.

    Args:
        family: The contrasts.
        rng: Source of the multipliers.
        alpha: Level of the test.
        n_draws: At most so many draws.
    """
    possible = family.possible

    def maxima(n: int) -> Array:
        return np.maximum.reduce(rng.standard_normal((n, possible.shape[1]), dtype=np.float32) @ possible.T, axis=1)

    return _p_of_the_largest(float(family.z.max()), len(possible), maxima, alpha, n_draws)


def maximum_test_of_a_chosen_end(
    family: Contrasts, curve: Contrasts, margin: float, rng: np.random.Generator, *, alpha: float, n_draws: int
) -> float:
    """Return the p-value of the largest rise to the last of several means that was chosen by looking at them.

        M* = max_{s < t} (G_t - G_s) / sd(G_t - G_s),   p = P(M* >= M)

    with G draws of the means if all are alike. A rule that stops where the curve has risen picks an end that chance
    made high, which makes M large; but no larger than the largest rise between any two of the means, whatever the rule.

    Args:
        family: By how much the last mean is above each before, less the margin.
        curve: All means in their order, relative to one of them.
        margin: A rise that is none.
        rng: Source of the multipliers.
        alpha: Level of the test.
        n_draws: At most so many draws.
    """
    pairs = _Pairs(curve)
    earlier = np.tri(len(curve.mean), k=-1, dtype=bool)
    possible = earlier & (pairs.precision > 0) & (pairs.z - margin * pairs.precision > HOPELESS)

    def maxima(n: int) -> Array:
        return np.max(pairs.drawn(n, rng)[:, possible], axis=1, initial=-np.inf)

    n_possible = max(int(np.count_nonzero(possible)), 1)
    return _p_of_the_largest(float(family.z.max()), n_possible, maxima, alpha, n_draws)


def _p_of_the_largest(
    largest: float, n_terms: int, maxima: Callable[[int], Array], alpha: float, n_draws: int
) -> float:
    """Return the share of draws of a maximum of so many terms that are at least `largest`, or a bound of it."""
    tail = NORMAL.cdf(-largest)
    bound = min(n_terms * tail, 1.0)
    if tail > alpha or bound < 1 / (n_draws + 1):
        return bound
    enough = max(int(alpha * (n_draws + 1)), 1)
    exceeds = np.empty(0, dtype=bool)
    while len(exceeds) < n_draws and np.count_nonzero(exceeds) < enough:
        drawn = maxima(min(CHUNK, n_draws - len(exceeds)))
        exceeds = np.concatenate([exceeds, drawn >= largest])
    return sequential_p(exceeds, enough)


def sequential_p(exceeds: Array, enough: int) -> float:
    """Return the p-value of draws that are made until `enough` of them exceed what was observed.

    enough / l if the draw l is the one that is enough, else (1 + number that exceed) / (1 + number of draws).

    Source: Besag and Clifford (1991).
    """
    places = np.flatnonzero(exceeds)
    if len(places) >= enough:
        return enough / float(places[enough - 1] + 1)
    return (1 + len(places)) / (1 + len(exceeds))


def may_be_least(above_least: Contrasts, rng: np.random.Generator, *, alpha: float) -> tuple[Array, float]:
    """Return which of several means may be the least one, `(n,)`, and the largest critical value of the tests of it.

    The least mean is among those that are kept with a probability of 1 - alpha: of each mean it is tested whether it is
    above any other one, as `maximum_test` does, with the same draws for all.

    Source: Hsu (1981), multiple comparisons with the best; Hansen, Lunde and Nason (2011), model confidence set.

    Args:
        above_least: By how much each mean is above the least one that was seen, which is one of them.
        rng: Source of the multipliers.
        alpha: Level of the tests.
    """
    candidates = np.flatnonzero(above_least.z < -HOPELESS)
    pairs = _Pairs(above_least, candidates)
    maxima = np.max(pairs.drawn(CRITICAL_DRAWS, rng), axis=2)
    critical = np.sort(maxima, axis=0)[math.ceil((1 - alpha) * (CRITICAL_DRAWS + 1)) - 1]
    may_be = np.zeros(len(above_least.z), dtype=bool)
    may_be[candidates[np.max(pairs.z, axis=1) <= critical]] = True
    return may_be, max(float(critical.max()), NORMAL.inv_cdf(1 - alpha))


class _Pairs:
    """The differences of every two of some means over the same examples.

    Args:
        means: The means, relative to one of them.
        among: Places of those that are looked at; all where it is left out.

    Attributes:
        precision: One over the standard error of each difference, `(n, n)`; 0 of two that are too much alike, where
            rounding would decide.
        z: The differences in standard errors, rows less columns, `(n, n)`.
    """

    def __init__(self, means: Contrasts, among: Array | slice = slice(None)) -> None:
        mean, self.se, self.unit = means.mean[among], means.se[among], means.unit[among]
        correlation = self.unit.astype(np.float64) @ self.unit.T
        variance = self.se[:, None] ** 2 + self.se**2 - 2 * correlation * np.outer(self.se, self.se)
        sd = np.sqrt(np.maximum(variance, 0))
        self.precision = np.divide(1, sd, out=np.zeros_like(sd), where=sd > 1e-3 * sd.max()).astype(np.float32)
        self.z = (mean[:, None] - mean) * self.precision

    def drawn(self, n_draws: int, rng: np.random.Generator) -> Array:
        """Return draws of the differences in standard errors if all means are alike, `(n_draws, n, n)`."""
        multipliers = rng.standard_normal((n_draws, self.unit.shape[1]), dtype=np.float32)
        means = (multipliers @ self.unit.T) * self.se.astype(np.float32)
        differences: Array = (means[:, :, None] - means[:, None, :]) * self.precision
        return differences
