"""Metrics: the same panel for every loss, so that runs with different losses can be compared.

Classes: accuracy, log loss and Brier score of the class probabilities. Real numbers: RMSE, MAE and R². A panel is
computed in blocks of samples: `class_sums` and `error_sums` return sums over a block, `panel` turns them into metrics.
"""

from __future__ import annotations

import numpy as np

from lossexp import numerics
from lossexp.components import Array
from lossexp.links import LINKS, LinkName
from lossexp.targets import Target, Task

CLASS_METRICS = ("accuracy", "log_loss", "brier")
REGRESSION_METRICS = ("rmse", "mae", "r2")
HIGHER_IS_BETTER = frozenset({"accuracy", "r2", "auc"})


def names(target: Target) -> tuple[str, ...]:
    """Return the names of the metrics of the panel."""
    return CLASS_METRICS if target.task.is_classes else REGRESSION_METRICS


def sums(raw: Array, encoded: Array, link_name: LinkName, target: Target) -> Array:
    """Return the sums over the samples that the panel is made of, `(3, n_runs)` in float64.

    Args:
        raw: Raw predictions `(n_outputs, n_runs, n_samples)`; overwritten.
        encoded: Targets of the same shape, or with a run axis of length 1.
        link_name: How the raw predictions are read.
        target: What is predicted.
    """
    if not target.task.is_classes:
        per_example = _error(raw, encoded, link_name)
    elif len(raw) == 1:
        per_example = _two_classes(raw, encoded, link_name)
    elif link_name == "softmax":
        per_example = _softmax_classes(raw, encoded)
    else:
        per_example = _any_classes(raw, encoded, link_name)
    if target.task is Task.BINARY and len(raw) == 2:
        # Over both classes the squared error of a probability counts twice.
        per_example[2][...] /= 2
    return np.stack([np.add.reduce(values, axis=-1, dtype=np.float64) for values in per_example])


def panel(total: Array, n_samples: int, target: Target, variance: Array) -> dict[str, Array]:
    """Turn sums into metrics, each `(n_runs,)`.

    Args:
        total: Sums `(3, n_runs)` over all samples, as from `sums`.
        n_samples: Number of samples.
        target: What is predicted.
        variance: Variance of the targets each run is measured on `(n_runs,)`; used for R² only.
    """
    mean = total / n_samples
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


def roc_auc(score: Array, is_positive: Array) -> float:
    """Return the area under the ROC curve: how often a positive scores above a negative, ties counted half.

    NaN where there is only one class.

    Args:
        score: Scores `(n_samples,)`.
        is_positive: Booleans `(n_samples,)`.

    Source: Mann and Whitney (1947); Hanley and McNeil (1982).
    """
    positive, negative = score[is_positive], np.sort(score[~is_positive])
    if not len(positive) or not len(negative):
        return float("nan")
    below = np.searchsorted(negative, positive, side="left") + np.searchsorted(negative, positive, side="right")
    return float(below.sum() / (2 * len(positive) * len(negative)))
