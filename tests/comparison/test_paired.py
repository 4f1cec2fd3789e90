"""Decisions between losses: right where the answer is known, rarely wrong by chance, open about what is missing."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossexp.comparison.paired import MANY_MORE, Outcome, compare

RNG = np.random.default_rng(0)
SPLITS = RNG.normal(0.9, 0.02, 10)
"""What makes seeds easy and hard, for every loss alike."""


def noise(sd, n=10):
    return RNG.normal(0, sd, n)


def accuracies(**arms):
    return compare(arms, "accuracy", higher_is_better=True, margin=0.005)


def one_pair(a, b, **settings):
    settings = {"higher_is_better": True, "margin": 0.005} | settings
    return compare({"a": a, "b": b}, "accuracy", **settings).pairs[0]


def test_a_clear_difference_is_found_in_either_direction():
    better, worse = SPLITS + 0.02 + noise(0.004), SPLITS
    pair = one_pair(better, worse)
    assert (pair.outcome, pair.winner, pair.n_more) == (Outcome.A_BETTER, "a", 0)
    assert one_pair(worse, better).outcome is Outcome.B_BETTER
    assert one_pair(worse, better, higher_is_better=False).winner == "a"
    assert pair.difference.value == pytest.approx(np.mean(better - worse), rel=1e-12)


def test_pairing_takes_out_what_the_seeds_share():
    """The difference is a fifth of the spread of either, and certain all the same."""
    pair = one_pair(SPLITS + 0.004 + noise(0.001), SPLITS)
    assert pair.outcome is Outcome.A_BETTER
    assert pair.sd < 0.1 * np.std(SPLITS)


def test_small_differences_are_equivalent():
    pair = one_pair(SPLITS + noise(0.002), SPLITS)
    assert pair.outcome is Outcome.EQUIVALENT
    assert pair.p_equivalence < 0.05


@pytest.mark.parametrize(("shift", "needed"), [(0.0, 0.005), (0.009, 0.009)])
def test_noise_is_undecided_and_says_how_many_seeds_are_missing(shift, needed):
    """The number is (1.96 + 0.84)² (sd / difference)², of the margin or what was seen, less the seeds there are."""
    unlike = np.linspace(-0.02, 0.02, 10)
    pair = one_pair(SPLITS + shift + unlike, SPLITS)
    assert pair.outcome is Outcome.UNDECIDED
    assert pair.n_more == math.ceil(2.8**2 * (np.std(unlike, ddof=1) / needed) ** 2) - 10


def test_splits_that_overlap_set_a_limit_to_what_seeds_can_show():
    """The variance of the mean is (1 / n + r) sd²: of the 57 seeds that r = 0 takes, 1 / 57 < r leaves no number."""
    unlike = np.linspace(-0.02, 0.02, 10)
    a, b = SPLITS + unlike, SPLITS
    in_all = 2.8**2 * (np.std(unlike, ddof=1) / 0.005) ** 2
    assert one_pair(a, b).n_more == math.ceil(in_all) - 10
    assert one_pair(a, b, test_to_train=0.01).n_more == math.ceil(1 / (1 / in_all - 0.01)) - 10
    assert one_pair(a, b, test_to_train=0.1).n_more == MANY_MORE


def test_no_difference_is_no_negative_one():
    swapped = one_pair(np.zeros(6), np.zeros(6)).swapped()
    numbers = (swapped.difference.value, swapped.difference.low, swapped.difference.high, swapped.hodges_lehmann)
    assert [math.copysign(1, number) for number in numbers] == [1, 1, 1, 1]


def test_what_is_significant_but_often_the_other_way_is_not_better():
    """Of 100 seeds 68 win: p is small, and yet no one would bet on the next seed."""
    differences = np.concatenate([np.full(68, 1.0), np.full(32, -1.0)]) + RNG.normal(0, 0.01, 100)
    pair = one_pair(differences, np.zeros(100), margin=0.1)
    assert pair.p_holm < 0.001
    assert pair.probability.value == 0.68
    assert pair.outcome is Outcome.UNDECIDED


@pytest.mark.parametrize(("n", "outcome"), [(5, Outcome.UNDECIDED), (6, Outcome.A_BETTER)])
def test_fewer_than_six_seeds_decide_nothing(n, outcome):
    """However small the p-value of t: on few examples an accuracy takes the same few values again and again."""
    pair = one_pair(np.full(n, 0.9), np.full(n, 0.8))
    assert pair.p == 0
    assert pair.outcome is outcome
    assert pair.n_more == max(6 - n, 0)
    alike = one_pair(np.full(n, 0.9), np.full(n, 0.9))
    assert alike.p_equivalence == 0
    assert alike.outcome is (Outcome.EQUIVALENT if n == 6 else Outcome.UNDECIDED)


def test_one_seed_and_none():
    pair = one_pair(np.ones(1), np.zeros(1))
    assert (pair.outcome, pair.n, pair.n_more) == (Outcome.UNDECIDED, 1, 5)
    assert math.isnan(pair.sd)
    assert math.isnan(pair.p_holm)
    pair = one_pair(np.ones(0), np.zeros(0))
    assert (pair.outcome, pair.n, pair.n_more) == (Outcome.UNDECIDED, 0, 6)


def test_all_alike_is_equivalent():
    comparison = accuracies(a=SPLITS, b=SPLITS.copy(), c=SPLITS.copy())
    assert {pair.outcome for pair in comparison.pairs} == {Outcome.EQUIVALENT}
    assert all(pair.difference.value == 0 for pair in comparison.pairs)


@pytest.mark.parametrize("lost", [math.nan, math.inf, -math.inf])
def test_a_seed_that_diverged_is_left_out_with_its_partner_and_counted(lost):
    spoiled = SPLITS + 0.02 + noise(0.004)
    spoiled[[2, 7]] = lost
    comparison = accuracies(spoiled=spoiled, sound=SPLITS, other=SPLITS + noise(0.001))
    pair, kept = comparison.between("spoiled", "sound"), np.delete(np.arange(10), [2, 7])
    assert (pair.n, pair.n_left_out) == (8, 2)
    alone = accuracies(spoiled=spoiled[kept], sound=SPLITS[kept]).pairs[0]
    assert (pair.difference, pair.p, pair.probability) == (alone.difference, alone.p, alone.probability)
    assert pair.difference.value == pytest.approx(np.mean(spoiled[kept] - SPLITS[kept]), rel=1e-12)
    assert [(arm.n, arm.n_left_out) for arm in comparison.arms] == [(8, 2), (10, 0), (10, 0)]
    assert comparison.between("sound", "other").n == 10


def test_a_loss_that_never_ended_well_is_last_and_undecided():
    comparison = accuracies(lost=np.full(10, math.nan), a=SPLITS, b=SPLITS + 0.02)
    assert [arm.label for arm in comparison.ranked] == ["b", "a", "lost"]
    assert comparison.between("a", "lost").outcome is Outcome.UNDECIDED
    assert comparison.between("a", "lost").n_left_out == 10


def test_two_that_diverged_for_the_same_seed_do_not_warn():
    a, b = SPLITS + 0.02, SPLITS.copy()
    a[0] = b[0] = math.inf
    assert one_pair(a, b).n_left_out == 1
    assert (a[0], b[0]) == (math.inf, math.inf)


def test_ranked_by_the_direction_of_the_metric():
    scores = {"a": SPLITS, "b": SPLITS + 1, "c": SPLITS - 1}
    assert [arm.label for arm in accuracies(**scores).ranked] == ["b", "a", "c"]
    losses = compare(scores, "log_loss", higher_is_better=False, margin=0.01)
    assert [arm.label for arm in losses.ranked] == ["c", "a", "b"]


def test_holm_counts_every_pair():
    arms = {f"loss {i}": SPLITS + noise(0.01) for i in range(4)}
    pairs = accuracies(**arms).pairs
    assert len(pairs) == 6
    least = min(pairs, key=lambda pair: pair.p)
    assert least.p_holm == pytest.approx(min(6 * least.p, 1), rel=1e-12)


def test_splits_of_their_own_widen_the_interval_and_raise_p():
    a, b = SPLITS + 0.01 + noise(0.01), SPLITS
    same, own = one_pair(a, b), one_pair(a, b, test_to_train=0.25)
    widths = [pair.difference.high - pair.difference.low for pair in (same, own)]
    assert widths[1] / widths[0] == pytest.approx(math.sqrt(1 + 10 * 0.25), rel=1e-12)
    assert own.p > same.p
    assert own.p_equivalence > same.p_equivalence or own.p_equivalence > 0.5


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), max_size=12), st.booleans(), st.floats(0.01, 1))
def test_a_pair_seen_from_the_other_side_says_the_same(scores, higher, margin):
    a, b = (np.round(np.array([score[i] for score in scores]), 6) for i in (0, 1))
    arms = {"a": a, "b": b}
    one = compare(arms, "accuracy", higher_is_better=higher, margin=margin).between("b", "a")
    other = compare(dict(reversed(arms.items())), "accuracy", higher_is_better=higher, margin=margin).pairs[0]
    assert (one.a, one.b, one.outcome, one.winner, one.n_more) == (
        other.a,
        other.b,
        other.outcome,
        other.winner,
        other.n_more,
    )
    numbers = [
        (pair.difference.low, pair.p, pair.p_sign_flip, pair.hodges_lehmann, pair.probability.low)
        for pair in (one, other)
    ]
    assert numbers[0] == pytest.approx(numbers[1], nan_ok=True, abs=1e-12)


def test_chance_alone_rarely_makes_a_loss_better():
    """Five losses that are all alike, 200 times: some pair is called better in at most 5 % (three sd above: 9.6 %)."""
    rng = np.random.default_rng(1)
    false_alarms = 0
    for _ in range(200):
        shared = rng.standard_t(4, 10)
        arms = {str(i): shared + rng.standard_t(4, 10) for i in range(5)}
        pairs = compare(arms, "accuracy", higher_is_better=True, margin=0.1).pairs
        false_alarms += any(pair.winner for pair in pairs)
    assert false_alarms / 200 <= 0.096


def test_the_number_of_seeds_it_asks_for_is_about_right():
    """With that many a difference of the margin is found four times out of five (three sd of 200 trials: 8 %)."""
    rng = np.random.default_rng(2)
    n = math.ceil(2.8**2 * 2**2)
    found = 0
    for _ in range(200):
        pair = one_pair(rng.normal(1, 2, n), np.zeros(n), margin=1.0)
        found += pair.difference.low > 0
    assert abs(found / 200 - 0.8) < 0.085


@pytest.mark.parametrize("margin", [0, -0.1, math.nan])
def test_a_margin_that_is_none_is_refused(margin):
    with pytest.raises(ValueError, match=r"margin=.* is not allowed: expected a number above 0, in units of accuracy"):
        one_pair(SPLITS, SPLITS, margin=margin)


def test_seeds_without_partner_are_refused():
    with pytest.raises(ValueError, match=r"same number of them; got a \(10,\), b \(9,\)"):
        one_pair(SPLITS, SPLITS[:9])


def test_pairs_that_were_not_compared_are_not_there():
    with pytest.raises(KeyError):
        accuracies(a=SPLITS, b=SPLITS).between("a", "c")


def test_intervals_of_means_end_where_the_metric_does():
    """Of 0.8 and 1 the t interval is 0.9 ± 12.7 · 0.1, of R² there is no least value."""
    for metric, low, high in (("accuracy", 0.0, 1.0), ("r2", pytest.approx(0.9 - 1.2706, abs=1e-4), 1.0)):
        comparison = compare({"a": [0.8, 1.0], "b": [0.8, 1.0]}, metric, higher_is_better=True, margin=0.01)
        mean = comparison.arms[0].mean
        assert (mean.low, mean.value, mean.high) == (low, pytest.approx(0.9), high)
    (only,) = {arm.mean.low for arm in compare({"a": [0.8]}, "accuracy", higher_is_better=True, margin=0.01).arms}
    assert math.isnan(only)
