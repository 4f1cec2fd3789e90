"""A run between its first and its last word."""

import re

import numpy as np
import pytest

from lossexp.record import Record
from lossexp.recorder import sheet
from lossexp.run import Run
from lossexp.training import Epoch, Finished
from tests.composed import SMALL, small

NO_MORE = np.array([], dtype=int)


@pytest.fixture
def run(tmp_path):
    """Return a run whose validation loss is least in epoch 2 of 4."""
    return measured(tmp_path, (1.0, 0.5, 0.25, 0.375, 0.5))


def measured(folder, val, *overrides):
    job = small("loss=bce", *overrides)
    data = job.experiment.dataset.load(0)
    one = Run(job, data, Record.create(folder, sheet(job, data, {}), job.yaml))
    for number, loss in enumerate(val):
        add(one, number, loss)
    return one


def add(run, number, loss):
    values = {"train/loss": loss / 2, "val/loss": loss, "gap": loss / 2}
    run.add(Epoch(number, NO_MORE, {}, time=1000 + number), values)


def finish(run, ending="completed", epoch=4, **metrics):
    layer = np.array([[1.0, 2.0, 3.0]])
    run.finished = Finished(0, ending, epoch, [layer], metrics)


def test_what_is_new_is_appended_once(run):
    assert run.flush()
    assert not run.flush()
    add(run, 5, 0.75)
    assert run.flush()
    history = run.record.history()
    np.testing.assert_array_equal(history.epochs, range(6))
    np.testing.assert_array_equal(history.times, 1000 + history.epochs)
    np.testing.assert_array_equal(history.metrics["val/loss"], [1.0, 0.5, 0.25, 0.375, 0.5, 0.75])
    assert (run.record.path / "history.csv").read_text().count("epoch") == 1


def test_history_in_memory_and_in_the_folder_are_the_same(run):
    run.flush()
    for name, values in run.record.history().metrics.items():
        np.testing.assert_array_equal(values, run.history.metrics[name])
    np.testing.assert_array_equal(run.record.history().epochs, run.history.epochs)


def test_a_run_that_starts_again_has_no_past(run):
    run.flush()
    run.start_again()
    assert run.best_epoch is None
    assert len(run.record.history().epochs) == 0
    add(run, 0, 2.0)
    run.flush()
    np.testing.assert_array_equal(run.record.history().metrics["val/loss"], [2.0])


def test_the_best_epoch_has_the_least_validation_loss(run):
    assert run.best_epoch == 2
    finish(run, **{"test/loss": 0.3})
    assert run.final_metrics() == {"best/epoch": 2.0, "best/val_loss": 0.25, "gap/final": 0.25, "test/loss": 0.3}


def test_the_first_of_equals_is_the_best(tmp_path):
    assert measured(tmp_path, (1.0, 0.5, 0.5)).best_epoch == 1


def test_last_metrics_are_those_of_the_weights_that_are_kept(run):
    finish(run)
    assert run.last_metrics()["val/loss"] == 0.5
    finish(run, epoch=2)
    assert run.last_metrics()["val/loss"] == 0.25


@pytest.mark.parametrize(
    ("ending", "epoch", "text"),
    [
        ("completed", 4, "Completed after epoch 4: validation loss 0.5, best 0.25 at epoch 2."),
        (
            "completed",
            2,
            "Completed after epoch 4, weights of epoch 2 restored: validation loss 0.5, best 0.25 at epoch 2.",
        ),
        ("stopped early", 4, "Stopped early after epoch 4: validation loss 0.5, best 0.25 at epoch 2."),
        ("diverged", 4, "Diverged in epoch 5; the weights of epoch 4 are kept. Try a smaller optimizer.lr."),
        ("diverged", 2, "Diverged in epoch 5; the weights of epoch 2 are kept. Try a smaller optimizer.lr."),
    ],
)
def test_how_a_run_ended_in_one_sentence(run, ending, epoch, text):
    finish(run, ending, epoch)
    assert run.description() == text
    assert run.description(with_losses=False) == re.sub(": validation loss .* at epoch 2", "", text)


def test_a_run_that_was_never_sound(tmp_path):
    run = measured(tmp_path, ())
    finish(run, "diverged", 0)
    assert run.best_epoch is None
    assert run.description().startswith("Diverged: the loss of the initial model is not finite.")
    run.close()
    assert run.record.outcome.status == "FAILED"
    assert len(run.record.history().epochs) == 0


@pytest.mark.parametrize(
    ("ending", "status", "problem"),
    [("completed", "FINISHED", None), ("stopped early", "FINISHED", None), ("diverged", "FAILED", "diverged")],
)
def test_the_end_is_recorded(run, ending, status, problem):
    finish(run, ending)
    run.close()
    assert run.is_closed
    assert run.problem == problem
    outcome = run.record.outcome
    assert (outcome.status, outcome.tags) == (status, {"ending": ending})
    assert outcome.metrics == run.final_metrics()
    assert outcome.description == run.description()
    assert len(run.record.history().epochs) == 5


@pytest.mark.parametrize("status", ["FAILED", "KILLED"])
def test_an_end_from_outside_keeps_what_was_measured(run, status):
    run.abort("ValueError: no reason", status)
    assert run.is_closed
    assert run.problem == "failed"
    outcome = run.record.outcome
    assert (outcome.status, outcome.tags) == (status, {"ending": status.lower()})
    assert outcome.description == "Ended by ValueError: no reason"
    assert len(run.record.history().epochs) == 5


def test_weights_and_biases_are_apart(run):
    finish(run)
    run.close()
    with np.load(run.record.path / "model" / "weights.npz", allow_pickle=False) as saved:
        np.testing.assert_array_equal(saved["layer_1.weight"], [[1.0, 2.0]])
        np.testing.assert_array_equal(saved["layer_1.bias"], [3.0])


def test_settings_are_as_they_were_typed(tmp_path):
    run = measured(tmp_path, (1.0,), "optimizer.lr=1e-1", "++loss.pos_weight=2")
    assert run.setting("optimizer.lr") == "1e-1"
    assert run.setting("loss.pos_weight") == "2"
    assert run.setting("optimizer.momentum") == ""
    assert run.loss_label == "bce loss.pos_weight=2"
    assert [name for name in run.overrides if name in ("dataset", "tracker")] == ["dataset", "tracker"]
    assert len(run.overrides) == len(SMALL) + 3
