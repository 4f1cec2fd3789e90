"""Every metric against scikit-learn, hand-computed cases, and what must not break: one class, divergence, certainty."""

import math

import numpy as np
import pytest

from lossexp import losses
from lossexp.comparison import calibration, judging
from lossexp.metrics import HIGHER_IS_BETTER

from ..trainings import BINARY, REGRESSION, THREE_CLASSES

WAYS = [
    ("logistic", BINARY, 1),
    ("identity", BINARY, 1),
    ("softmax", BINARY, 2),
    ("softmax", THREE_CLASSES, 3),
    ("logistic", THREE_CLASSES, 3),
    ("identity", THREE_CLASSES, 3),
]
N = 300


def drawn(link_name, target, n_outputs):
    rng = np.random.default_rng(0)
    raw = rng.normal(0.5, 0.3 if link_name == "identity" else 2, (n_outputs, N))
    right = rng.random(N) < 0.5
    labels = rng.integers(0, target.n_classes, N)
    predicted = raw.argmax(axis=0) if n_outputs > 1 else (raw[0] > (0.5 if link_name == "identity" else 0)).astype(int)
    return raw, np.where(right, predicted, labels), rng.uniform(0.1, 2, N)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("link_name", "target", "n_outputs"), WAYS)
def test_class_metrics_are_those_of_scikit_learn(link_name, target, n_outputs, weighted):
    from sklearn import metrics

    raw, labels, weights = drawn(link_name, target, n_outputs)
    weights = weights if weighted else None
    judged = judging.judge_classes(raw, labels, link_name, target, temperature=1.7, weights=weights)
    p = judging.class_probabilities(raw, link_name)
    predicted = p.argmax(axis=1) if n_outputs == 1 else raw.argmax(axis=0)
    unclipped = calibration.probabilities(calibration.scores(raw, link_name))
    scaled = calibration.probabilities(calibration.scores(raw, link_name), 1.7)
    binary = target is BINARY
    expected = {
        "accuracy": metrics.accuracy_score(labels, predicted, sample_weight=weights),
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, predicted, sample_weight=weights),
        "macro_f1": metrics.f1_score(labels, predicted, average="macro", sample_weight=weights),
        "brier": metrics.brier_score_loss(labels, p, scale_by_half=binary, sample_weight=weights),
        "auc": metrics.roc_auc_score(
            labels, unclipped[:, 1] if binary else unclipped, multi_class="ovr", sample_weight=weights
        ),
        "log_loss_calibrated": metrics.log_loss(labels, scaled, sample_weight=weights),
        "brier_calibrated": metrics.brier_score_loss(labels, scaled, scale_by_half=binary, sample_weight=weights),
        "ece": calibration.reliability(p, labels, weights).error,
        "adaptive_ece": calibration.reliability(p, labels, weights, equal_mass=True).error,
        "ece_calibrated": calibration.reliability(scaled, labels, weights).error,
    }
    if link_name != "identity":
        expected["log_loss"] = metrics.log_loss(labels, p, sample_weight=weights)
    assert {name: judged[name] for name in expected} == pytest.approx(expected, rel=1e-10)
    assert tuple(judged) == judging.names(target)


@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_of_numbers_are_those_of_their_definition(weighted):
    rng = np.random.default_rng(0)
    y, prediction = rng.poisson(3, N).astype(float), rng.uniform(0.5, 8, N)
    weights = rng.uniform(0.1, 2, N) if weighted else None
    judged = judging.judge_values(prediction, y, weights=weights)
    e = y - prediction

    def mean(values):
        return np.average(values, weights=weights)

    expected = {
        "rmse": np.sqrt(mean(e**2)),
        "mae": mean(np.abs(e)),
        "r2": 1 - mean(e**2) / mean((y - mean(y)) ** 2),
        "pinball_10": mean(np.maximum(0.1 * e, -0.9 * e)),
        "pinball_50": mean(np.abs(e)) / 2,
        "pinball_90": mean(np.maximum(0.9 * e, -0.1 * e)),
        "poisson_deviance": 2 * mean(np.where(y > 0, y * np.log(np.maximum(y, 1) / prediction), 0) - y + prediction),
    }
    assert {name: judged[name] for name in expected} == pytest.approx(expected, rel=1e-10)
    assert tuple(judged) == judging.names(REGRESSION)
    if not weighted:
        assert judged["median_absolute_error"] == pytest.approx(np.median(np.abs(e)), rel=1e-12)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e200])
