"""Paired differences over the same examples, and the test of the largest of many of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from lossexp.components import Array

NORMAL = NormalDist()
CHUNK = 100
"""Draws that are made together."""
HOPELESS = -6.0
"""Differences so many standard errors below 0 are not among the largest, whatever the noise; they are left out."""


@dataclass(frozen=True)
class Contrasts:
    """Means of paired differences, one per column, with their standard errors.

    Attributes:
        mean: Mean difference, `(n_columns,)`.
        se: Its standard error, of the same shape.
        unit: Deviations from the mean, `(n_groups, n_columns)` in float32, each column of length 1 or all 0.
    """

    mean: Array
    se: Array
    unit: Array

    @property
    def z(self) -> Array:
        """Mean in standard errors; of a difference that is the same for all examples ±inf, or -inf where it is 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            z = self.mean / self.se
        return np.where(np.isnan(z), -np.inf, z)

    @property
    def p(self) -> float:
        """The p-value of the first mean alone: how likely it is to be so large if it is not above 0."""
        return NORMAL.cdf(-float(self.z[0]))

    def bounds(self, level: float) -> tuple[Array, Array]:
        """Return the ends of the two-sided confidence intervals of the means, each `(n_columns,)`."""
        half = NORMAL.inv_cdf((1 + level) / 2) * self.se
        return self.mean - half, self.mean + half


def contrasts(differences: Array, groups: Array | None = None) -> Contrasts:
    """Return the means of paired differences `(n_samples, n_columns)`.

    The examples of a group count as one draw: their deviations are added up (Liang and Zeger 1986).

    Args:
        differences: In float64; at least one example.
        groups: Number of the group of each example, `(n_samples,)`; None where all are independent.
    """
    n_samples = len(differences)
    mean = differences.mean(axis=0)
    deviations = differences - mean
    if groups is not None:
        _, place = np.unique(groups, return_inverse=True)
        summed = np.zeros((place.max() + 1, deviations.shape[1]))
        np.add.at(summed, place, deviations)
        deviations = summed
    length = np.sqrt(np.einsum("gc,gc->c", deviations, deviations))
    n_groups = len(deviations)
    se = length / n_samples * np.sqrt(n_groups / max(n_groups - 1, 1))
    unit = deviations / np.where(length > 0, length, 1)
    return Contrasts(mean, se, unit.astype(np.float32))


@dataclass(frozen=True)
class MaximumTest:
    """Whether the largest of several means is above 0.

    Attributes:
        p: Probability of a largest z as seen or larger if no mean is above 0.
        critical: The z that is exceeded with probability alpha then.
    """

    p: float
    critical: float


def maximum_tests(
    families: Sequence[Contrasts], rng: np.random.Generator, *, alpha: float, n_draws: int
) -> list[MaximumTest]:
    """Test the largest mean of each family of contrasts over the same examples: no mean is above 0.

        M = max_t z_t,   M* = max_t sum_i e_i u_it,   e_i ~ N(0, 1),   p = P(M* >= M)

    with u_t the deviations of the differences t from their mean, scaled to length 1. The multipliers e_i keep how the
    differences depend on each other, so that looking at many epochs costs what it must and no more. Families share the
    draws, which stop as soon as no p can become significant: where nothing rises that is after the first chunk, and p
    is as valid. Of a p below 1 / (n_draws + 1) the bound of Bonferroni is told, which then needs no draws.

    Source: Chernozhukov, Chetverikov and Kato (2013) the multipliers; (2019) leaving out what is hopeless; Besag and
        Clifford (1991) the stopping.

    Args:
        families: The contrasts.
        rng: Source of the multipliers.
        alpha: Level of the tests.
        n_draws: At most so many draws.
    """
    observed = [float(family.z.max()) for family in families]
    units = [family.unit[:, _possible(family.z)] for family in families]
    bounds = [unit.shape[1] * NORMAL.cdf(-z) for unit, z in zip(units, observed, strict=True)]
    beyond_draws = np.array(bounds) < 1 / (n_draws + 1)
    enough = max(int(alpha * (n_draws + 1)), 1)
    stacked = np.concatenate(units, axis=1)
    starts = np.cumsum([0, *(unit.shape[1] for unit in units[:-1])])
    maxima = np.empty((0, len(families)))
    while len(maxima) < n_draws:
        multipliers = rng.standard_normal((min(CHUNK, n_draws - len(maxima)), len(stacked)), dtype=np.float32)
        maxima = np.concatenate([maxima, np.maximum.reduceat(multipliers @ stacked, starts, axis=1)])
        if np.all(beyond_draws | (np.count_nonzero(maxima >= observed, axis=0) >= enough)):
            break
    return [
        MaximumTest(bound if beyond else _p_value(drawn >= z, enough, n_draws), float(np.quantile(drawn, 1 - alpha)))
        for bound, beyond, drawn, z in zip(bounds, beyond_draws, maxima.T, observed, strict=True)
    ]


def _possible(z: Array) -> Array:
    """Tell which columns may be the largest, always one at least."""
    possible = z > HOPELESS
    possible[z.argmax()] = True
    return possible


def _p_value(exceeds: Array, enough: int, n_draws: int) -> float:
    """Return enough / l if the draw l is the one that is enough, else (1 + number) / (1 + n_draws).

    Source: Besag and Clifford (1991).
    """
    places = np.flatnonzero(exceeds)
    return enough / float(places[enough - 1] + 1) if len(places) >= enough else (1 + len(places)) / (n_draws + 1)
