"""Categorical cross-entropy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp import numerics
from lossexp.components import Array, ProperFraction, Scalar
from lossexp.links import LinkName
from lossexp.losses.base import is_always
from lossexp.losses.classes import ClassLoss
from lossexp.targets import Target


@dataclass(frozen=True, kw_only=True)
class CCE(ClassLoss):
    """Categorical cross-entropy on raw scores; two classes have two scores as well.

    Unchanged when a constant is added to all scores of an example.

    Attributes:
        label_smoothing: This share of the target is spread evenly over all classes: scores stay bounded.
    """

    label_smoothing: ProperFraction = 0.0

    convex = True
    formula = "-sum of target · log softmax(raw)"
    estimates = "the probabilities"
    judged_by = ("log_loss",)
    source = "Cox (1966), as softmax Bridle (1990)"
    other_names = (
        "crossentropy",
        "cross_entropy",
        "CrossEntropyLoss",
        "categorical_crossentropy",
        "categorical_cross_entropy",
        "sparse_categorical_crossentropy",
        "softmax_cross_entropy",
        "softmax_cross_entropy_with_integer_labels",
        "softmax",
        "ce",
        "xent",
        "nll",
        "NLLLoss",
        "multinomial",
        "HalfMultinomialLoss",
        "label_smoothing",
        "multi:softmax",
        "multi:softprob",
        "MultiClass",
        "multiclass_logistic_loss",
        "negative_log_likelihood",
        "LabelSmoothingCrossEntropy",
        "xentropy",
    )

    def link_name(self, target: Target) -> LinkName:
        """Return softmax, for two classes as well."""
        return "softmax"

    def as_metric(self, target: Target) -> str | None:
        """Return the log loss, where all classes count the same and nothing is smoothed."""
        return "log_loss" if self.class_weight is None and is_always(self.label_smoothing, 0) else None

    def infimum(self, target: Target) -> float:
        """Return the entropy of a smoothed target, of the class that counts least."""
        other = float(self.label_smoothing) / target.n_classes
        shares = [1 - (target.n_classes - 1) * other, *[other] * (target.n_classes - 1)]
        entropy = -sum(share * float(np.log(share)) for share in shares if share > 0)
        return min(self.weights or [1.0]) * entropy

    def unweighted(self, raw: Array, target: Array) -> Array:
        """Return sum(target · (log_sum_exp(raw) - raw)); what has no share counts 0, also where its score is -inf."""
        log_sum, largest = numerics.log_sum_exp(raw)
        share = np.broadcast_to(self._smoothed(target), raw.shape)
        surprisal = log_sum + (largest - raw)
        return np.add.reduce(np.multiply(share, surprisal, out=np.zeros_like(surprisal), where=share != 0), axis=0)

    def write_gradient(self, raw: Array, target: Array, weight: Scalar, out: Array) -> None:
        """Write weight · (softmax(raw) - target), the weight merged into the division by the sum."""
        total, _ = numerics.exponentials(raw, out)
        np.multiply(out, np.divide(weight, total, out=total), out=out)
        np.subtract(out, np.multiply(self._smoothed(target), weight), out=out)

    def _smoothed(self, target: Array) -> Array:
        if is_always(self.label_smoothing, 0):
            return target
        return (1 - self.label_smoothing) * target + self.label_smoothing / len(target)