def test_a_run_that_diverged_is_judged_nan(bad):
    raw = np.zeros((3, 4))
    raw[1, 2] = bad
    judged = judging.judge_classes(raw, np.array([0, 1, 2, 0]), "softmax", THREE_CLASSES)
    assert set(judged) == set(judging.CLASS_METRICS)
    assert all(math.isnan(value) for value in judged.values())
    judged = judging.judge_values(np.array([1.0, bad]), np.array([1.0, 2.0]))
    assert set(judged) == set(judging.REGRESSION_METRICS)
    assert all(math.isnan(value) for value in judged.values())


@pytest.mark.parametrize(("link_name", "target", "n_outputs"), WAYS)
def test_one_class_only_has_everything_but_an_area(link_name, target, n_outputs):
    raw, _, _ = drawn(link_name, target, n_outputs)
    judged = judging.judge_classes(raw, np.ones(N, dtype=int), link_name, target)
    assert math.isnan(judged.pop("auc"))
    assert all(math.isfinite(value) for value in judged.values())


def test_certainty_of_a_wrong_class_is_not_clipped():
    raw = np.array([[200.0, 0.0], [0.0, 3.0], [0.0, 0.0]])
    judged = judging.judge_classes(raw, np.array([1, 1]), "softmax", THREE_CLASSES, temperature=2.0)
    assert judged["log_loss"] == pytest.approx((200 + np.log1p(2 * np.exp(-3))) / 2, rel=1e-12)
    assert judged["log_loss_calibrated"] == pytest.approx((100 + np.log1p(2 * np.exp(-1.5))) / 2, rel=1e-12)
    assert judged["accuracy"] == 0.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_single_precision_is_judged_in_double(dtype):
    raw, labels, _ = drawn("softmax", THREE_CLASSES, 3)
    single = raw.astype(np.float32)
    judged = judging.judge_classes(single.astype(dtype), labels, "softmax", THREE_CLASSES)
    np.testing.assert_array_equal(single, raw.astype(np.float32))
    assert judged == judging.judge_classes(single.astype(np.float64), labels, "softmax", THREE_CLASSES)


@pytest.mark.parametrize(("link_name", "target", "n_outputs"), WAYS)
def test_a_run_about_to_diverge_has_finite_metrics(link_name, target, n_outputs):
    raw = np.resize([9e24, -9e24, 1.5, 0.0, 2e4], (n_outputs, 11))
    judged = judging.judge_classes(raw, np.arange(11) % target.n_classes, link_name, target, temperature=0.1)
    assert all(math.isfinite(value) for value in judged.values())
    values = judging.judge_values(raw[0], np.linspace(1, 2, 11))
    assert math.isnan(values.pop("poisson_deviance"))
    assert all(math.isfinite(value) for value in values.values())


def test_what_a_target_does_not_have_is_nan():
    judged = judging.judge_values(np.array([-1.0, 2.0]), np.array([3.0, 3.0]))
    assert math.isnan(judged["r2"])
    assert math.isnan(judged["poisson_deviance"])
    assert judged["mae"] == 2.5
    assert math.isnan(judging.judge_values(np.array([1.0, 2.0]), np.array([-1.0, 3.0]))["poisson_deviance"])


def test_the_better_of_two_models_is_better_in_the_direction_of_every_metric():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, N)
    good = 1.5 * np.eye(3)[labels].T + rng.normal(0, 0.5, (3, N))
    bad = -good
    temperature = calibration.fit_temperature(good, labels)
    of_good, of_bad = (
        judging.judge_classes(raw, labels, "softmax", THREE_CLASSES, temperature=temperature) for raw in (good, bad)
    )
    y = rng.uniform(1, 5, N)
    of_good |= judging.judge_values(y + 0.1, y)
    of_bad |= judging.judge_values(y + 4, y)
    for name in of_good:
        assert (of_good[name] > of_bad[name]) == (name in HIGHER_IS_BETTER), name


