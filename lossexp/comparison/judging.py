"""Judging one run by metrics that mean the same for every loss, whatever it was trained with.

A run that diverged, hence predicts what is beyond all bounds, is judged NaN by every metric: a result as well.
"""

from __future__ import annotations

import math

import numpy as np

from lossexp import metrics
from lossexp.comparison import calibration
from lossexp.components import Array
from lossexp.links import LINKS, LinkName
from lossexp.losses import Loss, Pinball
from lossexp.losses.classes import ClassLoss
from lossexp.probabilities import estimates_probabilities
from lossexp.targets import Target, encode

CLASS_METRICS = (
    *metrics.CLASS_METRICS,
    *("balanced_accuracy", "macro_f1", "auc", "ece", "adaptive_ece"),
    *("log_loss_calibrated", "brier_calibrated", "ece_calibrated"),
)
REGRESSION_METRICS = (
    *metrics.REGRESSION_METRICS,
    *("median_absolute_error", "pinball_10", "pinball_50", "pinball_90", "poisson_deviance"),
)

BOUND = 1e25
"""Well below where single precision ends, and where scores are far below all others: `numerics.FAR_BELOW`."""


def names(target: Target) -> tuple[str, ...]:
    """Return the names of the metrics that runs on a target are judged by."""
    return CLASS_METRICS if target.task.is_classes else REGRESSION_METRICS


def matching_metrics(loss: Loss, target: Target) -> tuple[str, ...]:
    """Return the metrics for which the best prediction by a loss is best too, the closest first; often none.

    A loss estimates something: the mean, the median, a probability. A metric that is best for the same thing matches:
    by it the loss has the home advantage. A proper score asks for the probability, which weights per class and smoothed
    labels distort.

    Args:
        loss: One loss, not a stack of them.
        target: What is predicted.
    """
    if isinstance(loss, ClassLoss) and loss.class_weight is not None:
        return ()
    shown = set(names(target))
    if not estimates_probabilities(loss.on(target), target):
        shown -= {"log_loss", "brier"}
    own = (f"pinball_{100 * loss.tau:g}", *(["mae"] if loss.tau == 0.5 else [])) if isinstance(loss, Pinball) else ()
    return tuple(name for name in (*own, *loss.judged_by) if name in shown)


def judge_classes(
    raw: Array,
    labels: Array,
    link_name: LinkName,
    target: Target,
    *,
    temperature: float = 1.0,
    weights: Array | None = None,
) -> dict[str, float]:
    """Return every metric of class labels.

    Log loss is that of the raw predictions: nothing is clipped. The Brier score is the squared error of one probability
    for two classes, and the sum over the classes for many. The area under the ROC curve is the mean over the classes,
    each against the rest.

    Args:
        raw: Raw predictions of the outputs that predict, `(n_outputs, n_samples)`.
        labels: True classes `(n_samples,)`, 0..n_classes-1.
        link_name: How the raw predictions are read.
        target: What is predicted.
        temperature: For what is calibrated, fitted on other examples: `calibration.fit_temperature`.
        weights: How much each example counts, `(n_samples,)`; None for 1 each.
    """
    from sklearn.metrics import f1_score, recall_score

    if not np.all(np.abs(raw) < BOUND):
        return dict.fromkeys(CLASS_METRICS, math.nan)
    raw = np.asarray(raw, dtype=np.float64)
    scores = calibration.scores(raw, link_name)
    panel = _class_panel(raw, labels, link_name, target, weights)
    probabilities = class_probabilities(raw, link_name)
    calibrated = _class_panel(scores / temperature, labels, _link_of(scores), target, weights)
    after = calibration.reliability(calibration.probabilities(scores, temperature), labels, weights)
    # Of the scores: probabilities that are clipped or rounded to 1 may tie.
    predicted = (scores[0] > 0).astype(np.intp) if len(scores) == 1 else scores.argmax(axis=0)
    present, weighted = np.unique(labels), {"sample_weight": weights}
    return panel | {
        # Over the classes that there are: scikit-learn's own balanced accuracy warns of one that is missing.
        "balanced_accuracy": float(recall_score(labels, predicted, labels=present, average="macro", **weighted)),
        "macro_f1": float(f1_score(labels, predicted, average="macro", **weighted)),
        "auc": _area_under_roc(scores, labels, weights),
        "ece": calibration.reliability(probabilities, labels, weights).error,
        "adaptive_ece": calibration.reliability(probabilities, labels, weights, equal_mass=True).error,
        "log_loss_calibrated": calibrated["log_loss"],
        "brier_calibrated": calibrated["brier"],
        "ece_calibrated": after.error,
    }


def judge_values(prediction: Array, y: Array, *, weights: Array | None = None) -> dict[str, float]:
    """Return every metric of real numbers.

    R² is NaN for a constant target, and the Poisson deviance where a target is below 0 or a prediction not above.

    Args:
        prediction: Predictions in the units of the target, `(n_samples,)`.
        y: Targets `(n_samples,)`.
        weights: How much each example counts, `(n_samples,)`; None for 1 each.
    """
    from sklearn import metrics as of_sklearn

    if not np.all(np.abs(prediction) < BOUND):
        return dict.fromkeys(REGRESSION_METRICS, math.nan)
    measures = {
        "rmse": of_sklearn.root_mean_squared_error,
        "mae": of_sklearn.mean_absolute_error,
        "median_absolute_error": of_sklearn.median_absolute_error,
    }
    if np.ptp(y) > 0:
        measures["r2"] = of_sklearn.r2_score
    if np.min(y) >= 0 and np.min(prediction) > 0:
        measures["poisson_deviance"] = of_sklearn.mean_poisson_deviance
    values = {name: float(measure(y, prediction, sample_weight=weights)) for name, measure in measures.items()}
    for percent in (10, 50, 90):
        values[f"pinball_{percent}"] = float(
            of_sklearn.mean_pinball_loss(y, prediction, alpha=percent / 100, sample_weight=weights)
        )
    return {name: values.get(name, math.nan) for name in REGRESSION_METRICS}


def class_probabilities(raw: Array, link_name: LinkName) -> Array:
    """Return the class probabilities that a link reads from raw predictions, `(n_samples, n_classes)`.

    Args:
        raw: `(n_outputs, n_samples)`; one output is for the second class.
        link_name: The link.
    """
    read = LINKS[link_name].probabilities(np.asarray(raw, dtype=np.float64)[:, None])[:, 0].T
    return np.hstack([1 - read, read]) if read.shape[1] == 1 else read


def _class_panel(
    raw: Array, labels: Array, link_name: LinkName, target: Target, weights: Array | None
) -> dict[str, float]:
    encoded = encode(labels, target, len(raw), np.float64)[:, None]
    values = metrics.per_example(raw[:, None].copy(), encoded, link_name, target)
    means = [float(np.average(of_example[0], weights=weights)) for of_example in values]
    return dict(zip(metrics.CLASS_METRICS, means, strict=True))


def _link_of(scores: Array) -> LinkName:
    return "logistic" if len(scores) == 1 else "softmax"


def _area_under_roc(scores: Array, labels: Array, weights: Array | None) -> float:
    """Return the mean over the classes of the area under the ROC curve; NaN where there is one class only."""
    present = np.unique(labels)
    if len(present) < 2:
        return math.nan
    # By the log of the probability, in which sure predictions do not tie.
    areas = [
        metrics.roc_auc(-calibration.surprisal(scores, np.full(len(labels), label)), labels == label, weights)
        for label in present
    ]
    return float(np.mean(areas))
