"""Calibration: whether a model that says 80 % is right in 80 % of the cases, and how to mend it afterwards."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lossexp import numerics
from lossexp.components import Array
from lossexp.links import LinkName

N_BINS = 15
"""Number of bins of the calibration errors. Source: Guo, Pleiss, Sun and Weinberger (2017)."""


@dataclass(frozen=True)
class Reliability:
    """How often a model is right, by how sure it is: what a reliability diagram shows.

    Attributes:
        confidence: Mean probability of the predicted class in each bin, `(n_bins,)`; NaN where a bin is empty.
        accuracy: Share that is right, `(n_bins,)`; NaN where a bin is empty.
        weight: Number of examples in each bin, or the sum of their weights, `(n_bins,)`.
    """

    confidence: Array
    accuracy: Array
    weight: Array

    @property
    def error(self) -> float:
        """The expected calibration error: |accuracy - confidence|, averaged over the examples."""
        filled = self.weight > 0
        gap = np.abs(self.accuracy[filled] - self.confidence[filled])
        return float(np.average(gap, weights=self.weight[filled])) if filled.any() else math.nan


def reliability(
    probabilities: Array,
    labels: Array,
    weights: Array | None = None,
    *,
    n_bins: int = N_BINS,
    equal_mass: bool = False,
) -> Reliability:
    """Sort examples into bins by the probability of the class that is predicted.

    Args:
        probabilities: `(n_samples, n_classes)`, each row sums to 1.
        labels: True classes `(n_samples,)`, 0..n_classes-1.
        weights: How much each example counts, `(n_samples,)`; None for 1 each.
        n_bins: Number of bins.
        equal_mass: Whether each bin has the same number of examples, for the adaptive error, or the same width.

    Source: Guo et al. (2017); Nguyen and O'Connor (2015) for bins of equal mass.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    weights = np.ones(len(labels)) if weights is None else weights
    if equal_mass:
        order = np.argsort(confidence, kind="stable")
        ahead = np.cumsum(weights[order]) - weights[order] / 2
        bins = np.empty(len(labels), dtype=np.intp)
        bins[order] = np.minimum(n_bins * ahead / weights.sum(), n_bins - 1)
    else:
        # A probability on an edge is in the bin below it.
        bins = np.clip(np.ceil(n_bins * confidence).astype(np.intp) - 1, 0, n_bins - 1)
    total = np.bincount(bins, weights, n_bins)

    def mean(values: Array) -> Array:
        of_bin = np.bincount(bins, weights * values, n_bins)
        return np.divide(of_bin, total, out=np.full(n_bins, np.nan), where=total > 0)

    return Reliability(mean(confidence), mean(correct), total)


def scores(raw: Array, link_name: LinkName) -> Array:
    """Return raw predictions as scores of which a temperature can make probabilities, `(n_outputs, n_samples)`.

    A sigmoid of one score, or a softmax of many: at temperature 1 these are the probabilities that the link gives, and
    for the identity, which gives none, scores that put the same classes first.

    Args:
        raw: Raw predictions of class labels, `(n_outputs, n_samples)`.
        link_name: How they are read.
    """
    raw = np.asarray(raw, dtype=np.float64)
    if link_name == "identity":
        return raw - 0.5 if len(raw) == 1 else raw
    # One sigmoid for each of many classes, scaled to sum to 1, is a softmax of their logs.
    return -numerics.softplus(-raw) if link_name == "logistic" and len(raw) > 1 else raw


def probabilities(scores: Array, temperature: float = 1.0) -> Array:
    """Return the class probabilities of scores at a temperature, `(n_samples, n_classes)`."""
    scaled = np.asarray(scores, dtype=np.float64) / temperature
    if len(scaled) == 1:
        return np.stack([numerics.sigmoid(-scaled[0]), numerics.sigmoid(scaled[0])], axis=1)
    return numerics.softmax(scaled, np.empty_like(scaled)).T


def fit_temperature(scores: Array, labels: Array, weights: Array | None = None) -> float:
    """Return the temperature at which the log loss of scores is least: above 1 for a model that is too sure.

    It leaves the predicted classes as they are. Fitted on the validation split, it takes the mere scale out of a
    comparison of log losses, and gives probabilities to losses that have none.

    One more example that may be of any class counts as well. Scores that happen to separate the classes of a split
    would else be best at temperature 0, which makes a single mistake on other examples infinitely bad.

    Args:
        scores: As from `scores`, `(n_outputs, n_samples)`.
        labels: True classes `(n_samples,)`.
        weights: How much each example counts, `(n_samples,)`; None for 1 each.

    Source: Guo, Pleiss, Sun and Weinberger (2017); Platt (1999) for targets that are never quite sure.
    """
    from scipy import optimize

    spread = float(np.mean(np.abs(scores - scores.mean(axis=0)) if len(scores) > 1 else np.abs(scores)))
    if not 0 < spread < math.inf:
        return 1.0

    # With all classes alike in place of the true one, the log loss is higher by the lead of that one.
    doubt = np.average(_lead(scores, labels), weights=weights) / (len(labels) + 1)

    def log_loss(log_temperature: float) -> float:
        temperature = math.exp(log_temperature)
        return float(np.average(surprisal(scores / temperature, labels), weights=weights) + doubt / temperature)

    # The loss is convex in 1 / temperature, so it has one valley in the log.
    reach = math.log(spread) + np.array([-7.0, 7.0])
    return math.exp(optimize.minimize_scalar(log_loss, bounds=tuple(reach), method="bounded").x)


def _lead(scores: Array, labels: Array) -> Array:
    """Return by how much the score of the true class is above the mean over the classes, `(n_samples,)`."""
    each = np.concatenate([-scores, scores]) / 2 if len(scores) == 1 else scores
    lead: Array = each[labels, np.arange(len(labels))] - each.mean(axis=0)
    return lead


def surprisal(scores: Array, labels: Array) -> Array:
    """Return -log of the probability of the true class of each example, `(n_samples,)`, without any clipping."""
    if len(scores) == 1:
        return numerics.softplus(np.where(labels == 1, -scores[0], scores[0]))
    is_true = np.arange(len(scores))[:, None, None] == labels
    return numerics.surprisal(scores[:, None], is_true.astype(np.float64))[0]
