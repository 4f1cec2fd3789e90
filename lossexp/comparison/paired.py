"""Comparing losses whose runs are paired: the same seeds, hence the same start and order, for every loss."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from lossexp import metrics
from lossexp.comparison import estimates, significance
from lossexp.comparison.estimates import Estimate
from lossexp.components import Array

OFTEN = 0.75
"""The better one must be better for so many seeds, or chance decides too often to speak of better.

Source: Bouthillier et al. (2021).
"""
POWER_FACTOR = (1.96 + 0.84) ** 2
"""(z of .975 + z of .80)²: n = factor · (sd / difference)² seeds see a difference four times out of five."""
MANY_MORE = 1000
"""So many seeds or more to add are just many: no one will, and the estimate is not that good."""


class Outcome(StrEnum):
    """What the seeds say about two losses."""

    A_BETTER = "A better"
    B_BETTER = "B better"
    EQUIVALENT = "equivalent"
    UNDECIDED = "undecided"

    @property
    def swapped(self) -> Outcome:
        """The same with A and B in each other's place."""
        return {Outcome.A_BETTER: Outcome.B_BETTER, Outcome.B_BETTER: Outcome.A_BETTER}.get(self, self)


@dataclass(frozen=True)
class Arm:
    """One of the losses that are compared.

    Attributes:
        label: Its name.
        mean: Mean of the metric over the seeds that ended well, with its t interval, as far as there are such values.
        sd: Standard deviation over those seeds; NaN for fewer than two.
        n: How many seeds ended well.
        n_left_out: How many did not, and are in no number here.
    """

    label: str
    mean: Estimate
    sd: float
    n: int
    n_left_out: int


@dataclass(frozen=True)
class Pair:
    """Two losses against each other, over the seeds for which both ended well.

    Attributes:
        a: Label of the first.
        b: Label of the second.
        difference: Mean difference with its t interval, in units of the metric; positive where A is better.
        sd: Standard deviation of the differences.
        n: Number of seeds.
        n_left_out: Seeds for which A or B did not end well.
        p: Of the mean difference, two-sided, by the paired t test; corrected where every seed has a split of its own.
        p_sign_flip: The same by sign flips, exact without a distribution, but never below 2 / 2^n.
        p_equivalence: Small where the difference is shown to be within the margin (TOST), not corrected.
        hodges_lehmann: The difference, estimated so that single seeds hardly count.
        probability: How often A is better, over seeds, with its interval.
        p_holm: `p`, corrected for all pairs of the comparison.
        outcome: What follows from all that.
        n_more: Seeds to add for a decision, at most `MANY_MORE`; 0 where there is one, or where there should be
            enough to see a difference of this size.
    """

    a: str
    b: str
    difference: Estimate
    sd: float
    n: int
    n_left_out: int
    p: float
    p_sign_flip: float
    p_equivalence: float
    hodges_lehmann: float
    probability: Estimate
    p_holm: float = math.nan
    outcome: Outcome = Outcome.UNDECIDED
    n_more: int = 0

    @property
    def winner(self) -> str | None:
        """Label of the better one, if one is better."""
        return {Outcome.A_BETTER: self.a, Outcome.B_BETTER: self.b}.get(self.outcome)

    def swapped(self) -> Pair:
        """Return the same pair with A and B in each other's place."""
        share = self.probability
        return dataclasses.replace(
            self,
            a=self.b,
            b=self.a,
            difference=-self.difference,
            hodges_lehmann=0.0 - self.hodges_lehmann,
            probability=Estimate(1 - share.value, 1 - share.high, 1 - share.low),
            outcome=self.outcome.swapped,
        )


@dataclass(frozen=True)
class Comparison:
    """All losses against each other by one metric.

    Attributes:
        metric: Its name.
        higher_is_better: Its direction.
        margin: The least difference that matters in practice, in units of the metric.
        level: Of the intervals; 1 - level is the alpha of the tests.
        arms: The losses, in the order in which they were given.
        pairs: Every two of them, in that order.
    """

    metric: str
    higher_is_better: bool
    margin: float
    level: float
    arms: tuple[Arm, ...]
    pairs: tuple[Pair, ...]

    @property
    def ranked(self) -> tuple[Arm, ...]:
        """The arms by their mean, the best first; those without any seed that ended well last."""
        sign = -1 if self.higher_is_better else 1
        return tuple(
            sorted(self.arms, key=lambda arm: math.inf if math.isnan(arm.mean.value) else sign * arm.mean.value)
        )

    def between(self, a: str, b: str) -> Pair:
        """Return the pair as seen from `a`.

        Raises:
            KeyError: These two were not compared.
        """
        for pair in self.pairs:
            if (pair.a, pair.b) == (a, b):
                return pair
            if (pair.a, pair.b) == (b, a):
                return pair.swapped()
        raise KeyError((a, b))


