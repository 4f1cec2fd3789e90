"""The panel of metrics against scikit-learn, for every way to read raw predictions, and at the extremes."""

import numpy as np
import pytest

from lossexp import metrics
from lossexp.links import LINKS
from lossexp.targets import Target, Task, encode
from tests.trainings import sums

from .trainings import BINARY, REGRESSION, THREE_CLASSES

WAYS = [
    ("logistic", BINARY, 1),
    ("identity", BINARY, 1),
    ("softmax", BINARY, 2),
    ("softmax", THREE_CLASSES, 3),
    ("logistic", THREE_CLASSES, 3),
    ("identity", THREE_CLASSES, 3),
]


def measured(raw, y, link_name, target):
    """Return the panel of every run, each `(n_runs,)`."""
    encoded = encode(y, target, len(raw), raw.dtype)[:, None]
    total = sums(raw.copy(), encoded, link_name, target)
    return metrics.panel(total / len(y), target, np.full(raw.shape[1], np.var(y)))


def probabilities(raw, link_name):
    """Return class probabilities `(n_samples, n_classes)` of one run."""
    p = LINKS[link_name].probabilities(raw[:, None])[:, 0].T
    return np.hstack([1 - p, p]) if p.shape[1] == 1 else p


@pytest.mark.parametrize(("link_name", "target", "n_outputs"), WAYS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_class_metrics_are_those_of_scikit_learn(link_name, target, n_outputs, dtype):
    from sklearn.metrics import accuracy_score, brier_score_loss, log_loss

    rng = np.random.default_rng(0)
    labels = range(target.n_classes)
    y = rng.integers(0, target.n_classes, 200)
    raw = rng.normal(0.5, 0.4 if link_name == "identity" else 2, (n_outputs, 3, 200)).astype(dtype)
    panel = measured(raw, y, link_name, target)
    rtol = 1e-12 if dtype is np.float64 else 1e-5
    for run in range(3):
        p = probabilities(raw[:, run].astype(float), link_name)
        scores = p if n_outputs == 1 else raw[:, run].T
        assert panel["accuracy"][run] == pytest.approx(accuracy_score(y, scores.argmax(axis=1)), rel=1e-12)
        brier = brier_score_loss(y, p, labels=labels, scale_by_half=target is BINARY)
        assert panel["brier"][run] == pytest.approx(brier, rel=rtol)
        if link_name != "identity":
            assert panel["log_loss"][run] == pytest.approx(log_loss(y, p, labels=labels), rel=rtol)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_of_zero_cost_36_nats(dtype):
    """A clipped raw prediction can be a sure wrong answer: -log of the smallest step from 1 of a double."""
    raw, y = np.array([[[-0.3, 1.7, 0.25, 2.0]]], dtype=dtype), np.array([1, 0, 1, 1])
    worst = -np.log(np.finfo(float).eps)
    panel = measured(raw, y, "identity", BINARY)
    assert panel["log_loss"][0] == pytest.approx((2 * worst - np.log(0.25)) / 4, rel=1e-6)
    raw = np.array([-1.0, 1.0, 0.0], dtype=dtype).reshape(3, 1, 1)
    three = measured(raw, np.array([0]), "identity", THREE_CLASSES)
    assert three["log_loss"][0] == pytest.approx(worst, rel=1e-6)


def test_regression_metrics_are_those_of_scikit_learn():
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    rng = np.random.default_rng(0)
    y, raw = rng.normal(100, 3, 50), rng.normal(100, 5, (1, 3, 50))
    panel = measured(raw, y, "identity", REGRESSION)
    positive = measured(np.log(raw), y, "log", REGRESSION)
    for run in range(3):
        prediction = raw[0, run]
        expected = {
            "rmse": root_mean_squared_error(y, prediction),
            "mae": mean_absolute_error(y, prediction),
            "r2": r2_score(y, prediction),
        }
        assert {name: panel[name][run] for name in panel} == pytest.approx(expected, rel=1e-12)
        assert {name: positive[name][run] for name in panel} == pytest.approx(expected, rel=1e-11)


def test_r2_of_a_constant_target_is_not_a_number():
    total = sums(np.ones((1, 2, 3)), np.full((1, 1, 3), 4.0), "identity", REGRESSION)
    assert np.isnan(metrics.panel(total / 3, REGRESSION, np.array([0.0, np.nan]))["r2"]).all()


@pytest.mark.parametrize(
    ("scores", "label", "share"),
    [
        ([0, 0, 0], 1, 1 / 3),
        ([2, 2, 0], 0, 1 / 2),
        ([2, 2, 0], 2, 0),
        ([1e4, 0, 1e4], 2, 1 / 2),
        ([1, 2, 3], 2, 1),
        ([1, 2, 3], 1, 0),
    ],
)
@pytest.mark.parametrize("link_name", ["softmax", "logistic", "identity"])
def test_classes_that_tie_share_the_point(scores, label, share, link_name):
    raw = np.array(scores, dtype=float).reshape(3, 1, 1)
    accuracy = measured(raw, np.array([label]), link_name, THREE_CLASSES)["accuracy"][0]
    assert accuracy == pytest.approx(share, rel=1e-15)


@pytest.mark.parametrize(("link_name", "threshold"), [("logistic", 0.0), ("identity", 0.5)])
def test_an_undecided_example_of_two_classes_is_half_right(link_name, threshold):
    raw = np.array([[[threshold, threshold + 0.1, threshold - 0.1, threshold]]])
    assert measured(raw, np.array([1, 1, 1, 1]), link_name, BINARY)["accuracy"][0] == (0.5 + 1 + 0 + 0.5) / 4
    assert measured(raw, np.array([0, 0, 0, 0]), link_name, BINARY)["accuracy"][0] == (0.5 + 0 + 1 + 0.5) / 4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("link_name", "target", "n_outputs"), WAYS)
