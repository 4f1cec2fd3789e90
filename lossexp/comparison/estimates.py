"""Means with their uncertainty: the t interval, its correction for resampled splits, and equivalence.

Every function takes differences or scores `(n_seeds,)` that are finite. One value has a mean and no interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lossexp.components import Array


@dataclass(frozen=True)
class Estimate:
    """A number and the ends of its interval, which are NaN where nothing is known about chance."""

    value: float
    low: float = math.nan
    high: float = math.nan

    def __neg__(self) -> Estimate:
        # 0 - 0 is 0, whereas -(0) would be -0.
        return Estimate(0.0 - self.value, 0.0 - self.high, 0.0 - self.low)

    def within(self, low: float, high: float) -> Estimate:
        """Return the same with an interval that ends where values do; an unknown one stays unknown."""
        return Estimate(self.value, max(self.low, low), min(self.high, high))

    def excludes(self, value: float) -> bool:
        """Tell whether the interval is known and does not contain `value`."""
        return self.low > value or self.high < value


@dataclass(frozen=True)
class TTest:
    """The mean of differences against 0.

    Attributes:
        mean: The mean difference with its interval.
        t: The mean in standard errors; infinite where all differences are the same and not 0.
        df: Degrees of freedom.
        p: Two-sided.
    """

    mean: Estimate
    t: float
    df: int
    p: float


def mean_with_interval(values: Array, *, level: float = 0.95, test_to_train: float = 0.0) -> Estimate:
    """Return the mean with its t interval, mean ± t(df) · standard error.

    Args:
        values: `(n,)`; NaN for none.
        level: How often such intervals contain the mean.
        test_to_train: As in `standard_error`.
    """
    from scipy import special

    if len(values) == 0:
        return Estimate(math.nan)
    mean, error = float(np.mean(values)), standard_error(values, test_to_train)
    half = float(special.stdtrit(len(values) - 1, (1 + level) / 2)) * error if len(values) > 1 else math.nan
    return Estimate(mean, mean - half, mean + half)


def standard_error(values: Array, test_to_train: float = 0.0) -> float:
    """Return the standard error of the mean, sqrt((1 / n + test_to_train) · variance); NaN for one value.

    Args:
        values: `(n,)`.
        test_to_train: n_test / n_train where every value has a split of its own, drawn from the same data: such values
            resemble each other, and their spread alone promises too much. 0 where the split is the same for all.

    Source: Nadeau and Bengio (2003).
    """
    if len(values) < 2:
        return math.nan
    # Values that are all the same have no spread, whatever the rounding of their mean.
    variance = 0.0 if np.ptp(values) == 0 else float(np.var(values, ddof=1))
    return math.sqrt((1 / len(values) + test_to_train) * variance)


def t_test(differences: Array, *, level: float = 0.95, test_to_train: float = 0.0) -> TTest:
    """Test whether the mean of paired differences is 0: Student's t, corrected for resampled splits.

    Source: Student (1908); Nadeau and Bengio (2003).
    """
    mean = mean_with_interval(differences, level=level, test_to_train=test_to_train)
    t = _standardised(mean.value, standard_error(differences, test_to_train))
    df = max(len(differences) - 1, 0)
    return TTest(mean, t, df, 2 * _upper_tail(abs(t), df))


def equivalence_p(differences: Array, margin: float, *, test_to_train: float = 0.0) -> float:
    """Return the p-value against a mean difference of `margin` or more, in either direction.

    The larger p of two one-sided t tests; small where the difference is shown to be within the margin.

    Source: Schuirmann (1987).
    """
    mean = float(np.mean(differences)) if len(differences) else math.nan
    nearest = _standardised(margin - abs(mean), standard_error(differences, test_to_train))
    return _upper_tail(nearest, len(differences) - 1)


def _standardised(value: float, error: float) -> float:
    """Return value / error; without any spread the sign decides."""
    return value / error if error != 0 else math.copysign(math.inf, value) if value else 0.0


def _upper_tail(t: float, df: int) -> float:
    from scipy import special

    return float(special.stdtr(df, -t)) if df > 0 else math.nan
