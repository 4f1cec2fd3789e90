"""Paired differences over the same examples, and the test of the largest of many of them."""

from __future__ import annotations

import math
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
        z: Student's statistic mean / se, as the normal deviate that is as far in the tail; of a mean of 0 without an
            error it is -inf.
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
    return Contrasts(mean, se, _normal_deviates(mean, se, freedom), unit)


def effective_number(sizes: Array) -> float:
    """Return how many groups of equal size are worth as much as groups of these sizes: (sum of sizes)² / sum of sizes².

    Where one group is most of all examples, the mean is as uncertain as that group, however many small ones there are.

    Source: Kish (1965); Carter, Schnepel and Steigerwald (2017).
    """
    return float(sizes.sum()) ** 2 / float(np.square(sizes).sum())


def _normal_deviates(mean: Array, se: Array, freedom: float) -> Array:
    """Return mean / se, Student's t, as the z with about the same tail; t = ±inf is finite then.

    z = t (1 - 1 / (4 f)) / sqrt(1 + t² / (2 f)), f degrees of freedom

    Source: Abramowitz and Stegun (1964), 26.7.8.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        t = mean / se
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
    largest, possible = float(family.z.max()), family.possible
    tail = NORMAL.cdf(-largest)
    bound = min(len(possible) * tail, 1.0)
    if tail > alpha or bound < 1 / (n_draws + 1):
        return bound
    enough = max(int(alpha * (n_draws + 1)), 1)
    exceeds = np.empty(0, dtype=bool)
    while len(exceeds) < n_draws and np.count_nonzero(exceeds) < enough:
        drawn = _maxima(possible, min(CHUNK, n_draws - len(exceeds)), rng)
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
    mean, se, unit = above_least.mean[candidates], above_least.se[candidates], above_least.unit[candidates]
    correlation = unit.astype(np.float64) @ unit.T
    sd = np.sqrt(np.maximum(se[:, None] ** 2 + se**2 - 2 * correlation * np.outer(se, se), 0))
    # Of two that are too much alike rounding would decide.
    precision = np.divide(1, sd, out=np.zeros_like(sd), where=sd > 1e-3 * sd.max()).astype(np.float32)
    multipliers = rng.standard_normal((CRITICAL_DRAWS, unit.shape[1]), dtype=np.float32)
    drawn = (multipliers @ unit.T) * se.astype(np.float32)
    maxima = np.max((drawn[:, :, None] - drawn[:, None, :]) * precision, axis=2)
    critical = np.sort(maxima, axis=0)[math.ceil((1 - alpha) * (CRITICAL_DRAWS + 1)) - 1]
    kept = candidates[np.max((mean[:, None] - mean) * precision, axis=1) <= critical]
    may_be = np.zeros(len(above_least.z), dtype=bool)
    may_be[kept] = True
    return may_be, max(float(critical.max()), NORMAL.inv_cdf(1 - alpha))


def _maxima(unit: Array, n_draws: int, rng: np.random.Generator) -> Array:
    """Return draws of the largest z if all means are 0, `(n_draws,)`."""
    multipliers = rng.standard_normal((n_draws, unit.shape[1]), dtype=np.float32)
    return np.maximum.reduce(multipliers @ unit.T, axis=1)
