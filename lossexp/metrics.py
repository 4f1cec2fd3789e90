"""Metrics: the same panel for every loss, so that runs with different losses can be compared.

Classes: accuracy, log loss and Brier score of the class probabilities. Real numbers: RMSE, MAE and R². A panel is
computed in blocks of samples: `per_example` returns what is summed over the samples of a block, `panel` turns the sums
into metrics.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lossexp import numerics
from lossexp.components import Array
from lossexp.links import LINKS, LinkName
from lossexp.targets import Target, Task

CLASS_METRICS = ("accuracy", "log_loss", "brier")
REGRESSION_METRICS = ("rmse", "mae", "r2")
HIGHER_IS_BETTER = frozenset({"accuracy", "balanced_accuracy", "macro_f1", "r2", "auc"})
AT_MOST_1 = HIGHER_IS_BETTER | {"ece", "adaptive_ece", "ece_calibrated"}


def bounds(name: str) -> tuple[float, float]:
    """Return the least and the largest value that a metric can have; infinite where there is none."""
    return -math.inf if name == "r2" else 0.0, 1.0 if name in AT_MOST_1 else math.inf


def names(target: Target) -> tuple[str, ...]:
    """Return the names of the metrics of the panel."""
    return CLASS_METRICS if target.task.is_classes else REGRESSION_METRICS


def per_example(raw: Array, encoded: Array, link_name: LinkName, target: Target) -> tuple[Array, ...]:
    """Return what the panel is made of for each example, three arrays `(n_runs, n_samples)`.

    Classes: whether it is right (shared where scores tie), log loss and Brier score. Numbers: squared and absolute
    error, and zeros.

    Args:
        raw: Raw predictions `(n_outputs, n_runs, n_samples)`; overwritten.
        encoded: Targets of the same shape, or with a run axis of length 1.
        link_name: How the raw predictions are read.
        target: What is predicted.
    """
    if not target.task.is_classes:
        return _error(raw, encoded, link_name)
    if len(raw) == 1:
        return _two_classes(raw, encoded, link_name)
    values = _softmax_classes(raw, encoded) if link_name == "softmax" else _any_classes(raw, encoded, link_name)
    if target.task is Task.BINARY:
        # Over both classes the squared error of a probability counts twice.
        values[2][...] /= 2
    return values


def total(values: Array, weight: Array | None = None) -> Array:
    """Return the sum over the samples in float64, `(n_runs,)`, each sample times its weight where there is one."""
    return np.add.reduce(values if weight is None else values * weight, axis=-1, dtype=np.float64)


def task_error(values: Sequence[Array], target: Target) -> Array:
    """Return how wrong each example is, from `per_example`: 0 or 1 for classes, the squared error for numbers."""
    return 1 - values[0] if target.task.is_classes else values[0]


def panel(mean: Array, target: Target, variance: Array) -> dict[str, Array]:
    """Turn means into metrics, each `(n_runs,)`.

    Args:
        mean: Means `(3, n_runs)` over all samples of what `per_example` returns.
        target: What is predicted.
        variance: Variance of the targets each run is measured on `(n_runs,)`; used for R² only.
    """
    if target.task.is_classes:
        return dict(zip(CLASS_METRICS, mean, strict=True))
    squared, absolute, _ = mean
    explained = 1 - np.divide(squared, variance, out=np.full_like(squared, np.nan), where=variance > 0)
    return {"rmse": np.sqrt(squared), "mae": absolute, "r2": explained}


def _error(raw: Array, encoded: Array, link_name: LinkName) -> tuple[Array, ...]:
    error = LINKS[link_name].inverse(raw) - encoded
    squared, absolute = np.add.reduce(np.square(error), axis=0), np.add.reduce(np.abs(error), axis=0)
    return squared, absolute, np.zeros_like(squared)


def _two_classes(raw: Array, encoded: Array, link_name: LinkName) -> tuple[Array, ...]:
    """One output: the probability of the second class. An undecided example counts as half right."""
    is_second = encoded[0] == 1
    if link_name == "logistic":
        score, threshold = raw[0], 0.0
        log_loss = np.maximum(score, 0) - score * encoded[0] + np.log1p(np.exp(-np.abs(score)))
        probability = LINKS[link_name].probabilities(raw)[0]
    else:
        probability = score = LINKS[link_name].probabilities(raw)[0]
        threshold = 0.5
        log_loss = -_log(np.where(is_second, probability, 1 - probability))
    correct = np.where(score == threshold, 0.5, (score > threshold) == is_second)
    return correct, log_loss, np.square(probability - encoded[0])


def _softmax_classes(raw: Array, encoded: Array) -> tuple[Array, ...]:
    """Compare the true class with the wrong ones together, from one exponential of each score.

    With w the sum of exp(wrong score - largest wrong score) and m the largest wrong score minus the true one, the odds
    against the true class are w exp(m). Probabilities near 0 and near 1 come out of that without cancellation.
    """
    true = np.add.reduce(raw * encoded, axis=0)
    np.add(raw, encoded * numerics.FAR_BELOW, out=raw)
    largest_wrong = np.maximum.reduce(raw, axis=0)
    np.subtract(raw, largest_wrong, out=raw)
    margin = largest_wrong - true
    correct = np.asarray(margin < 0, dtype=raw.dtype)
    if (tied := margin == 0).any():
        # Classes that share the largest score share the point: a model that has not started is not perfect.
        correct[tied] = 1 / (1 + np.count_nonzero(raw[:, tied] == 0, axis=0))
    np.exp(raw, out=raw)
    wrong = np.add.reduce(raw, axis=0)
    odds = wrong * np.exp(np.minimum(margin, numerics.SAFE_EXPONENT))
    log_loss = numerics.log1p(odds) + np.maximum(margin - numerics.SAFE_EXPONENT, 0)
    probability_wrong = odds / (1 + odds)
    spread = np.add.reduce(np.square(raw, out=raw), axis=0) / np.square(wrong)
    return correct, log_loss, np.square(probability_wrong) * (1 + spread)


def _any_classes(raw: Array, encoded: Array, link_name: LinkName) -> tuple[Array, ...]:
    probabilities = LINKS[link_name].probabilities(raw)
    log_loss = -_log(np.add.reduce(probabilities * encoded, axis=0))
    brier = np.add.reduce(np.square(probabilities - encoded), axis=0)
    is_largest = raw == np.maximum.reduce(raw, axis=0)
    correct = np.add.reduce(is_largest * encoded, axis=0) / np.maximum(np.count_nonzero(is_largest, axis=0), 1)
    return correct, log_loss, brier


def _log(probability: Array) -> Array:
    """Return the log of a probability, at least that of the smallest step from 1 of a double (36 nats)."""
    return np.log(np.maximum(probability, np.finfo(np.float64).eps))


def roc_auc(score: Array, is_positive: Array, weight: Array | None = None) -> float:
    """Return the area under the ROC curve: how often a positive scores above a negative, ties counted half.

    NaN where there is only one class.

    Args:
        score: Scores `(n_samples,)`.
        is_positive: Booleans `(n_samples,)`.
        weight: How much each sample counts `(n_samples,)`; all alike without it.

    Source: Mann and Whitney (1947); Hanley and McNeil (1982).
    """
    weight = np.ones(len(score)) if weight is None else weight
    order = np.argsort(score[~is_positive], kind="stable")
    negative = score[~is_positive][order]
    weight_below = np.concatenate([[0.0], np.cumsum(weight[~is_positive][order], dtype=np.float64)])
    positive, positive_weight = score[is_positive], weight[is_positive].astype(np.float64)
    pairs = positive_weight.sum() * weight_below[-1]
    if not pairs > 0:
        return float("nan")
    below = sum(weight_below[np.searchsorted(negative, positive, side=side)] for side in ("left", "right"))
    return float((positive_weight * below).sum() / (2 * pairs))
