import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossexp import losses as ours
from lossexp.constant import best_constant
from lossexp.losses.formula import formula
from lossexp.targets import Target, Task, encode

from .losses.test_minimisers import KINKED, SMOOTH, constant_model
from .trainings import BINARY, REGRESSION, THREE_CLASSES

TEN_CLASSES = Target(Task.MULTICLASS, 10)


def mean_loss(loss, encoded, raw, weight=None):
    everywhere = np.broadcast_to(np.reshape(raw, (-1, 1, 1)), encoded.shape).copy()
    return np.average(loss.value(everywhere, encoded)[0], weights=weight)


@pytest.mark.parametrize(("loss", "target", "y", "best"), SMOOTH + KINKED, ids=lambda value: str(value)[:50])
def test_it_is_the_one_in_closed_form(loss, target, y, best):
    loss, _, encoded = constant_model(loss, target, y, best)
    least = mean_loss(loss, encoded, best)
    assert mean_loss(loss, encoded, best_constant(loss, encoded)) == pytest.approx(least, rel=1e-4)
    if (loss, target) in [(one, kind) for one, kind, _, _ in SMOOTH] and len(encoded) == 1:
        np.testing.assert_allclose(best_constant(loss, encoded), best, rtol=1e-5, atol=1e-5)


OTHERS = [
    (ours.Huber(), REGRESSION),
    (ours.LogCosh(), REGRESSION),
    (ours.Cauchy(), REGRESSION),
    (ours.Tukey(), REGRESSION),
    (ours.EpsilonInsensitive(epsilon=0.5), REGRESSION),
    (formula("abs(raw - target)**1.5"), REGRESSION),
    (ours.Focal(), BINARY),
    (ours.Focal(), TEN_CLASSES),
    (ours.SCE(), TEN_CLASSES),
    (ours.Poly1(), TEN_CLASSES),
    (ours.CCE(label_smoothing=0.2), TEN_CLASSES),
    (ours.CrammerSinger(), TEN_CLASSES),
    (ours.Squentropy(), TEN_CLASSES),
    (formula("max(0, 0.3 - (2*target - 1)*raw)"), THREE_CLASSES),
    (formula("(1 - p)**2"), THREE_CLASSES),
]


@pytest.mark.parametrize(("loss", "target"), OTHERS, ids=str)
def test_no_other_one_is_better(loss, target):
    """By a search from there and from other places that takes its time."""
    from scipy.optimize import minimize

    rng = np.random.default_rng(0)
    loss = loss.on(target)
    y = np.minimum(rng.poisson(0.9, 300), target.n_classes - 1) if target.task.is_classes else rng.gamma(2, 3, 301)
    encoded = encode(y, target, loss.n_outputs(target), np.float64)[:, None]
    found = best_constant(loss, encoded)
    least = mean_loss(loss, encoded, found)
    for start in (found, np.zeros_like(found), rng.normal(0, 2, found.shape)):
        other = minimize(
            lambda raw: mean_loss(loss, encoded, raw), start, method="Powell", bounds=[(-99, 99)] * len(start)
        )
        assert least <= other.fun + 1e-4 * abs(least)


@pytest.mark.parametrize("loss", [ours.BCE(), ours.CCE(), ours.Exponential(), ours.Focal(), ours.Hinge(), ours.GCE()])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_of_one_class_it_is_finite_and_nearly_perfect(loss, n_classes):
    target = Target(Task.BINARY if n_classes == 2 else Task.MULTICLASS, n_classes)
    loss = loss.on(target)
    encoded = encode(np.ones(5, dtype=int), target, loss.n_outputs(target), np.float64)[:, None]
    raw = best_constant(loss, encoded)
    assert np.all(np.isfinite(raw))
    assert mean_loss(loss, encoded, raw) < 1e-6


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        (ours.Poisson(), np.zeros(5)),  # least at minus infinity
        (ours.GaussianNLL(), np.full(5, 3.0)),  # variance 0
        (formula("-(raw - target)**2"), np.arange(5.0)),
        (formula("raw*target"), np.arange(5.0)),
        (ours.MSE(), np.array([7.0])),
        (ours.MSE(), np.array([1e150, -1e150])),
        (ours.Tukey(), np.array([-1e9, 0.0, 1e-9, 1e9])),
    ],
    ids=str,
)
def test_without_a_least_loss_it_is_finite(loss, y):
    loss = loss.on(REGRESSION)
    encoded = encode(y, REGRESSION, loss.n_outputs(REGRESSION), np.float64)[:, None]
    assert np.all(np.isfinite(best_constant(loss, encoded)))


@pytest.mark.parametrize(("loss", "target"), [(ours.MSE(), REGRESSION), (ours.CCE(), THREE_CLASSES)])
def test_a_weight_is_so_many_copies(loss, target):
    rng = np.random.default_rng(0)
    loss, y = loss.on(target), rng.integers(0, 3, 50)
    weight = rng.integers(0, 4, 50)
    encoded, copied = (
        encode(values, target, loss.n_outputs(target), np.float64)[:, None] for values in (y, np.repeat(y, weight))
    )
    weighted = mean_loss(loss, encoded, best_constant(loss, encoded, weight.astype(float)), weight)
    assert weighted == pytest.approx(mean_loss(loss, copied, best_constant(loss, copied)), rel=1e-9)


@pytest.mark.parametrize("loss", [ours.MSE(), ours.MAE(), ours.Huber(), ours.Pinball(tau=0.9), ours.GaussianNLL()])
def test_to_merge_many_targets_costs_next_to_nothing(loss):
    y = np.random.default_rng(0).standard_t(3, 20_000)
    encoded = encode(y, REGRESSION, loss.n_outputs(REGRESSION), np.float64)[:, None]
    found = best_constant(loss, encoded)
    few = {ours.MSE: [y.mean()], ours.MAE: [np.median(y)], ours.Pinball: [np.quantile(y, 0.9)]}
    few |= {ours.GaussianNLL: [y.mean(), np.log(y.var())]}
    reference = few.get(type(loss), found + 1e-3)
    assert mean_loss(loss, encoded, found) <= mean_loss(loss, encoded, reference) * (1 + 5e-4)


@settings(max_examples=30, deadline=None)
@given(shift=st.floats(-1e3, 1e3), scale=st.floats(1e-3, 1e3))
def test_it_moves_with_the_targets(shift, scale):
    y = np.random.default_rng(0).gamma(2, 1, 41)
    for loss, best in ((ours.MSE(), y.mean()), (ours.MAE(), np.median(y))):
        raw = best_constant(loss, (shift + scale * y)[None, None])
        assert raw == pytest.approx(shift + scale * best, abs=2e-3 * scale)
