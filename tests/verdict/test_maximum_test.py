from statistics import NormalDist

import numpy as np
import pytest
from scipy import stats

from lossexp.verdict.maximum_test import (
    contrasts,
    effective_number,
    maximum_test,
    maximum_test_of_a_chosen_end,
    may_be_least,
    sequential_p,
)

NORMAL = NormalDist()
N = 400


def with_z(z, correlation=0.0, seed=0):
    """Return contrasts with these z; the deviations of two of them are correlated so much, exactly, and not skewed."""
    rng = np.random.default_rng(seed)
    half, _ = np.linalg.qr(rng.standard_normal((N // 2, len(z) + 1)))
    q = np.vstack([half, -half]) / np.sqrt(2)
    common, own = q[:, :1], q[:, 1:]
    unit = (np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own) * np.sqrt(N - 1)
    t = np.sign(z) * stats.t.isf(stats.norm.sf(np.abs(z)), N - 1)
    return contrasts((unit + t / np.sqrt(N)).T)


def p_of(family, seed=0, n_draws=20_000):
    return maximum_test(family, np.random.default_rng(seed), alpha=0.05, n_draws=n_draws)


def near(p, n_draws=20_000):
    """Within four standard errors of a share of draws."""
    return pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / n_draws))


def test_a_contrast_is_the_paired_t_statistic():
    differences = np.random.default_rng(0).gamma(1, size=(3, 50)) - 1
    family = contrasts(differences)
    expected = stats.ttest_1samp(differences, 0, axis=1, alternative="greater")
    np.testing.assert_allclose(family.mean / family.se, expected.statistic, rtol=1e-12)
    np.testing.assert_allclose(stats.norm.sf(family.z), expected.pvalue, rtol=1e-3)
    assert family.p == pytest.approx(expected.pvalue[0], rel=1e-3)
    np.testing.assert_allclose(np.square(family.unit).sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(family.bounds(0.9)[1], family.mean + 1.6448536269514722 * family.se, rtol=1e-12)


def test_what_a_negative_skew_adds_is_taken_away():
    """Hall (1992): t + a t² / 3 + a² t³ / 27 + a / 6 with a = skewness / sqrt(n), here multiplied out."""
    rng = np.random.default_rng(0)
    differences = 1.3 - rng.exponential(size=(1, 50))
    t, a = stats.ttest_1samp(differences[0], 0).statistic, stats.skew(differences[0]) / np.sqrt(50)
    assert a < 0 < t
    straight = t + a * t**2 / 3 + a**2 * t**3 / 27 + a / 6
    assert contrasts(differences).p == pytest.approx(stats.t.sf(straight, 49), rel=1e-3)
    skewed_the_other_way = contrasts(-differences + 0.6)
    assert skewed_the_other_way.p == pytest.approx(stats.ttest_1samp(0.6 - differences[0], 0).pvalue / 2, rel=0.01)


def test_the_level_is_nearly_kept_where_few_examples_get_much_better():
    """Student's t comes to .085 at a level of .05 and .032 at .01 (20 000 draws)."""
    rng = np.random.default_rng(0)
    p = np.array([contrasts(1 - rng.exponential(size=(1, 50))).p for _ in range(2000)])
    assert np.mean(p <= 0.05) < 0.07
    assert np.mean(p <= 0.01) < 0.02


def test_examples_of_a_group_count_once():
    """Two copies of each example say what one says."""
    differences = np.random.default_rng(0).normal(0.1, 1, (3, 50))
    once, twice = contrasts(differences), contrasts(np.tile(differences, 2), np.tile(np.arange(50) + 7, 2))
    np.testing.assert_allclose(twice.mean, once.mean, rtol=1e-12)
    np.testing.assert_allclose(twice.se, once.se, rtol=1e-12)
    np.testing.assert_allclose(twice.unit, once.unit, atol=1e-7)


def test_groups_of_unequal_size_leave_less_freedom():
    """By hand: 40 examples of 1 group and 10 of 10 are (40 + 10)² / (40² + 10) = 1.55 of equal size."""
    assert effective_number(np.array([40, *np.ones(10)])) == pytest.approx(2500 / 1610)
    assert effective_number(np.full(7, 3)) == pytest.approx(7)
    differences = np.random.default_rng(0).normal(0.5, 1, (1, 50))
    uneven = contrasts(differences, np.maximum(np.arange(50) - 39, 0))
    assert uneven.z[0] < float(uneven.mean[0] / uneven.se[0]) / 1.5


def test_a_difference_that_is_the_same_for_all_examples_is_certain():
    family = contrasts(np.array([[0.1] * 50, [0.0] * 50, [-0.1] * 50]))
    assert family.z[0] > 9
    assert family.z[1] == -np.inf
    assert family.z[2] < -9
    np.testing.assert_array_equal(family.unit, 0)
    assert p_of(family) < 1e-20


def test_of_one_contrast_it_is_the_tail_of_the_normal_distribution():
    assert p_of(with_z([1.7])) == near(NORMAL.cdf(-1.7))
    assert p_of(with_z([1.6])) == pytest.approx(NORMAL.cdf(-1.6), rel=1e-3)  # cannot be significant: no draws


def test_of_independent_contrasts_it_is_sidaks_p():
    z = [2.9, *np.zeros(19)]
    assert p_of(with_z(z)) == near(1 - NORMAL.cdf(2.9) ** 20)


def test_of_contrasts_that_are_nearly_one_it_is_nearly_that_of_one():
    z = [2.0, *np.zeros(19)]
    assert 0.02 < p_of(with_z(z, correlation=0.9999)) < 0.028
    assert p_of(with_z(z)) > 0.3


def test_what_is_hopeless_is_left_out():
    assert p_of(with_z([2.0, *[-9] * 19])) == near(NORMAL.cdf(-2))


def test_a_tiny_p_is_bounded_without_draws():
    """Of 64 runs, 1000 draws could leave none significant after Holm's correction."""
    p = p_of(with_z([6.0, *np.zeros(19)]), n_draws=1000)
    assert p == pytest.approx(20 * NORMAL.cdf(-6), rel=0.02)


def test_the_level_is_kept_for_skewed_and_dependent_differences():
    rng = np.random.default_rng(0)
    rejected = []
    for _ in range(600):
        steps = rng.exponential(size=(30, 200)) - 1
        family = contrasts(np.cumsum(steps, axis=0))
        rejected.append(maximum_test(family, rng, alpha=0.05, n_draws=400) <= 0.05)
    assert 0.02 <= np.mean(rejected) <= 0.07


def largest_rise(values, seed=0, margin=0.0, n_draws=20_000):
    """Return the p-value of the rise to the last of several means, whichever was chosen to be the last."""
    family, curve = contrasts(values[-1] - values - margin), contrasts(values - values[0])
    rng = np.random.default_rng(seed)
    return maximum_test_of_a_chosen_end(family, curve, margin, rng, alpha=0.05, n_draws=n_draws)


def test_of_two_means_the_choice_of_the_last_does_not_matter():
    values = np.random.default_rng(0).normal([[0.0], [0.15]], 1, (2, N))
    assert largest_rise(values) == near(contrasts(values[1:] - values[:1]).p)


def test_of_a_chosen_end_all_rises_are_counted():
    """The largest of three differences of three independent means is the studentized range."""
    rng = np.random.default_rng(0)
    half, _ = np.linalg.qr(rng.standard_normal((N // 2, 3)))
    values = np.vstack([half, -half]).T * np.sqrt(N - 1) + np.array([[0.0], [0.02], [0.17]])
    z = 0.17 * np.sqrt(N) / 2
    # Upward is half of the range's two directions; of three means both may be exceeded together, rarely.
    assert largest_rise(values) == pytest.approx(stats.studentized_range.sf(z * np.sqrt(2), 3, np.inf) / 2, rel=0.1)


def test_falls_that_are_sure_are_no_rises_that_might_have_been():
    rng = np.random.default_rng(0)
    flat = rng.normal(0, 1, (2, N)) + np.array([[0.0], [0.12]])
    fallen = np.vstack([rng.normal(0, 1, (6, N)) + 9 - np.arange(6)[:, None], flat])
    assert largest_rise(fallen) == near(largest_rise(flat))
    assert largest_rise(fallen[[6, 6, 7]]) == near(largest_rise(flat))


def test_a_margin_is_no_rise():
    values = np.random.default_rng(0).normal(0, 1, (2, N)) + np.array([[0.0], [0.3]])
    assert largest_rise(values) < 0.001
    assert largest_rise(values, margin=0.3) > 0.05


def test_sequential_p_by_hand():
    """Besag and Clifford (1991): h / l at the h-th exceedance in draw l, else (g + 1) / n with n - 1 draws."""
    assert sequential_p(np.array([True, False, True, True]), enough=2) == 2 / 3
    assert sequential_p(np.array([False] * 9), enough=2) == 1 / 10
    assert sequential_p(np.array([True] + [False] * 18), enough=2) == 2 / 20


def test_sequential_p_is_valid():
    """If the observation is one more draw, P(p <= x) is x at the values p can have, and at most x elsewhere."""
    rng = np.random.default_rng(0)
    draws = rng.random((20_000, 200))
    found = np.array([sequential_p(row[1:] >= row[0], enough=10) for row in draws])
    for x in (0.01, 0.05, 0.1, 0.3, 0.7):
        share = np.mean(found <= x + 1e-12)
        assert share <= x + 4 * np.sqrt(x * (1 - x) / 20_000)
    assert np.mean(found <= 0.05 + 1e-12) == pytest.approx(0.05, abs=0.006)


def test_stopping_never_changes_the_decision():
    """With alpha (n + 1) exceedances all draws together would not be significant either."""
    rng = np.random.default_rng(1)
    for share in rng.uniform(0.03, 0.07, 200):
        exceeds = rng.random(999) < share
        whole = (1 + np.count_nonzero(exceeds)) / 1000
        assert (sequential_p(exceeds, enough=50) <= 0.05) == (whole <= 0.05)


@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_the_least_mean_is_kept_with_the_probability_that_is_asked_for(correlation):
    """Ten equal means: each must be kept in 95 % of the cases; the least that is seen is never left out."""
    rng = np.random.default_rng(0)
    kept = []
    for _ in range(400):
        common = rng.exponential(size=(1, 150))
        values = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * rng.exponential(size=(10, 150))
        least = values.mean(axis=1).argmin()
        may_be, critical = may_be_least(contrasts(values - values[least]), rng, alpha=0.05)
        assert may_be[least]
        assert 1.7 < critical < 3.5
        kept.append(may_be[0])
    assert np.mean(kept) == pytest.approx(0.95, abs=0.035)


def test_a_mean_that_is_surely_larger_is_left_out():
    values = np.random.default_rng(0).normal([[0.0], [0.1], [1.0], [9.0]], 1, (4, 500))
    may_be, _ = may_be_least(contrasts(values - values[0]), np.random.default_rng(1), alpha=0.05)
    assert may_be.tolist() == [True, True, False, False]


def test_equal_means_are_all_kept():
    may_be, critical = may_be_least(contrasts(np.zeros((3, 50))), np.random.default_rng(0), alpha=0.05)
    assert may_be.all()
    assert critical == pytest.approx(1.645, abs=1e-3)
