"""The pictures of a report: which runs are in them, and their numbers."""

import math

import numpy as np
import pytest

from lossexp import ranking
from lossexp.report import sections
from lossexp.report.contenders import MAX_SHOWN, best_contenders, by_loss
from tests.report.sweeps import trained


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Return two losses at three rates with three seeds of other lengths; the third rate is by far too low."""
    folder = tmp_path_factory.mktemp("runs")
    stopped = ("early_stopping=patience", "early_stopping.patience=2", "training.epochs=30", "optimizer.batch_size=4")
    return ranking.rank(trained(folder, "loss=mse,bce", "optimizer.lr=1e-6,1,3", "seed=range(3)", *stopped))


@pytest.fixture(scope="module")
def shown(rows):
    return best_contenders(by_loss(rows))


def test_losses_come_by_rank_each_with_its_rows_by_rank(rows, shown):
    assert [one.best for one in shown] == list(ranking.best_per_loss(rows).values())
    assert [one.color for one in shown] == [0, 1]
    for one in shown:
        assert [rows.index(row) for row in one.rows] == sorted(rows.index(row) for row in one.rows)


def test_only_so_many_losses_are_drawn(tmp_path):
    losses = (
        "mse",
        "bce",
        "hinge",
        "brier",
        "exponential",
        "savage",
        "squared_hinge",
        "modified_huber",
        "focal",
        "cce",
    )
    runs = trained(tmp_path, f"loss={','.join(losses)}", "training.epochs=1")
    shown = best_contenders(by_loss(ranking.rank(runs)))
    assert len(shown) == MAX_SHOWN < len(losses)
    assert {one.color for one in shown} == set(range(MAX_SHOWN))


def test_curves_are_means_over_seeds_as_long_as_all_train(shown):
    lengths = {len(run.epochs) for one in shown for run in one.runs}
    assert len(lengths) > 1, "a case without early stopping shows nothing"
    first, second, *own = sections.curves(shown).charts
    assert [first.title, second.title] == ["validation accuracy", "validation log loss"]
    for one, chart in zip(shown, own, strict=True):
        n_epochs = min(len(run.epochs) for run in one.runs)
        for line, name, is_dashed in zip(chart.lines, ("train/loss", "val/loss"), (False, True), strict=True):
            values = np.array([run.metrics[name][:n_epochs] for run in one.runs])
            np.testing.assert_allclose(line.y, values.mean(axis=0), rtol=1e-12)
            np.testing.assert_allclose(line.high - line.low, 2 * values.std(axis=0, ddof=1), rtol=1e-9, atol=1e-12)
            assert line.dashed is is_dashed
            assert line.x.tolist() == list(range(n_epochs))
        (mark,) = chart.lines[1].marks
        assert mark.index == np.argmin(chart.lines[1].y)


def test_the_learning_rate_has_a_line_for_each_loss(rows, shown):
    section = sections.learning_rates(shown)
    for chart, name in zip(section.charts, ("accuracy", "log_loss", "brier"), strict=True):
        for one, line in zip(shown, chart.lines, strict=True):
            expected = {float(row.settings["optimizer.lr"]): row.means[f"val/{name}"] for row in one.rows}
            np.testing.assert_allclose(line.y, [expected[rate] for rate in sorted(expected)], rtol=1e-12)
            np.testing.assert_allclose(line.x, sorted(expected))
    at_the_end = {one.name: one.lr in (1e-6, 3) for one in shown}
    assert {note.partition(" ")[0] for note in section.notes} == {
        name for name, is_last in at_the_end.items() if is_last
    }


def test_a_loss_is_shown_at_the_best_of_its_other_settings(tmp_path):
    runs = trained(tmp_path, "loss=bce", "optimizer.lr=0.01,0.1", "optimizer.batch_size=2,32")
    (one,) = best_contenders({"bce": ranking.rank(runs)})
    (line,) = sections.learning_rates([one]).charts[1].lines
    of_rate = {rate: [row for row in one.rows if row.settings["optimizer.lr"] == rate] for rate in ("0.01", "0.1")}
    assert line.y.tolist() == [found[0].means["val/log_loss"] for found in of_rate.values()]


def test_a_rate_of_zero_has_no_place_on_a_log_axis(tmp_path):
    runs = trained(tmp_path, "loss=bce", "optimizer.lr=0,0.01,0.1")
    chart = sections.learning_rates(best_contenders({"bce": ranking.rank(runs)})).charts[0]
    assert chart.lines[0].x.tolist() == [0.01, 0.1]


def test_skill_is_0_for_the_class_frequencies_and_scaled_by_their_entropy(shown):
    """The best constant of cross-entropy is the share of each class; its loss on the training split is the entropy."""
    section = sections.skill(shown)
    bce = [one.name for one in shown].index("bce")
    (train,) = [chart for chart in section.charts if "training" in chart.title]
    expected = []
    for run in shown[bce].runs:
        share = run.data.train.y.mean()
        entropy = -share * math.log(share) - (1 - share) * math.log(1 - share)
        expected.append(1 - np.array(run.metrics["train/loss"][: len(train.lines[bce].y)]) / entropy)
    np.testing.assert_allclose(train.lines[bce].y, np.mean(expected, axis=0), rtol=1e-4, atol=1e-5)


def test_reliability_pools_the_validation_examples_of_all_seeds(shown):
    section = sections.reliability(shown)
    for one, chart in zip(shown, section.charts, strict=True):
        (line,) = chart.lines
        counts = [int(mark.text.split()[0]) for mark in line.marks]
        assert sum(counts) == sum(len(run.data.val) for run in one.runs)
        accuracy = sum(n * line.y[mark.index] for n, mark in zip(counts, line.marks, strict=True)) / sum(counts)
        assert accuracy == pytest.approx(np.mean([run.last_metrics()["val/accuracy"] for run in one.runs]))
        diagonal = [line.y[mark.index - 1] - line.x[mark.index - 1] for mark in line.marks]
        np.testing.assert_allclose(diagonal, 0)
    assert section.notes == []


def test_a_score_that_is_no_probability_is_told(tmp_path):
    runs = trained(tmp_path, "loss=hinge,bce")
    (note,) = sections.reliability(best_contenders(by_loss(ranking.rank(runs)))).notes
    assert note.startswith("hinge does not estimate probabilities")


def test_shapes_are_those_of_the_losses(shown):
    value, gradient, weight = sections.shapes(shown).charts
    lines = {one.name: [chart.lines[place] for chart in (value, gradient, weight)] for place, one in enumerate(shown)}
    margin = lines["bce"][0].x
    np.testing.assert_allclose(lines["bce"][0].y, np.log1p(np.exp(-margin)), rtol=1e-12)
    np.testing.assert_allclose(lines["mse"][0].y, 1 / (1 + np.exp(margin)) ** 2, rtol=1e-12)
    np.testing.assert_allclose(lines["bce"][2].y, 1, rtol=1e-9)
