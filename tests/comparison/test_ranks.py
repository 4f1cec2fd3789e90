"""Ranks over datasets against the worked example of Demšar (2006), R and SciPy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossexp.comparison.ranks import critical_difference, rank_over_datasets

# Demšar (2006), table 6: area under the ROC curve of C4.5 on 14 datasets, with m and cf as they are or tuned.
C45 = {
    "C4.5": [0.763, 0.599, 0.954, 0.628, 0.882, 0.936, 0.661, 0.583, 0.775, 1.0, 0.940, 0.619, 0.972, 0.957],
    "C4.5+m": [0.768, 0.591, 0.971, 0.661, 0.888, 0.931, 0.668, 0.583, 0.838, 1.0, 0.962, 0.666, 0.981, 0.978],
    "C4.5+cf": [0.771, 0.590, 0.968, 0.654, 0.886, 0.916, 0.609, 0.563, 0.866, 1.0, 0.965, 0.614, 0.975, 0.946],
    "C4.5+m+cf": [0.798, 0.569, 0.967, 0.657, 0.898, 0.931, 0.685, 0.625, 0.875, 1.0, 0.962, 0.669, 0.975, 0.970],
}
# On "voting" the last two tie in the printed digits, while his ranks 2 and 3 come from the unrounded values.
VOTING = 12
UNROUNDED = {label: [*scores] for label, scores in C45.items()}
UNROUNDED["C4.5+cf"][VOTING] += 1e-6

# Hundredths of seconds of 22 players for three ways to round first base: Hollander and Wolfe (1973), p. 140, as in R's
# ?friedman.test.
# fmt: off
ROUNDING = np.array([
    [540, 550, 555], [585, 570, 575], [520, 560, 550], [555, 550, 540], [590, 585, 570], [545, 555, 560], [540,
    540, 535], [545, 550, 535], [525, 515, 500], [585, 580, 570], [525, 520, 510], [565, 555, 545], [560, 535,
    545], [505, 500, 495], [550, 550, 540], [545, 555, 550], [555, 555, 535], [545, 550, 555], [550, 545, 525],
    [565, 560, 540], [570, 565, 555], [630, 630, 625],
])
# fmt: on


def test_ranks_and_statistics_of_demsar():
    """He gives the mean ranks 3.143, 2.000, 2.893, 1.964, chi² = 9.28 and F = 3.69, without a correction for ties.

    The correction divides chi² by 1 - sum(t³ - t) / (N (k³ - k)), here 1 - (3 · 6 + 60) / 840 for three ties of two and
    one of four.
    """
    ranking = rank_over_datasets(UNROUNDED, higher_is_better=True)
    assert ranking.labels == ("C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5")
    assert np.round(ranking.mean_ranks, 3).tolist() == [1.964, 2.0, 2.893, 3.143]
    uncorrected = ranking.chi2 * (1 - 78 / 840)
    assert uncorrected == pytest.approx(9.28, abs=0.005)
    assert 13 * uncorrected / (14 * 3 - uncorrected) == pytest.approx(3.69, abs=0.005)
    assert ranking.f == pytest.approx(13 * ranking.chi2 / (14 * 3 - ranking.chi2), rel=1e-12)
    assert ranking.p_iman_davenport < ranking.p_friedman < 0.05


def test_critical_differences_and_groups_of_demsar():
    """At .05 the critical difference is 1.25 and nobody stands out; at .10 it is 1.12 and C4.5 is worse than two."""
    ranking = rank_over_datasets(UNROUNDED, higher_is_better=True)
    assert round(ranking.critical_difference, 2) == 1.25
    assert ranking.groups == (("C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5"),)
    ranking = rank_over_datasets(UNROUNDED, higher_is_better=True, level=0.9)
    assert round(ranking.critical_difference, 2) == 1.12
    assert ranking.groups == (("C4.5+m+cf", "C4.5+m", "C4.5+cf"), ("C4.5+cf", "C4.5"))


@pytest.mark.parametrize(
    ("level", "published"),
    [
        (0.95, [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]),
        (0.90, [1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920]),
    ],
)
def test_quantiles_are_those_of_the_table(level, published):
    """Demšar (2006), table 5 (a), for 2 to 10 losses; its last digit is not always rounded as it should be."""
    q = [critical_difference(k, 1, level) / math.sqrt(k * (k + 1) / 6) for k in range(2, 11)]
    assert q == pytest.approx(published, abs=0.0015)


def test_friedman_with_ties_is_that_of_r():
    """R's friedman.test gives chi² = 11.143, df = 2, p = .003805 for the players at first base."""
    scores = dict(zip(("round out", "narrow", "wide"), ROUNDING.T, strict=True))
    ranking = rank_over_datasets(scores, higher_is_better=False)
    assert ranking.labels[0] == "wide"
    assert round(ranking.chi2, 3) == 11.143
    assert round(ranking.p_friedman, 6) == 0.003805


