"""Sign flips, Holm, Hodges-Lehmann and the probability of being better against published examples and other ways."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossexp.comparison.significance import hodges_lehmann, holm, probability_of_better, seeds_needed, sign_flip_p

from .test_estimates import DIFFERENCES, MAIZE


def test_sign_flips_of_the_maize_plants_are_those_of_fisher():
    """Fisher (1935), section 21: in 863 of 32 768 cases the total is 314 or more, as often -314 or less."""
    assert sign_flip_p(MAIZE) == 2 * 863 / 2**15


@pytest.mark.parametrize("n", [2, 5, 8, 10, 16])
def test_the_least_p_is_that_of_differences_with_one_sign(n):
    assert sign_flip_p(np.linspace(1, 2, n)) == 2 / 2**n


@given(DIFFERENCES)
def test_sign_flips_are_all_tried(differences):
    integers = np.round(1000 * differences).astype(int)
    totals = np.array(list(itertools.product([-1, 1], repeat=len(integers)))) @ integers
    assert sign_flip_p(integers.astype(float)) == np.mean(np.abs(totals) >= abs(integers.sum()))


@pytest.mark.parametrize("n", [7, 12, 25])
def test_sign_flips_are_those_of_scipy(n):
    from scipy import stats

    differences = np.random.default_rng(n).normal(0.1, 1, n)
    expected = stats.permutation_test(
        (differences,), lambda x, axis: x.mean(axis), permutation_type="samples", n_resamples=50_000, rng=0
    )
    assert sign_flip_p(differences) == pytest.approx(expected.pvalue, rel=1e-12 if n < 16 else 0.05)


@pytest.mark.parametrize("alpha", [0.1, 0.05, 0.01, 0.001])
def test_seeds_needed_are_the_fewest(alpha):
    n = seeds_needed(alpha)
    assert 2 / 2**n <= alpha < 2 / 2 ** (n - 1)


def test_sign_flips_of_one_and_of_none():
    assert sign_flip_p(np.ones(1)) == 1
    assert math.isnan(sign_flip_p(np.ones(0)))
    assert sign_flip_p(np.zeros(6)) == 1


def test_holm_by_hand():
    """.005 · 4, .01 · 3, and for the third and the fourth .03 · 2 and .04, which must not be below it."""
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02], rtol=1e-12)


def test_holm_leaves_out_what_is_not_known():
    corrected = holm(np.array([0.01, np.nan, 0.9, 0.6]))
    np.testing.assert_allclose(corrected, [0.03, np.nan, 1, 1], rtol=1e-12)
    assert len(holm(np.array([]))) == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_none_and_bonferroni_and_keeps_the_order(p_values):
    p = np.array(p_values)
    corrected = holm(p)
    assert np.all(corrected >= p)
    assert np.all(corrected <= np.minimum(len(p) * p, 1) + np.finfo(float).eps)  # of the least it is just that
    assert np.all(np.diff(corrected[np.argsort(p, kind="stable")]) >= 0)


def test_hodges_lehmann_of_the_published_example():
    """Hollander and Wolfe (1999), example 3.1, the Hamilton depression scale of nine patients: -0.46."""
    first = np.array([1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30])
    second = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29])
    assert round(hodges_lehmann(second - first), 3) == -0.46


def test_hodges_lehmann_hardly_moves_for_one_seed():
    differences = np.array([1.0, 1.1, 0.9, 1.05, 0.95, 1.0])
    spoiled = np.append(differences, -1000.0)
    assert abs(hodges_lehmann(spoiled) - 1) < 0.1
    assert math.isnan(hodges_lehmann(np.array([])))


def test_probability_of_better_counts_ties_half():
    assert probability_of_better(np.array([1.0, 2.0, 0.0, -1.0])).value == 2.5 / 4


@pytest.mark.parametrize(
    "differences", [[1, 1, 1, 1, 1, 1, 1, -1, -1, -1], [3, 1, 0, 0, -1, 2, 1, 5], [1, 2, 3, -4, 5]]
)
@pytest.mark.parametrize("level", [0.95, 0.8])
def test_its_interval_is_that_of_endless_resampling(differences, level):
    from scipy import stats

    differences = np.array(differences, dtype=float)
    share = probability_of_better(differences, level=level)
    outcomes = (np.sign(differences) + 1) / 2
    drawn = stats.bootstrap(
        (outcomes,), np.mean, method="percentile", confidence_level=level, n_resamples=100_000, rng=1
    ).confidence_interval
    assert (share.low, share.high) == pytest.approx((drawn.low, drawn.high), abs=1e-9)


@pytest.mark.parametrize(("sign", "share"), [(1, 1), (-1, 0), (0, 0.5)])
def test_probability_of_better_where_all_seeds_agree(sign, share):
    estimate = probability_of_better(np.full(10, float(sign)))
    assert (estimate.value, estimate.low, estimate.high) == (share, share, share)
    assert math.isnan(probability_of_better(np.array([])).value)


@given(DIFFERENCES)
def test_how_often_one_is_better_and_the_other_sum_to_1(differences):
    one, other = probability_of_better(differences), probability_of_better(-differences)
    assert (one.value + other.value, one.low + other.high, one.high + other.low) == pytest.approx((1, 1, 1), abs=1e-12)
