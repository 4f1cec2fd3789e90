"""A comparison as it is shown: the numbers are those of the comparison, on one axis."""

import dataclasses

import numpy as np
import pytest

from lossexp import comparing
from lossexp.comparison import wording
from lossexp.report.compared import FOREST_WIDTH, _few, shown_comparison
from tests.report.sweeps import trained


@pytest.fixture(scope="module")
def contest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return comparing.of_sweep(trained(folder, "loss=mse,bce,hinge", "optimizer.lr=0.01,1", "seed=range(4)"))


def test_differences_lie_on_one_axis_seen_from_the_better_one(contest):
    for forest, comparison in zip(shown_comparison(contest).forests, contest.comparisons.values(), strict=True):
        order = [arm.label for arm in comparison.ranked]
        assert [(row.a, row.b) for row in forest.rows] == [
            (order[0], order[1]),
            (order[0], order[2]),
            (order[1], order[2]),
        ]
        (margin_low, margin_high), unit = forest.margin, (forest.margin[1] - forest.zero) / comparison.margin
        assert forest.zero - margin_low == pytest.approx(margin_high - forest.zero, abs=0.2)
        for row in forest.rows:
            pair = comparison.between(row.a, row.b)
            assert row.difference == wording.with_interval(pair.difference)
            assert pair.difference.value >= 0
            places = [
                forest.zero + unit * end for end in (pair.difference.low, pair.difference.value, pair.difference.high)
            ]
            assert [row.low, row.value, row.high] == pytest.approx(places, abs=1.5)
            assert 0 <= row.low <= row.value <= row.high <= FOREST_WIDTH


@pytest.mark.parametrize("first", [-4, -3])
def test_no_difference_is_written_on_the_axis_however_many_ticks_are_left_out(first):
    ticks = [(float(position), f"{position}") for position in range(first, 3)]
    kept = [position for position, _ in _few(ticks)]
    assert 0 in kept
    assert set(np.diff(kept)) == {2}


def test_the_matrix_marks_what_is_best_and_what_matches(contest):
    shown = shown_comparison(contest)
    for i, (loss, cells) in enumerate(shown.matrix):
        assert loss == contest.matrix.losses[i]
        assert [cell.matches for cell in cells] == contest.matrix.matches[i].tolist()
        assert [cell.is_best for cell in cells] == contest.matrix.best[i].tolist()
        for j, cell in enumerate(cells):
            assert float(cell.text) == pytest.approx(contest.matrix.means[i, j], rel=1e-3)
            assert not cell.is_best or cell.goodness == 1
    goodness = np.array([[cell.goodness for cell in cells] for _, cells in shown.matrix])
    spread = np.ptp(contest.matrix.means, axis=0) > 0
    np.testing.assert_array_equal(goodness.min(axis=0)[spread], 0)


def test_a_loss_whose_runs_were_lost_is_left_blank(contest):
    matrix = contest.matrix
    lost = dataclasses.replace(matrix, means=np.where(np.arange(3)[:, None] == 1, np.nan, matrix.means))
    rows = shown_comparison(dataclasses.replace(contest, matrix=lost)).matrix
    assert {cell.text for cell in rows[1][1]} == {"–"}
    assert {cell.goodness for cell in rows[1][1]} == {0}
    assert all(0 <= cell.goodness <= 1 for _, cells in rows for cell in cells)


def test_losses_come_by_rank_with_the_rate_that_was_chosen(contest):
    shown, (first, *_) = shown_comparison(contest), contest.comparisons.values()
    assert [arm.loss for arm in shown.arms] == [arm.label for arm in first.ranked]
    chosen = {one.loss: one.tuned for one in contest.contenders}
    assert all(float(arm.lr) == chosen[arm.loss].best.lr for arm in shown.arms)
    assert all(arm.edge == chosen[arm.loss].edge for arm in shown.arms)
    assert shown.n_seeds == 4


def test_splits_of_their_own_are_told(contest):
    assert any("a split of its own" in note for note in shown_comparison(contest).notes)
    same = dataclasses.replace(contest, test_to_train=0.0)
    assert shown_comparison(same).notes == list(contest.notes)
