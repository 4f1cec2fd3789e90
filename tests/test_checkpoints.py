"""What a verdict is based on: losses of single validation examples, whatever stack a run is in, however it ends."""

import dataclasses

import numpy as np
import pytest

from lossexp import checkpoints
from lossexp.datasets import Split
from lossexp.early_stopping import Never, Patience
from lossexp.experiment import Training
from lossexp.losses import BCE, CCE, GCE, MAE, MSE
from lossexp.models import MLP
from lossexp.optimizers import GD, SGD

from .trainings import BINARY, REGRESSION, THREE_CLASSES, drawn, given, member, trained

LONG = 100


def train(*members):
    return trained(*members)


def one(data, loss, epochs=5, **parts):
    return member(data, loss, training=Training(epochs=epochs, dtype="float64"), **parts)


@pytest.mark.parametrize(
    ("loss", "target", "error"),
    [(MSE(), REGRESSION, "rmse"), (MAE(), REGRESSION, "rmse"), (BCE(), BINARY, "accuracy"), (CCE(), BINARY, "accuracy"),
     (GCE(), THREE_CLASSES, "accuracy")],
    ids=str,
)  # fmt: skip
def test_means_over_the_examples_are_the_curves(loss, target, error):
    (run,) = train(one(drawn(target), loss))
    evidence = run.finished.evidence
    np.testing.assert_array_equal(evidence.epochs, run.epochs)
    np.testing.assert_allclose(evidence.losses.mean(axis=0), run.curves["val/loss"], rtol=1e-6)
    np.testing.assert_allclose(evidence.train_losses, run.curves["train/loss"], rtol=1e-12)
    mean_error = evidence.errors.mean(axis=0)
    curve = 1 - run.curves["val/accuracy"] if error == "accuracy" else np.square(run.curves["val/rmse"])
    np.testing.assert_allclose(mean_error, curve, rtol=1e-6)
    assert (evidence.ending, evidence.infimum, evidence.kept_epoch) == ("completed", 0, 5)


def test_the_constant_prediction_is_that_of_the_training_split():
    data = drawn(REGRESSION)
    evidence = train(one(data, MSE()))[0].finished.evidence
    np.testing.assert_allclose(evidence.constant_losses, np.square(data.val.y - data.train.y.mean()), rtol=1e-6)
    np.testing.assert_allclose(evidence.constant_errors, evidence.constant_losses)
    assert evidence.constant_train_loss == pytest.approx(np.var(data.train.y), rel=1e-6)


def test_long_runs_are_kept_at_some_epochs_with_the_first_and_the_last():
    (run,) = train(one(drawn(BINARY), BCE(), epochs=LONG))
    epochs = run.finished.evidence.epochs
    assert {0, 1, LONG} <= set(epochs.tolist())
    assert len(epochs) <= 64
    np.testing.assert_allclose(run.finished.evidence.losses.mean(axis=0), run.curves["val/loss"][epochs], rtol=1e-6)


@pytest.mark.parametrize("restore_best", [False, True])
def test_a_run_that_stops_early_has_its_last_epoch_and_the_one_it_keeps(restore_best):
    data = drawn(THREE_CLASSES, n=12)
    rule = Patience(patience=2, restore_best=restore_best)
    (run,) = train(one(data, CCE(), epochs=LONG, early_stopping=rule, model=MLP(hidden=(8,)), optimizer=SGD(lr=0.5)))
    evidence, last = run.finished.evidence, run.epochs[-1]
    assert run.ending == "stopped early"
    assert evidence.epochs[-1] == last
    assert evidence.kept_epoch == run.finished.epoch == last - 2 * restore_best
    assert evidence.selected_on_validation
    np.testing.assert_allclose(evidence.losses.mean(axis=0), run.curves["val/loss"][evidence.epochs], rtol=1e-6)


def test_neighbours_that_leave_the_stack_do_not_mix_up_the_others():
    data = drawn(BINARY)
    members = [
        one(data, BCE(), epochs=20, optimizer=GD(lr=lr), early_stopping=rule)
        for lr, rule in ((1e20, Never()), (0.1, Patience(patience=0)), (0.3, Never()), (1, Patience(patience=1)))
    ]
    together = train(*members)
    assert together[0].finished.evidence is None or together[0].finished.evidence.ending == "diverged"
    for ours, alone in zip(together[1:], members[1:], strict=True):
        expected = train(alone)[0].finished.evidence
        np.testing.assert_array_equal(ours.finished.evidence.epochs, expected.epochs)
        np.testing.assert_allclose(ours.finished.evidence.losses, expected.losses, rtol=1e-6)
        np.testing.assert_array_equal(ours.finished.evidence.errors, expected.errors)


def test_losses_count_by_their_weight():
    data = drawn(BINARY)
    weighted = dataclasses.replace(data, val=Split(data.val.X, data.val.y, np.arange(10.0)))
    (run,) = train(one(weighted, BCE()))
    evidence = run.finished.evidence
    np.testing.assert_allclose(evidence.losses.mean(axis=0), run.curves["val/loss"], rtol=1e-6)
    assert evidence.constant_losses[0] == evidence.losses[0, 0] == 0


def test_of_many_examples_some_are_kept_with_their_groups(monkeypatch):
    data = drawn(BINARY)
    grouped = dataclasses.replace(data, val=Split(data.val.X, data.val.y, groups=np.arange(10) // 3))
    whole = train(one(data, BCE()))[0].finished.evidence
    assert whole.groups is None
    np.testing.assert_array_equal(train(one(grouped, BCE()))[0].finished.evidence.groups, np.arange(10) // 3)
    monkeypatch.setattr(checkpoints, "MAX_EXAMPLES", 7)
    some = train(one(grouped, BCE()))[0].finished.evidence
    spread = [0, 1, 2, 4, 5, 7, 8]
    np.testing.assert_array_equal(some.groups, np.array(spread) // 3)
    np.testing.assert_array_equal(some.losses, whole.losses[spread])
    np.testing.assert_array_equal(some.constant_losses, whole.constant_losses[spread])


def test_without_validation_there_is_no_evidence():
    data = drawn(BINARY)
    empty = given(data.train.X, data.train.y, BINARY, val=(data.train.X[:0], data.train.y[:0]))
    assert train(one(empty, BCE()))[0].finished.evidence is None
