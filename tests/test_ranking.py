"""Runs that differ in their seed only are one row; rows are ranked by what means the same for every loss."""

import math

import numpy as np
import pytest

from lossexp import ranking
from lossexp.record import Record
from lossexp.run import Run
from lossexp.training import Epoch, Finished
from tests.composed import SMALL, job
from tests.trainings import BINARY, REGRESSION, THREE_CLASSES

REGRESSION_RUN = ("dataset=linear", "dataset.n_samples=60", "tracker=none")


def ended(folder, *overrides, ending="completed", kept=1, base=SMALL, **metrics):
    """Return a run of two epochs; `metrics` are those of the validation split at the last one, 1 less before."""
    one = job(*base, *overrides)
    run = Run(one, one.experiment.dataset.load(one.experiment.seed), Record(folder))
    for epoch, offset in enumerate((-1, 0)):
        run.add(Epoch(epoch, np.array([0]), {}), {f"val/{name}": value + offset for name, value in metrics.items()})
    if ending != "failed":
        run.finished = Finished(0, ending, kept, [], {})
    return run


def settings(rows):
    return [" ".join(row.settings.values()) for row in rows]


@pytest.fixture
def run(tmp_path):
    """Return a function that makes a run of a classification, from its settings, accuracy and log loss."""

    def run(overrides, accuracy=0.5, log_loss=0.5, **how):
        return ended(tmp_path, *overrides.split(), accuracy=accuracy, log_loss=log_loss, **how)

    return run


def test_seeds_are_one_row_with_mean_and_sample_deviation(run):
    runs = [
        run(f"loss={loss} seed={seed}", acc) for loss, seed, acc in (("mse", 1, 0.5), ("bce", 1, 0.6), ("mse", 2, 0.9))
    ]
    rows = ranking.rank(runs)
    assert settings(rows) == ["mse", "bce"]
    assert [len(row.runs) for row in rows] == [2, 1]
    assert rows[0].means["val/accuracy"] == pytest.approx(0.7)
    assert rows[0].deviations["val/accuracy"] == pytest.approx(0.4 / math.sqrt(2))  # sqrt(((0.2)² + (0.2)²) / (2 - 1))
    assert math.isnan(rows[1].deviations["val/accuracy"])


def test_accuracy_decides_then_log_loss(run):
    runs = [run("loss=mse", 0.8, 0.3), run("loss=bce", 0.8, 0.2), run("loss=hinge", 0.9, 0.7)]
    assert settings(ranking.rank(runs)) == ["hinge", "bce", "mse"]


def test_numbers_are_ranked_by_least_error(tmp_path):
    runs = [
        ended(tmp_path, f"loss={loss}", base=REGRESSION_RUN, rmse=rmse, mae=mae)
        for loss, rmse, mae in (("mse", 2.0, 1.5), ("mae", 2.0, 1.25), ("huber", 3.0, 1.0))
    ]
    assert settings(ranking.rank(runs)) == ["mae", "mse", "huber"]


def test_rows_with_lost_runs_come_last_and_do_not_count_them(run):
    runs = [
        run("loss=mse seed=1", 0.9),
        run("loss=mse seed=2", 0.1, ending="diverged"),
        run("loss=bce seed=1", 0.6),
        run("loss=bce seed=2", 0.6),
        run("loss=cce seed=1", 0.99, ending="failed"),
        run("loss=cce seed=2", 0.99, ending="diverged"),
    ]
    rows = ranking.rank(runs)
    assert settings(rows) == ["bce", "mse", "cce"]
    assert [row.problems for row in rows] == [[], ["diverged"], ["failed", "diverged"]]
    assert rows[1].means["val/accuracy"] == pytest.approx(0.9)
    assert math.isnan(rows[1].deviations["val/accuracy"])
    assert rows[2].means == {}


def test_weights_that_were_restored_are_what_is_ranked(run):
    assert ranking.rank([run("loss=mse", 0.9, kept=0)])[0].means["val/accuracy"] == pytest.approx(-0.1)


def test_only_what_differs_names_a_row(run):
    runs = [run("loss=mse optimizer.lr=0.1 model=linear"), run("loss=mse optimizer.lr=1 model=linear")]
    assert [dict(row.settings) for row in ranking.rank(runs)] == [{"optimizer.lr": "0.1"}, {"optimizer.lr": "1"}]
    assert ranking.varying_settings(runs) == ["optimizer.lr"]
    assert ranking.rank(runs[:1])[0].settings == {}


def test_a_setting_that_only_some_runs_have_is_empty_for_the_others(run):
    rows = ranking.rank([run("loss=mse", 0.9), run("loss=bce loss.pos_weight=2", 0.8)])
    assert [dict(row.settings) for row in rows] == [
        {"loss": "mse", "loss.pos_weight": ""},
        {"loss": "bce", "loss.pos_weight": "2"},
    ]


def test_a_metric_that_is_not_a_number_ranks_last(run):
    runs = [run("loss=mse", float("nan")), run("loss=bce", 0.1)]
    assert settings(ranking.rank(runs)) == ["bce", "mse"]


def test_every_loss_has_its_own_best_row(run):
    accuracies = {("mse", "0.1"): 0.7, ("mse", "1"): 0.9, ("bce", "0.1"): 0.8, ("bce", "1"): 0.6}
    rows = ranking.rank([run(f"loss={loss} optimizer.lr={lr}", acc) for (loss, lr), acc in accuracies.items()])
    best = ranking.best_per_loss(rows)
    assert {loss: row.settings["optimizer.lr"] for loss, row in best.items()} == {"mse": "1", "bce": "0.1"}
    assert list(best) == ["mse", "bce"]


def test_datasets_are_ranked_apart(run, tmp_path):
    moons, linear = run("loss=mse"), ended(tmp_path, "loss=mse", base=REGRESSION_RUN, rmse=1.0, mae=1.0)
    assert ranking.by_dataset([moons, linear, moons]) == {"moons": [moons, moons], "linear": [linear]}


def test_the_criterion_is_never_the_loss():
    for target in (BINARY, THREE_CLASSES, REGRESSION):
        assert "val/loss" not in ranking.criterion(target)
        assert all(name.startswith("val/") for name in ranking.criterion(target))
