"""What each loss estimates: the best constant prediction, in closed form."""

import numpy as np
import pytest

from lossexp import losses as ours
from lossexp.targets import Target, Task, encode

from ..trainings import BINARY, REGRESSION, THREE_CLASSES
from .contract import gradient_of

N = 1001
RNG = np.random.default_rng(0)
REAL = RNG.gamma(2.0, 1.5, N)
COUNTS = RNG.poisson(1.3, N).astype(float)
LABELS = RNG.permutation(np.repeat([0, 1], [700, 301]))
THREE = RNG.permutation(np.repeat([0, 1, 2], [500, 300, 201]))
SHARE = np.mean(LABELS)
FREQUENCIES = np.bincount(THREE) / N


def logit(p):
    return np.log(p / (1 - p))


def odds(weights):
    """Return scores whose softmax is proportional to the weights."""
    return np.log(weights) - np.log(weights).mean()


SMOOTH = [
    (ours.MSE(), REGRESSION, REAL, [REAL.mean()]),
    (ours.GaussianNLL(), REGRESSION, REAL, [REAL.mean(), np.log(REAL.var())]),
    (ours.Poisson(), REGRESSION, COUNTS, [np.log(COUNTS.mean())]),
    (ours.Gamma(), REGRESSION, REAL, [np.log(REAL.mean())]),
    (ours.Tweedie(), REGRESSION, COUNTS, [np.log(COUNTS.mean())]),
    (ours.BCE(), BINARY, LABELS, [logit(SHARE)]),
    (ours.BCE(pos_weight=3), BINARY, LABELS, [logit(SHARE) + np.log(3)]),
    (ours.BCE(class_weight=(1, 3)), BINARY, LABELS, [logit(SHARE) + np.log(3)]),
    (ours.BCE(label_smoothing=0.2), BINARY, LABELS, [logit(0.8 * SHARE + 0.1)]),
    (ours.BCE(), THREE_CLASSES, THREE, logit(FREQUENCIES)),
    (ours.Brier(), BINARY, LABELS, [logit(SHARE)]),
    (ours.Brier(), THREE_CLASSES, THREE, odds(FREQUENCIES)),
    (ours.CCE(), BINARY, LABELS, odds(np.array([1 - SHARE, SHARE]))),
    (ours.CCE(), THREE_CLASSES, THREE, odds(FREQUENCIES)),
    (ours.CCE(label_smoothing=0.3), THREE_CLASSES, THREE, odds(0.7 * FREQUENCIES + 0.1)),
    (ours.CCE(class_weight=(1, 2, 3)), THREE_CLASSES, THREE, odds(FREQUENCIES * [1, 2, 3])),
    (ours.KL(), THREE_CLASSES, THREE, odds(FREQUENCIES)),
    (ours.GCE(q=0.5), THREE_CLASSES, THREE, odds(FREQUENCIES**2)),
    (ours.SquaredHinge(), BINARY, LABELS, [2 * SHARE - 1]),
    (ours.ModifiedHuber(), BINARY, LABELS, [2 * SHARE - 1]),
    (ours.Exponential(), BINARY, LABELS, [logit(SHARE) / 2]),
    (ours.Savage(), BINARY, LABELS, [logit(SHARE) / 2]),
    (ours.Exponential(), THREE_CLASSES, THREE, logit(FREQUENCIES) / 2),
]
KINKED = [
    (ours.MAE(), REGRESSION, REAL, [np.median(REAL)]),
    (ours.Pinball(tau=0.9), REGRESSION, REAL, [np.sort(REAL)[int(0.9 * N)]]),
    (ours.Pinball(tau=0.25), REGRESSION, REAL, [np.sort(REAL)[int(0.25 * N)]]),
    (ours.Hinge(), BINARY, LABELS, [-1.0]),
    (ours.Hinge(), THREE_CLASSES, np.sort(np.r_[THREE, np.zeros(N, int)])[: 2 * N], [1.0, -1.0, -1.0]),
]


def constant_model(loss, target, y, raw):
    """Return the settled loss, the constant prediction for every example, and the targets."""
    encoded = encode(y, target, loss.n_outputs(target), np.float64)[:, None]
    return loss.on(target), np.broadcast_to(np.reshape(raw, (-1, 1, 1)), encoded.shape).copy(), encoded


@pytest.mark.parametrize(("loss", "target", "y", "best"), SMOOTH, ids=lambda value: str(value)[:50])
def test_gradients_at_the_best_constant_sum_to_0(loss, target, y, best):
    loss, raw, encoded = constant_model(loss, target, y, best)
    total = gradient_of(loss, raw, encoded).sum(axis=2)
    assert np.all(np.abs(total) <= 1e-12 * len(y))


@pytest.mark.parametrize(("loss", "target", "y", "best"), SMOOTH + KINKED, ids=lambda value: str(value)[:50])
def test_no_other_constant_nearby_is_better(loss, target, y, best):
    loss, raw, encoded = constant_model(loss, target, y, best)
    least = loss.value(raw, encoded).mean()
    for move in np.random.default_rng(1).normal(0, 0.3, (50, len(raw), 1, 1)):
        assert loss.value(raw + move, encoded).mean() >= least - 1e-14


@pytest.mark.parametrize(
    ("loss", "target"),
    [
        (ours.BCE(label_smoothing=0.1), BINARY),
        (ours.BCE(label_smoothing=0.1, pos_weight=3), BINARY),
        (ours.BCE(label_smoothing=0.1, pos_weight=0.2, class_weight=(2, 5)), BINARY),
        (ours.BCE(label_smoothing=0.2, pos_weight=4), THREE_CLASSES),
        (ours.CCE(label_smoothing=0.3), BINARY),
        (ours.CCE(label_smoothing=0.3, class_weight=(3, 2, 0.5)), THREE_CLASSES),
        (ours.CCE(label_smoothing=0.3), Target(Task.MULTICLASS, 10)),
        (ours.CCE(class_weight=(3, 2, 0.5)), THREE_CLASSES),
    ],
    ids=str,
)
def test_the_infimum_is_reached_by_descent(loss, target):
    """Of the class for which it is least."""
    from scipy.optimize import minimize

    lowest = []
    for label in range(target.n_classes):
        encoded = encode(np.array([label]), target, loss.n_outputs(target), np.float64)[:, None]
        found = minimize(
            lambda raw, encoded=encoded: loss.value(raw.reshape(encoded.shape), encoded).item(),
            np.zeros(len(encoded)),
            jac=lambda raw, encoded=encoded: gradient_of(loss, raw.reshape(encoded.shape), encoded).ravel(),
            tol=1e-12,
        )
        lowest.append(found.fun)
    assert loss.infimum(target) == pytest.approx(min(lowest), rel=1e-9, abs=1e-9)
    assert loss.infimum(target) <= min(lowest) + 1e-15
