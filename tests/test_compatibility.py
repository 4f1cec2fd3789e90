"""What does not fit together is refused with the reason and what would fit; what fits can be trained."""

import dataclasses
import re
import sys

import numpy as np
import pandas as pd
import pytest

from lossexp import CONFIG_DIR, building, compatibility, losses
from lossexp.datasets import CSV, Split
from lossexp.early_stopping import GL, PQ, UP, Patience
from lossexp.errors import ConfigError, IncompatibleError
from lossexp.experiment import Experiment, Training
from lossexp.losses import BCE, CCE, MAE, MSE, GaussianNLL, Loss
from lossexp.losses.sum import Term
from lossexp.targets import Target, Task
from tests.composed import job
from tests.testing import broken
from tests.trainings import BINARY, REGRESSION, THREE_CLASSES, drawn, member, trained

TARGETS = {"linear": REGRESSION, "moons": BINARY, "spiral": THREE_CLASSES}
CHOICES = {"loss": "the_loss", "dataset": "the_data", "early_stopping": "the_rule"}

LOSSES = {
    path.stem: building.component_class(job(f"loss={path.stem}").tree["loss"]["_target_"], "loss", Loss)
    for path in sorted((CONFIG_DIR / "loss").glob("*.yaml"))
    if "???" not in path.read_text(encoding="utf-8")
}
"""Every loss that can be chosen as it is."""


def checked(loss, target, **parts):
    data = parts.pop("data", drawn(target))
    compatibility.check(Experiment(dataset=None, loss=loss, **parts), data, CHOICES)


class WritesProbabilities(broken.Cauchy):
    """Fails by the mistake of another function."""

    def gradient(self, raw, target, out):
        out[...] = _index(raw) - target


def _index(raw):
    return raw[7]


class Leaves(broken.Cauchy):
    def value(self, raw, target):
        sys.exit(0)


class Kinked(Loss):
    """|e| above 1, 0 below; with a slope of 0 and of 1 on the kinks."""

    def value(self, raw, target):
        return np.sum(np.maximum(np.abs(raw - target) - 1, 0), axis=0)

    def gradient(self, raw, target, out):
        e = raw - target
        out[...] = np.sign(e) * (np.abs(e) >= 1)


class StopsGradient(broken.HalfGradient):
    """The derivative of one of two factors, on purpose."""

    gradient_is_derivative = False


class TakesNoComplexNumbers(broken.WithoutGradient):
    """As libraries do whose errors are of a kind of their own."""

    def value(self, raw, target):
        if np.iscomplexobj(raw):
            raise RuntimeError("not implemented for 'ComplexDouble'")
        return super().value(raw, target)