def test_extreme_scores_give_finite_metrics(link_name, target, n_outputs, dtype):
    corners = np.array([1e20, -1e20, 1e4, -1e4, 745.2, 0, -0.0, 1e-40, 61, -61], dtype=dtype)
    raw = np.stack([np.roll(corners, output * 3) for output in range(n_outputs)])[:, None]
    for label in range(target.n_classes):
        with np.errstate(invalid="raise", divide="raise", over="ignore"):
            panel = measured(raw, np.full(len(corners), label), link_name, target)
        assert all(np.isfinite(values).all() for values in panel.values())
        assert 0 <= panel["accuracy"][0] <= 1
        assert 0 <= panel["brier"][0] <= 2


@pytest.mark.parametrize("gap", [1.0, 17.0, 37.0, 59.0, 61.0, 1e4, 1e20])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_softmax_sure_of_a_wrong_class_pays_the_gap(gap, dtype):
    """The true class `gap` below a wrong one, the third as low: log loss log(2 + e^gap), Brier score up to 2."""
    panel = measured(np.array([0.0, gap, 0.0], dtype=dtype).reshape(3, 1, 1), np.array([0]), "softmax", THREE_CLASSES)
    p = 1 / (2 + np.exp(min(gap, 700)))
    rtol = 1e-14 if dtype is np.float64 else 1e-6
    assert panel["log_loss"][0] == pytest.approx(gap + np.log1p(2 * np.exp(-gap)), rel=rtol)
    assert panel["brier"][0] == pytest.approx((1 - p) ** 2 + (1 - 2 * p) ** 2 + p**2, rel=rtol)
    assert panel["accuracy"][0] == 0


@pytest.mark.parametrize("gap", [1.0, 17.0, 37.0, 100.0, 300.0, 1e4, 1e20])
def test_a_softmax_sure_of_the_right_class_has_an_accurate_small_loss(gap):
    """Two wrong classes `gap` below: log loss log(1 + 2e^-gap), Brier score 6 p² with p = 1 / (2 + e^gap)."""
    panel = measured(np.array([gap, 0.0, 0.0]).reshape(3, 1, 1), np.array([0]), "softmax", THREE_CLASSES)
    p = np.exp(-gap) / (1 + 2 * np.exp(-gap))
    assert panel["log_loss"][0] == pytest.approx(np.log1p(2 * np.exp(-gap)), rel=1e-13, abs=0)
    assert panel["brier"][0] == pytest.approx(6 * p * p, rel=1e-13, abs=0)
    assert panel["accuracy"][0] == 1


