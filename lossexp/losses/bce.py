"""Binary cross-entropy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp import numerics
from lossexp.components import Array, Positive, ProperFraction, Scalar
from lossexp.links import LinkName
from lossexp.losses.base import is_always, summed
from lossexp.losses.classes import ClassLoss
from lossexp.targets import Target, Task


@dataclass(frozen=True, kw_only=True)
class BCE(ClassLoss):
    """Binary cross-entropy on logits, written so that no probability is ever rounded to 0 or 1.

    It is -target · log p - (1 - target) · log(1 - p) with p = 1 / (1 + exp(-raw)). Many classes are one-vs-rest, one
    sigmoid per class.

    Attributes:
        pos_weight: Multiplies the part of the positives: above 1 for more recall, below 1 for more precision.
        label_smoothing: Targets 0 and 1 become label_smoothing/2 and 1 - label_smoothing/2.
    """

    pos_weight: Positive = 1.0
    label_smoothing: ProperFraction = 0.0

    convex = True
    formula = "log(1 + exp(raw)) - target · raw"
    estimates = "the probability"
    judged_by = ("log_loss",)
    source = "Cox (1958)"
    other_names = (
        "binary_crossentropy",
        "binary_cross_entropy",
        "BCELoss",
        "bce_loss",
        "BCEWithLogitsLoss",
        "bce_with_logits",
        "binary_cross_entropy_with_logits",
        "sigmoid_binary_cross_entropy",
        "sigmoid_cross_entropy",
        "SoftMarginLoss",
        "log_loss",
        "logistic",
        "binomial",
        "HalfBinomialLoss",
        "binary:logistic",
        "binary:logitraw",
        "reg:logistic",
        "logistic_loss",
        "logistic_regression",
        "logit",
        "binomial_deviance",
        "binary",
        "weighted_bce",
        "MultiLabelSoftMarginLoss",
        "MultiClassOneVsAll",
        "multiclass_ova",
        "one_vs_rest",
    )

    def link_name(self, target: Target) -> LinkName:
        """Return logistic, for two classes and for many."""
        return "logistic"

    def as_metric(self, target: Target) -> str | None:
        """Return the log loss, for two classes that count the same."""
        plain = self.class_weight is None and is_always(self.pos_weight, 1) and is_always(self.label_smoothing, 0)
        return "log_loss" if plain and target.task is Task.BINARY else None

    def infimum(self, target: Target) -> float:
        """Return the entropy that smoothing leaves, of the class for which it is least."""
        smoothing, weight = float(self.label_smoothing), float(self.pos_weight)
        negative, positive = (_least(t, weight) for t in (smoothing / 2, 1 - smoothing / 2))
        others = 0 if target.task is Task.BINARY else target.n_classes - 1
        costs = [negative, positive] if target.task is Task.BINARY else [positive + others * negative] * (others + 1)
        return min(w * cost for w, cost in zip(self.weights or [1.0] * len(costs), costs, strict=True))

    def unweighted(self, raw: Array, target: Array) -> Array:
        """Return pos_weight · target · softplus(-raw) + (1 - target) · softplus(raw).

        Each softplus is max(±raw, 0) + log1p(exp(-|raw|)): only positive terms are added, so none cancels another.
        """
        target = self._smoothed(target)
        positive, negative = self.pos_weight * target, 1 - target
        tail = np.log1p(np.exp(-np.abs(raw)))
        linear = positive * np.maximum(-raw, 0) + negative * np.maximum(raw, 0)
        return summed(linear + (positive + negative) * tail)

    def write_gradient(self, raw: Array, target: Array, weight: Scalar, out: Array) -> None:
        """Write pos_weight · target · (sigmoid(raw) - 1) + (1 - target) · sigmoid(raw)."""
        target = self._smoothed(target)
        numerics.sigmoid(raw, out)
        if not is_always(self.pos_weight, 1):
            np.multiply(out, 1 + (self.pos_weight - 1) * target, out=out)
            target = self.pos_weight * target
        np.subtract(out, target, out=out)
        np.multiply(out, weight, out=out)

    def _smoothed(self, target: Array) -> Array:
        if is_always(self.label_smoothing, 0):
            return target
        return (1 - self.label_smoothing) * target + self.label_smoothing / 2


def _least(share: float, weight: float) -> float:
    """Return the least of weight · share · softplus(-z) + (1 - share) · softplus(z), which is an entropy."""
    positive, negative = weight * share, 1 - share
    total = positive + negative
    return -sum(part * float(np.log(part / total)) for part in (positive, negative) if part > 0)