@given(st.integers(3, 6), st.integers(5, 12), st.integers(0, 10_000))
def test_friedman_is_that_of_scipy(k, n, seed):
    from scipy import stats

    table = np.random.default_rng(seed).integers(0, 8, (k, n)).astype(float)
    if (np.ptp(table, axis=0) == 0).all():
        return
    expected = stats.friedmanchisquare(*table)
    ranking = rank_over_datasets({str(i): row for i, row in enumerate(table)}, higher_is_better=True)
    assert (ranking.chi2, ranking.p_friedman) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)


def test_two_losses_are_a_sign_test():
    """Six wins of eight: chi² = (6 - 2)² / 8."""
    a, b = np.array([1, 1, 1, 1, 1, 1, 0, 0]), np.array([0, 0, 0, 0, 0, 0, 1, 1])
    assert rank_over_datasets({"a": a, "b": b}, higher_is_better=True).chi2 == pytest.approx(2, rel=1e-12)


def test_datasets_that_all_agree_and_those_that_tie():
    agreeing = rank_over_datasets({"a": np.zeros(6), "b": np.ones(6), "c": np.full(6, 2.0)}, higher_is_better=True)
    assert agreeing.labels == ("c", "b", "a")
    assert (agreeing.f, agreeing.p_iman_davenport) == (math.inf, 0)
    tied = rank_over_datasets({"a": np.ones(6), "b": np.ones(6)}, higher_is_better=True)
    assert (tied.chi2, tied.p_friedman, tied.p_iman_davenport) == (0, 1, 1)
    assert tied.mean_ranks == (1.5, 1.5)


def test_losses_that_differ_from_all_are_in_no_group():
    n = 60
    scores = {"worst": np.zeros(n), "middle": np.ones(n), "best": np.full(n, 2.0)}
    assert rank_over_datasets(scores, higher_is_better=True).groups == ()
    scores["as good"] = np.resize([1.9, 2.1], n)
    assert rank_over_datasets(scores, higher_is_better=True).groups == (("best", "as good"),)


def test_a_dataset_without_a_score_is_left_out_for_all_and_counted():
    spoiled = {label: np.array([*scores, 0.5]) for label, scores in UNROUNDED.items()}
    spoiled["C4.5"][-1] = math.nan
    ranking = rank_over_datasets(spoiled, higher_is_better=True)
    assert (ranking.n_datasets, ranking.n_left_out) == (14, 1)
    assert ranking.mean_ranks == rank_over_datasets(UNROUNDED, higher_is_better=True).mean_ranks


@pytest.mark.parametrize(("n_losses", "n_datasets"), [(3, 4), (1, 10)])
def test_too_little_to_rank_is_refused(n_losses, n_datasets):
    scores = {str(i): np.zeros(n_datasets) for i in range(n_losses)}
    with pytest.raises(ValueError, match=f"{n_losses} losses on {n_datasets} datasets cannot be ranked: expected"):
        rank_over_datasets(scores, higher_is_better=True)
