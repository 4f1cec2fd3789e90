"""Means, intervals and tests of differences against published examples, SciPy and the extremes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lossexp.comparison.estimates import Estimate, equivalence_p, mean_with_interval, standard_error, t_test

MAIZE = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]) / 8
"""Heights in inches, crossed less self-fertilized plants: Darwin (1876), as in Fisher (1935)."""

# Paired equivalence examples of the R package `equivalence`, of which statsmodels tests its own: the first fifteen
# patients against the other fifteen, two variables, margin 0.6.
CLINIC_1 = np.array(
    [2.84, 2.51, 2.41, 2.95, 3.14, 3.79, 4.14, 3.85, 3.02, 3.45, 5.37, 3.81, 4.19, 3.16, 3.84]
) - np.array([2.60, 2.82, 2.18, 3.46, 4.01, 3.04, 3.47, 4.06, 2.91, 3.59, 4.51, 3.16, 3.86, 3.31, 3.02])
CLINIC_2 = np.array(
    [4.00, 3.26, 4.14, 3.42, 3.25, 4.34, 4.97, 4.31, 3.11, 3.41, 5.02, 4.21, 4.59, 5.30, 4.32]
) - np.array([3.76, 3.66, 3.65, 3.60, 3.48, 2.87, 3.24, 3.92, 3.99, 4.21, 4.21, 3.31, 3.61, 2.97, 2.73])

DIFFERENCES = arrays(np.float64, st.integers(2, 12), elements=st.floats(-10, 10).map(lambda x: round(x, 3)))


def test_t_of_the_maize_plants_is_that_of_fisher():
    """Fisher gives t = 2.148 with 14 degrees of freedom; SciPy's ttest_1samp gives p = .0497029440."""
    test = t_test(MAIZE)
    assert round(test.t, 3) == 2.148
    assert test.df == 14
    assert test.p == pytest.approx(0.0497029440, rel=1e-8)
    assert test.mean.low > 0


@pytest.mark.parametrize(
    ("differences", "p"),
    [(CLINIC_1, 0.003166881489265175), (CLINIC_2, 0.4412034046017588)],
    ids=["within", "not shown"],
)
def test_equivalence_is_that_of_the_published_examples(differences, p):
    assert equivalence_p(differences, 0.6) == pytest.approx(p, rel=1e-12)
    assert equivalence_p(-differences, 0.6) == pytest.approx(p, rel=1e-12)


def test_interval_of_the_published_example():
    """The 90 % interval that goes with the test: [-0.0744336620516462, 0.4037669953849797]."""
    mean = mean_with_interval(CLINIC_1, level=0.9)
    assert (mean.low, mean.high) == pytest.approx((-0.0744336620516462, 0.4037669953849797), rel=1e-12)


def test_corrected_t_is_that_of_scikit_learn():
    """scikit-learn's example "Statistical comparison of models using grid search", with the numbers of its page.

    Ten times repeated tenfold cross-validation, corrected t = 0.750 with right-tailed p = .227, uncorrected 2.611 and
    .005.
    """
    from sklearn.datasets import make_moons
    from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
    from sklearn.svm import SVC

    X, y = make_moons(noise=0.352, random_state=1, n_samples=100)
    folds = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    rbf, linear = (cross_val_score(SVC(kernel=name), X, y, scoring="roc_auc", cv=folds) for name in ("rbf", "linear"))
    corrected, uncorrected = t_test(rbf - linear, test_to_train=10 / 90), t_test(rbf - linear)
    assert (round(corrected.t, 3), round(corrected.p / 2, 3), corrected.df) == (0.750, 0.227, 99)
    assert (round(uncorrected.t, 3), round(uncorrected.p / 2, 3)) == (2.611, 0.005)


@given(DIFFERENCES)
def test_t_and_interval_are_those_of_scipy(differences):
    from scipy import stats

    if np.ptp(differences) < 1e-6:
        return
    expected = stats.ttest_1samp(differences, 0)
    test = t_test(differences, level=0.9)
    assert (test.t, test.p) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9, abs=1e-12)
    interval = expected.confidence_interval(0.9)
    assert (test.mean.low, test.mean.high) == pytest.approx((interval.low, interval.high), rel=1e-9, abs=1e-9)


@given(DIFFERENCES, st.floats(0.01, 20))
def test_equivalence_holds_where_the_interval_of_twice_alpha_is_within_the_margin(differences, margin):
    """TOST at .05 and the 90 % interval are the same statement."""
    mean = mean_with_interval(differences, level=0.9)
    distance = max(abs(mean.low), abs(mean.high)) - margin
    if abs(distance) > 1e-9:
        assert (equivalence_p(differences, margin) < 0.05) == (distance < 0)


@given(DIFFERENCES, st.floats(0, 1))
def test_a_split_for_every_seed_widens_the_interval(differences, test_to_train):
    corrected = standard_error(differences, test_to_train)
    widened = math.sqrt(1 + len(differences) * test_to_train) * standard_error(differences)
    assert corrected == pytest.approx(widened, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e-9, 1e9])
def test_differences_that_are_all_the_same_have_no_spread(value):
    """Their mean may round to something else than each of them."""
    test = t_test(np.full(7, value))
    assert (test.t, test.p) == (math.inf, 0)
    assert test.mean.low == test.mean.high == test.mean.value
    assert equivalence_p(np.full(7, value), value / 2) == 1
    assert equivalence_p(np.full(7, value), value * 2) == 0


def test_no_difference_at_all():
    test = t_test(np.zeros(5))
    assert (test.t, test.p) == (0, 1)
    assert equivalence_p(np.zeros(5), 0.1) == 0


@pytest.mark.parametrize("n", [0, 1])
def test_of_one_value_or_none_nothing_is_known_about_chance(n):
    test = t_test(np.ones(n))
    assert test.mean.value == 1 if n else math.isnan(test.mean.value)
    assert all(math.isnan(unknown) for unknown in (test.mean.low, test.mean.high, test.p, equivalence_p(np.ones(n), 2)))
    assert not test.mean.excludes(0)


def test_an_estimate_with_the_other_sign():
    assert -Estimate(1, -2, 4) == Estimate(-1, -4, 2)
    assert Estimate(1, 0.5, 2).excludes(0)
    assert Estimate(-1, -2, -0.5).excludes(0)
    assert not Estimate(1, -0.5, 2).excludes(0)