@pytest.mark.parametrize(
    ("loss", "problem"),
    [
        (broken.OneNumber(), r"one number per example\.\nOneNumber\.value has the shape \(3,\)"),
        (broken.HalfGradient(), r"derivative .*\nDerivative at raw = [-.\d]+, target = [-.\d]+: expected [-.\d]+, got"),
        (broken.ReturnsGradient(), "ReturnsGradient.gradient returns something"),
        (broken.WritesNothing(), "Expected the derivative in `out`"),
        (
            WritesProbabilities(),
            r"IndexError: .* \(line \d+ of test_compatibility.py, in WritesProbabilities.gradient\)",
        ),
        (Leaves(), r"SystemExit: 0 \(line \d+ of test_compatibility.py, in Leaves.value\)"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_loss_of_a_users_own_is_tried(loss, problem):
    """Alone, and inside a sum of a sum."""
    term = Term(name="inner", loss=losses.Sum(terms=(Term(name="own", loss=loss),)))
    for one in (loss, losses.Sum(terms=(Term(name="mae", loss=MAE()), term))):
        with pytest.raises(ConfigError, match=rf"^loss=the_loss is refused\. (.|\n)*{problem}") as refused:
            checked(one, REGRESSION)
        assert str(refused.value).endswith(f"python -m lossexp.testing {type(loss).__module__}.{type(loss).__name__}")


@pytest.mark.parametrize("own", [broken.Cauchy, Kinked, StopsGradient, TakesNoComplexNumbers])
def test_a_sound_loss_of_a_users_own_is_accepted(own):
    checked(own(), REGRESSION)
    checked(losses.Sum(terms=(Term(name="own", loss=own()),)), REGRESSION)


def test_trying_a_loss_of_a_thousand_classes_is_quick():
    """By a tenth of the outputs, or it would take half a minute."""

    class Own(CCE):
        n_values = 0

        def value(self, raw, target):
            Own.n_values += 1
            return super().value(raw, target)

    checked(Own(), Target(Task.MULTICLASS, 1000))
    assert 0 < Own.n_values < 300


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_loss_is_refused_or_can_be_trained(name, target):
    loss = LOSSES[name]()
    data = drawn(target)
    if target is REGRESSION:  # some losses want positive numbers
        splits = (data.train, data.val, data.test)
        data = dataclasses.replace(data, **dict(zip(("train", "val", "test"), map(_positive, splits), strict=True)))
    if name in compatibility.legal_losses(target):
        checked(loss, target, data=data)
        (run,) = trained(member(data, loss, training=Training(epochs=2)))
        assert run.ending == "completed"
    else:
        with pytest.raises(IncompatibleError, match=r"^loss=the_loss needs .*\nLosses for "):
            checked(loss, target, data=data)


def _positive(split):
    return Split(split.X, np.exp(split.y))


def test_the_refusal_names_target_and_legal_losses():
    with pytest.raises(IncompatibleError) as refused:
        checked(BCE(), REGRESSION)
    first, second = str(refused.value).splitlines()
    assert first == (
        "loss=the_loss needs class labels, but dataset=the_data has a continuous target (40 distinct training values)."
    )
    legal, _, example = second.removeprefix("Losses for a continuous target: ").partition("   e.g. ")
    assert legal.split(", ") == compatibility.legal_losses(REGRESSION)
    assert {"mse", "mae", "huber"} <= set(legal.split(", "))
    assert not {"bce", "cce"} & set(legal.split(", "))
    assert example == "loss=mse"


@pytest.mark.parametrize("target", [BINARY, THREE_CLASSES])
def test_a_loss_for_numbers_is_refused_on_classes(target):
    with pytest.raises(IncompatibleError, match=rf"needs a continuous target, but .* has {target}\.\n.*bce, .*cce"):
        checked(MAE(), target)


def test_every_example_is_legal():
    for task, name in compatibility._NATURAL.items():
        target = next(target for target in TARGETS.values() if target.task is task)
        assert name in compatibility.legal_losses(target)


def test_abstract_losses_are_not_offered():
    assert "base" not in compatibility.legal_losses(REGRESSION)
    assert all(hasattr(losses, LOSSES[name].__name__) for name in LOSSES)


@pytest.mark.parametrize("link", ["logistic", "softmax"])
def test_probabilities_of_numbers_are_refused(link):
    message = rf"^loss\.link={link} gives probabilities, but .* continuous target .*\. Use loss\.link=identity\.$"
    with pytest.raises(IncompatibleError, match=message):
        checked(MSE(link=link), REGRESSION)


def test_a_metric_that_is_not_measured_cannot_be_watched():
    checked(BCE(), BINARY, early_stopping=Patience(monitor="val/accuracy"))
    checked(MSE(), REGRESSION, early_stopping=Patience(monitor="val/r2"))
    with pytest.raises(IncompatibleError, match=r"monitor=val/accuracy is not measured .* val/loss, val/rmse, val/mae"):
        checked(MSE(), REGRESSION, early_stopping=Patience(monitor="val/accuracy"))
    with pytest.raises(IncompatibleError, match=r"monitor=val/rmse is not measured .* val/loss, val/accuracy"):
        checked(BCE(), BINARY, early_stopping=Patience(monitor="val/rmse"))


@pytest.mark.parametrize("rule", [GL(), PQ()])
def test_ratios_of_losses_that_may_be_negative_are_refused(rule):
    checked(MSE(), REGRESSION, early_stopping=rule)
    checked(GaussianNLL(), REGRESSION, early_stopping=UP())
    with pytest.raises(IncompatibleError, match=r"^early_stopping=the_rule takes .* loss=the_loss may fall below 0\."):
        checked(GaussianNLL(), REGRESSION, early_stopping=rule)


def test_weights_are_one_per_class():
    checked(CCE(class_weight=[1, 2, 3]), THREE_CLASSES)
    message = r"^loss\.class_weight has 2 numbers, but dataset=the_data has 3 classes\. Give one weight per class"
    with pytest.raises(IncompatibleError, match=message):
        checked(CCE(class_weight=[1, 2]), THREE_CLASSES)


@pytest.mark.parametrize(("split", "words"), [("train", "training"), ("val", "validation"), ("test", "test")])
def test_a_split_without_any_weight_is_refused(split, words):
    data = drawn(BINARY)
    rows = getattr(data, split)
    spoilt = dataclasses.replace(data, **{split: Split(rows.X, rows.y, np.zeros(len(rows)))})
    message = f"All {len(rows)} {words} rows of dataset=the_data have weight 0. Expected: some weight in each split."
    with pytest.raises(IncompatibleError, match=re.escape(message)):
        checked(BCE(), BINARY, data=spoilt)


def test_a_loss_for_numbers_on_whole_numbers_that_were_taken_for_classes(tmp_path):
    rows = pd.DataFrame({"a": np.arange(60) ** 2, "stars": np.arange(60) % 5})
    rows.assign(word=rows.stars.astype(str) + " stars").to_csv(tmp_path / "my.csv", index=False)
    for target, is_told in (("stars", True), ("word", False)):
        data = CSV(path=str(tmp_path / "my.csv"), target=target).load(0)
        with pytest.raises(IncompatibleError) as refused:
            checked(MAE(), data.target, data=data)
        assert str(refused.value).endswith("\nOr, if they are quantities: dataset.task=regression") == is_told


@pytest.mark.parametrize(("split", "words"), [("train", "training"), ("val", "validation"), ("test", "test")])
def test_a_target_outside_the_domain_of_the_loss_is_named(split, words):
    positive = {name: _positive(getattr(drawn(REGRESSION), name)) for name in ("train", "val", "test")}
    checked(losses.Gamma(), REGRESSION, data=dataclasses.replace(drawn(REGRESSION), **positive))
    positive[split].y[3] = -0.25
    message = f"loss=the_loss needs targets above 0, but dataset=the_data has -0.25 in its {words} split."
    with pytest.raises(IncompatibleError, match=re.escape(message)):
        checked(losses.Gamma(), REGRESSION, data=dataclasses.replace(drawn(REGRESSION), **positive))