def compare(
    scores: Mapping[str, Array],
    metric: str,
    *,
    higher_is_better: bool,
    margin: float,
    level: float = 0.95,
    test_to_train: float = 0.0,
) -> Comparison:
    """Compare losses by one metric over paired seeds.

    A is better than B where the interval of the mean difference excludes 0, its p is at most alpha = 1 - level both
    after Holm and by sign flips, and A wins for at least 75 % of the seeds with an interval above one half. Else they
    are equivalent where the difference is shown to be within the margin, by as many seeds as it takes for sign flips to
    be significant at all: two that happen to agree would do otherwise. Else it is undecided.

    Args:
        scores: Final value of the metric for each seed, `(n_seeds,)`, the same seeds in the same order for every
            label. What is not finite, such as of a run that diverged, is left out together with its partner, and
            counted.
        metric: Its name.
        higher_is_better: Its direction.
        margin: The least difference that matters in practice, above 0.
        level: Of the intervals; 1 - level is the alpha of the tests.
        test_to_train: n_test / n_train where every seed has a split of its own, drawn from the same data; 0 where all
            have the same. See `estimates.standard_error`.

    Raises:
        ValueError: The margin is not above 0, or the labels do not have the same number of seeds.
    """
    if not margin > 0:
        raise ValueError(f"margin={margin} is not allowed: expected a number above 0, in units of {metric}.")
    values = {label: np.array(of_label, dtype=np.float64) for label, of_label in scores.items()}
    if len({of_label.shape for of_label in values.values()}) > 1:
        shapes = ", ".join(f"{label} {of_label.shape}" for label, of_label in values.items())
        raise ValueError(f"Scores are paired by seed, so all labels need the same number of them; got {shapes}.")
    for of_label in values.values():
        of_label[~np.isfinite(of_label)] = np.nan  # a difference of infinities would warn
    rules = _Rules(margin, level, test_to_train)
    sign = 1 if higher_is_better else -1
    measured = [_measured(a, b, sign * (values[a] - values[b]), rules) for a, b in itertools.combinations(values, 2)]
    corrected = significance.holm(np.array([pair.p for pair in measured]))
    pairs = [dataclasses.replace(pair, p_holm=float(p)) for pair, p in zip(measured, corrected, strict=True)]
    return Comparison(
        metric,
        higher_is_better,
        margin,
        level,
        arms=tuple(_arm(label, of_label, rules, metrics.bounds(metric)) for label, of_label in values.items()),
        pairs=tuple(_decided(pair, rules) for pair in pairs),
    )


@dataclass(frozen=True)
class _Rules:
    margin: float
    level: float
    test_to_train: float


def _finite(values: Array) -> Array:
    return values[np.isfinite(values)]


def _sd(values: Array) -> float:
    return estimates.standard_error(values) * math.sqrt(len(values))


def _arm(label: str, values: Array, rules: _Rules, bounds: tuple[float, float]) -> Arm:
    ended = _finite(values)
    mean = estimates.mean_with_interval(ended, level=rules.level, test_to_train=rules.test_to_train)
    return Arm(label, mean.within(*bounds), _sd(ended), len(ended), len(values) - len(ended))


def _measured(a: str, b: str, differences: Array, rules: _Rules) -> Pair:
    """Return everything about a pair that does not depend on the others."""
    known = _finite(differences)
    test = estimates.t_test(known, level=rules.level, test_to_train=rules.test_to_train)
    return Pair(
        a,
        b,
        difference=test.mean,
        sd=_sd(known),
        n=len(known),
        n_left_out=len(differences) - len(known),
        p=test.p,
        p_sign_flip=significance.sign_flip_p(known),
        p_equivalence=estimates.equivalence_p(known, rules.margin, test_to_train=rules.test_to_train),
        hodges_lehmann=significance.hodges_lehmann(known),
        probability=significance.probability_of_better(known, level=rules.level),
    )


def _decided(pair: Pair, rules: _Rules) -> Pair:
    alpha = 1 - rules.level
    # Holm's p rests on the t distribution; for few seeds, or a metric of few values, the sign flips must agree.
    evident = pair.difference.excludes(0) and pair.p_holm <= alpha and pair.p_sign_flip <= alpha
    for outcome, share in ((Outcome.A_BETTER, pair.probability), (Outcome.B_BETTER, pair.swapped().probability)):
        if evident and share.value >= OFTEN and share.low > 0.5:
            return dataclasses.replace(pair, outcome=outcome)
    if pair.p_equivalence <= alpha and pair.n >= significance.seeds_needed(alpha):
        return dataclasses.replace(pair, outcome=Outcome.EQUIVALENT)
    return dataclasses.replace(pair, n_more=_seeds_to_add(pair, rules))


def _seeds_to_add(pair: Pair, rules: _Rules) -> int:
    """Return how many seeds are missing to be significant at all, and to see a difference.

    That of the margin, or the one that was seen where it is larger. Splits that overlap leave an uncertainty that no
    number of seeds takes away.
    """
    needed = float(significance.seeds_needed(1 - rules.level))
    if pair.n > 1 and pair.sd:
        difference = max(rules.margin, abs(pair.difference.value))
        per_seed = (difference / pair.sd) ** 2 / POWER_FACTOR - rules.test_to_train
        needed = max(needed, math.ceil(1 / per_seed)) if per_seed > 1 / MANY_MORE else math.inf
    return int(min(max(needed - pair.n, 0), MANY_MORE))