def test_a_sigmoid_sure_of_the_right_class_has_an_accurate_small_log_loss():
    panel = measured(np.array([[[40.0, -40.0]]]), np.array([1, 0]), "logistic", BINARY)
    assert panel["log_loss"][0] == pytest.approx(np.exp(-40), rel=1e-13, abs=0)


def test_sums_of_blocks_add_up():
    rng = np.random.default_rng(0)
    raw, y = rng.normal(size=(3, 2, 60)), rng.integers(0, 3, 60)
    encoded = encode(y, THREE_CLASSES, 3, float)[:, None]
    whole = sums(raw.copy(), encoded, "softmax", THREE_CLASSES)
    cuts = [slice(0, 1), slice(1, 40), slice(40, 60)]
    blocks = sum(sums(raw[..., cut].copy(), encoded[..., cut], "softmax", THREE_CLASSES) for cut in cuts)
    np.testing.assert_allclose(blocks, whole, rtol=1e-13)


def test_runs_may_have_their_own_targets():
    rng = np.random.default_rng(0)
    raw, y = rng.normal(size=(3, 2, 20)), rng.integers(0, 3, (2, 20))
    encoded = np.stack([encode(labels, THREE_CLASSES, 3, float) for labels in y], axis=1)
    together = sums(raw.copy(), encoded, "softmax", THREE_CLASSES)
    for run in range(2):
        alone = sums(raw[:, [run]].copy(), encoded[:, [run]], "softmax", THREE_CLASSES)
        np.testing.assert_allclose(together[:, run], alone[:, 0], rtol=1e-13)


def test_roc_auc_is_that_of_scikit_learn_with_ties():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    for n_levels in (1, 2, 5, 1000):
        score, y = rng.integers(0, n_levels, 300).astype(float), rng.integers(0, 2, 300)
        assert metrics.roc_auc(score, y == 1) == pytest.approx(roc_auc_score(y, score), rel=1e-12)


def test_roc_auc_by_hand_and_without_a_class():
    """Pairs of (positive, negative): (3, 1) and (3, 2) right, (2, 1) right, (2, 2) a tie: 3.5 of 4."""
    score, positive = np.array([3.0, 2.0, 2.0, 1.0]), np.array([True, True, False, False])
    assert metrics.roc_auc(score, positive) == 3.5 / 4
    assert np.isnan(metrics.roc_auc(score, np.ones(4, dtype=bool)))
    assert np.isnan(metrics.roc_auc(score, np.zeros(4, dtype=bool)))


@pytest.mark.parametrize("target", [REGRESSION, BINARY, THREE_CLASSES])
def test_names_are_those_of_the_panel(target):
    panel = metrics.panel(np.ones((3, 1)), target, np.ones(1))
    assert metrics.names(target) == tuple(panel)
    assert {"accuracy", "r2", "auc"} <= metrics.HIGHER_IS_BETTER


def test_a_thousand_classes():
    """Equal scores: accuracy 1/n, log loss log n, Brier score 1 - 1/n."""
    target = Target(Task.MULTICLASS, 1000)
    panel = measured(np.zeros((1000, 1, 2), dtype=np.float32), np.array([0, 999]), "softmax", target)
    assert {name: values[0] for name, values in panel.items()} == pytest.approx(
        {"accuracy": 1e-3, "log_loss": np.log(1000), "brier": 1 - 1e-3}, rel=1e-5
    )


@pytest.mark.parametrize(
    ("name", "ends"),
    [("accuracy", (0, 1)), ("ece", (0, 1)), ("log_loss", (0, np.inf)), ("rmse", (0, np.inf)), ("r2", (-np.inf, 1))],
)
def test_bounds_are_those_of_the_metric(name, ends):
    assert metrics.bounds(name) == ends
