"""Kullback-Leibler divergence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.components import Array, Scalar
from lossexp.links import LinkName
from lossexp.losses.cce import CCE
from lossexp.losses.classes import ClassLoss
from lossexp.targets import Target

_CROSS_ENTROPY = CCE()


@dataclass(frozen=True, kw_only=True)
class KL(ClassLoss):
    """Kullback-Leibler divergence of the prediction from a target distribution: for targets that are probabilities.

    It is the cross-entropy less the entropy of the target, so a perfect prediction costs 0. On class labels, whose
    entropy is 0, it equals loss=cce; the gradient is the same everywhere.
    """

    convex = True
    formula = "sum of target · (log(target) - log softmax(raw))"
    estimates = "the probabilities"
    judged_by = ("log_loss",)
    source = "Kullback and Leibler (1951)"
    other_names = (
        "kl_divergence",
        "KLDivergence",
        "KLDivLoss",
        "kld",
        "kl_div",
        "kullback_leibler",
        "relative_entropy",
    )

    def link_name(self, target: Target) -> LinkName:
        """Return softmax, for two classes as well."""
        return "softmax"

    def as_metric(self, target: Target) -> str | None:
        """Return the log loss, where all classes count the same: the targets of a dataset are labels."""
        return _CROSS_ENTROPY.as_metric(target) if self.class_weight is None else None

    def unweighted(self, raw: Array, target: Array) -> Array:
        """Return the cross-entropy less the entropy of the target; rounding must not leave it below 0."""
        negative_entropy = np.add.reduce(target * np.log(np.where(target > 0, target, 1)), axis=0)
        return np.maximum(_CROSS_ENTROPY.unweighted(raw, target) + negative_entropy, 0)

    def write_gradient(self, raw: Array, target: Array, weight: Scalar, out: Array) -> None:
        """Write weight · (softmax(raw) - target)."""
        _CROSS_ENTROPY.write_gradient(raw, target, weight, out)
