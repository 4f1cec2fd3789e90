"""Finished runs judged by their raw predictions: what training measured with other code, and what it did not."""

import dataclasses
import math

import numpy as np
import pytest

from lossexp import judgement
from lossexp.comparison import judging
from lossexp.record import Record
from lossexp.run import Run
from lossexp.stacking import Member, Stack
from lossexp.targets import Target, Task
from lossexp.training import train
from tests.composed import job

FIVE_EPOCHS = ("training.epochs=5", "training.dtype=float64", "tracker=none")


def finished(tmp_path, *overrides):
    """Return a run that was trained, and of which nothing was written."""
    composed = job(*FIVE_EPOCHS, *overrides)
    data = composed.experiment.dataset.load(composed.experiment.seed)
    run = Run(composed, data, Record(tmp_path))
    for epoch in train(Stack([Member(composed.experiment, data)])):
        run.add(epoch, {name: values[0] for name, values in epoch.metrics.items() if len(values)})
        for end in epoch.finished:
            run.finished = end
    return run


@pytest.mark.parametrize(
    "overrides",
    [
        ("dataset=moons", "loss=bce", "model=mlp"),
        ("dataset=moons", "loss=cce"),
        ("dataset=moons", "loss=hinge"),
        ("dataset=iris", "loss=mse"),
        ("dataset=iris", "loss=mse", "loss.link=identity"),
        ("dataset=iris", "loss=bce"),
        ("dataset=linear", "loss=mse"),
        ("dataset=linear", "loss=gaussian_nll", "optimizer.lr=0.01"),
        ("dataset=diabetes", "loss=poisson", "optimizer.lr=1e-5"),
    ],
    ids=lambda overrides: " ".join(overrides),
)
def test_the_judge_agrees_with_what_training_measured(tmp_path, overrides):
    run = finished(tmp_path, *overrides)
    measured = {name.removeprefix("test/"): v for name, v in run.finished.metrics.items() if name.startswith("test/")}
    judged = judgement.on_test(run)
    same = measured.keys() & judged.keys()
    assert len(same) >= 3
    for name in same:
        assert judged[name] == pytest.approx(measured[name], rel=1e-9), name


def test_the_short_way_to_the_calibrated_log_loss_is_the_long_one(tmp_path):
    for loss in ("bce", "cce", "hinge", "mse"):
        run = finished(tmp_path, "dataset=moons", f"loss={loss}")
        on_val = dataclasses.replace(run, data=dataclasses.replace(run.data, test=run.data.val))
        long_way = judgement.on_test(on_val)
        assert judgement.on_validation(run, "log_loss_calibrated") == pytest.approx(
            long_way["log_loss_calibrated"], rel=1e-9
        )
        assert judgement.on_validation(run, "accuracy") == long_way["accuracy"]


def test_a_run_that_diverged_has_no_value(tmp_path):
    run = finished(tmp_path, "dataset=linear", "loss=mse", "optimizer.lr=100", "training.epochs=50")
    assert run.problem == "diverged"
    assert math.isnan(judgement.on_validation(run, "rmse"))
    assert all(map(math.isnan, judgement.on_test(run).values()))


def test_what_does_not_matter_is_a_part_of_what_there_is_to_gain():
    data = job("dataset=iris").experiment.dataset.load(0)
    assert judgement.usual_margin("accuracy", data) == 0.005
    # Of three equal classes the constant has log loss log(3) = 1.0986 and Brier score 2/3: 1 %, with two digits.
    assert judgement.usual_margin("log_loss_calibrated", data) == 0.011
    assert judgement.usual_margin("brier", data) == 0.0067
    numbers = job("dataset=diabetes").experiment.dataset.load(0)
    around_mean = math.sqrt(np.mean(np.square(numbers.test.y - numbers.train.y.mean())))
    around_median = math.sqrt(np.mean(np.square(numbers.test.y - np.median(numbers.train.y))))
    assert judgement.usual_margin("rmse", numbers) == pytest.approx(0.01 * min(around_mean, around_median), rel=0.05)


def test_a_constant_target_leaves_nothing_to_gain_and_any_difference_matters():
    data = job("dataset=diabetes").experiment.dataset.load(0)
    splits = {
        name: dataclasses.replace(getattr(data, name), y=np.ones(len(getattr(data, name))))
        for name in ("train", "test")
    }
    assert 0 < judgement.usual_margin("rmse", dataclasses.replace(data, **splits)) < 1e-300


@pytest.mark.parametrize("target", [Target(Task.REGRESSION), Target(Task.BINARY, 2), Target(Task.MULTICLASS, 3)])
def test_what_losses_are_compared_by_is_measured(target):
    known = judging.names(target)
    assert {*judgement.compared_by(target), judgement.tuned_by(target)} <= set(known)
    assert judgement.compared_by(target, known[2])[0] == known[2]
    assert judgement.compared_by(target, known[0]).count(known[0]) == 1