@pytest.mark.parametrize(
    ("loss", "target", "metrics"),
    [
        (losses.MSE(), REGRESSION, ("rmse", "r2")),
        (losses.MSE(), BINARY, ("brier",)),
        (losses.MSE(link="identity"), THREE_CLASSES, ("brier",)),
        (losses.MAE(), REGRESSION, ("mae", "pinball_50")),
        (losses.Pinball(tau=0.1), REGRESSION, ("pinball_10",)),
        (losses.Pinball(tau=0.9), REGRESSION, ("pinball_90",)),
        (losses.Pinball(tau=0.3), REGRESSION, ()),
        (losses.Pinball(tau=0.5), REGRESSION, ("pinball_50", "mae")),
        (losses.Huber(), REGRESSION, ()),
        (losses.Poisson(), REGRESSION, ("poisson_deviance", "rmse", "r2")),
        (losses.Gamma(), REGRESSION, ("rmse", "r2")),
        (losses.GaussianNLL(), REGRESSION, ("rmse", "r2")),
        (losses.BCE(), BINARY, ("log_loss",)),
        (losses.BCE(), THREE_CLASSES, ("log_loss",)),
        (losses.BCE(pos_weight=3), BINARY, ()),
        (losses.CCE(), BINARY, ("log_loss",)),
        (losses.CCE(label_smoothing=0.1), THREE_CLASSES, ()),
        (losses.CCE(class_weight=(1, 2, 3)), THREE_CLASSES, ()),
        (losses.KL(), THREE_CLASSES, ("log_loss",)),
        (losses.Brier(), THREE_CLASSES, ("brier",)),
        (losses.Hinge(), BINARY, ("accuracy",)),
        (losses.CrammerSinger(), THREE_CLASSES, ("accuracy",)),
        (losses.Focal(), BINARY, ("accuracy",)),
        (losses.Hinge(class_weight=(1, 4)), BINARY, ()),
    ],
    ids=str,
)
def test_the_metrics_that_match_a_loss(loss, target, metrics):
    assert judging.matching_metrics(loss, target) == metrics


def test_metrics_that_losses_state_are_there():
    stated = {name for loss in losses.__all__ for name in getattr(losses, loss).judged_by}
    assert stated <= {*judging.CLASS_METRICS, *judging.REGRESSION_METRICS}


@pytest.mark.parametrize("name", ["rmse", "mae", "pinball_10", "pinball_90", "poisson_deviance"])
def test_the_best_constant_of_a_loss_is_the_best_by_its_metric(name):
    """What matching means: of skewed numbers the mean, the median and the quantiles are far apart."""
    y = np.sort(np.random.default_rng(0).poisson(4, 401).astype(float)) + 1
    best = {"rmse": y.mean(), "mae": y[200], "pinball_10": y[40], "pinball_90": y[360], "poisson_deviance": y.mean()}
    constants = np.unique([*best.values(), *np.arange(1, 12, 0.5)])
    judged = [judging.judge_values(np.full(401, constant), y)[name] for constant in constants]
    assert constants[np.argmin(judged)] == best[name]


@pytest.mark.parametrize(("link_name", "n_outputs"), [("logistic", 1), ("softmax", 2)])
def test_sure_predictions_are_still_in_order(link_name, n_outputs):
    """Probabilities of 1 - e^-100 and 1 - e^-200 are the same double, the scores are not: 3 of 4 pairs are in order."""
    score = np.array([200.0, 100.0, 150.0, -300.0])
    raw = score[None] if n_outputs == 1 else np.stack([-score, np.zeros(4)])
    judged = judging.judge_classes(raw, np.array([1, 1, 0, 0]), link_name, BINARY)
    assert judged["auc"] == 0.75
