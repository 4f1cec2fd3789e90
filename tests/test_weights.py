"""Weights of examples: an example of weight 3 is three examples, one of weight 0 is none."""

import dataclasses

import numpy as np
import pytest

from lossexp.datasets import Split
from lossexp.experiment import Training
from lossexp.losses import BCE, CCE, GCE, MSE, Focal, GaussianNLL, Hinge, Huber, Sum
from lossexp.models import MLP, Linear
from lossexp.optimizers import GD, LBFGS, SGD

from .trainings import BINARY, REGRESSION, THREE_CLASSES, drawn, member, trained

LOSSES = [
    (MSE(), REGRESSION),
    (Huber(), REGRESSION),
    (GaussianNLL(), REGRESSION),
    (BCE(pos_weight=2), BINARY),
    (Hinge(), BINARY),
    (CCE(), BINARY),
    (CCE(label_smoothing=0.1), THREE_CLASSES),
    (CCE(class_weight=(1, 2, 3)), THREE_CLASSES),
    (Focal(), THREE_CLASSES),
    (GCE(), THREE_CLASSES),
]


def weighted(data, seed=0):
    """Return the same data with whole weights 0 to 3."""
    rng = np.random.default_rng(seed)
    splits = ("train", "val", "test")
    return dataclasses.replace(data, **{name: _weighted(getattr(data, name), rng) for name in splits})


def _weighted(split, rng):
    return Split(split.X, split.y, rng.permuted(np.arange(len(split)) % 4).astype(float))


def repeated(data):
    """Return data without weights, where each row stands as often as its weight says."""
    splits = {}
    for name in ("train", "val", "test"):
        split = getattr(data, name)
        rows = np.repeat(np.arange(len(split)), split.weight.astype(int))
        splits[name] = Split(split.X[rows], split.y[rows])
    return dataclasses.replace(data, **splits)


def training(epochs=8):
    return Training(epochs=epochs, dtype="float64")


@pytest.mark.parametrize("model", [Linear(scale=0.5), MLP(hidden=(3,), activation="tanh")], ids=["linear", "mlp"])
@pytest.mark.parametrize(("loss", "target"), LOSSES, ids=lambda value: str(value)[:30])
def test_whole_weights_are_repeated_rows(loss, target, model):
    data = weighted(drawn(target, n_held_out=40))
    parts = {"model": model, "optimizer": GD(lr=0.05), "training": training()}
    ours, (theirs,) = trained(member(data, loss, **parts))[0], trained(member(repeated(data), loss, **parts))
    for name, curve in theirs.curves.items():
        np.testing.assert_allclose(ours.curves[name], curve, rtol=1e-10, atol=1e-12, err_msg=name)
    assert ours.finished.metrics == pytest.approx(theirs.finished.metrics, rel=1e-10)


def test_only_ratios_of_weights_matter():
    data = weighted(drawn(BINARY))
    scaled = dataclasses.replace(data, train=dataclasses.replace(data.train, weight=1e6 * data.train.weight))
    ours, theirs = (trained(member(d, BCE(), training=training()))[0] for d in (data, scaled))
    np.testing.assert_allclose(ours.params[0], theirs.params[0], rtol=1e-12)


def test_the_reference_optimum_knows_weights():
    data = weighted(drawn(BINARY))
    parts = {"optimizer": LBFGS(), "training": training(1)}
    ours, theirs = (trained(member(d, BCE(), **parts))[0] for d in (data, repeated(data)))
    np.testing.assert_allclose(ours.params[0], theirs.params[0], rtol=1e-4)


def test_weights_stay_with_their_run_in_a_stack():
    """Streams with and without weights, batches, two losses: each run equals itself alone."""
    plain = drawn(THREE_CLASSES, n=40)
    other = weighted(drawn(THREE_CLASSES, n=40, seed=1), seed=5)
    members = [
        member(data, loss, optimizer=SGD(lr=lr, batch_size=16), training=training(3), seed=seed)
        for data, seed in ((plain, 0), (other, 1), (weighted(plain), 2))
        for loss, lr in ((CCE(), 0.1), (CCE(), 0.3), (GCE(), 0.1))
    ]
    for one, ours in zip(members, trained(*members), strict=True):
        (alone,) = trained(one)
        np.testing.assert_allclose(ours.params[0], alone.params[0], rtol=1e-10)
        np.testing.assert_allclose(ours.curves["val/loss"], alone.curves["val/loss"], rtol=1e-10)


@pytest.mark.parametrize("loss", [CCE, BCE, Hinge])
def test_balanced_classes_weigh_the_same_in_the_training_split(loss):
    data = drawn(BINARY)
    rows = np.concatenate([np.flatnonzero(data.train.y == 0), np.flatnonzero(data.train.y == 1)[:5]])
    uneven = dataclasses.replace(data, train=Split(data.train.X[rows], data.train.y[rows]))
    counts = np.bincount(uneven.train.y)
    given_weights = tuple((len(rows) / (2 * counts)).tolist())
    ours, expected = (
        trained(member(uneven, loss(class_weight=weight), training=training()))[0]
        for weight in ("balanced", given_weights)
    )
    np.testing.assert_allclose(ours.params[0], expected.params[0], rtol=1e-12)
    assert sum(given_weights * counts) == pytest.approx(len(rows))
    assert member(uneven, loss(class_weight="balanced")).loss.class_weight == pytest.approx(given_weights)


def test_balanced_weights_inside_a_sum():
    data = drawn(BINARY)
    loss = Sum.from_settings({"terms": {"bce": {"weight": 2, "class_weight": "balanced"}}}, "loss")
    (term,) = member(data, loss).loss.terms
    assert isinstance(term.loss.class_weight, tuple)
