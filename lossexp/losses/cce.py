"""Categorical cross-entropy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp import numerics
from lossexp.components import Array, Scalar
from lossexp.links import LinkName
from lossexp.losses.base import CLASSES, Loss, require_same_outputs
from lossexp.targets import Target


@dataclass(frozen=True, kw_only=True)
class CCE(Loss):
    """Categorical cross-entropy on raw scores: -sum over classes of target · log softmax(raw).

    Target: one-hot classes, or probabilities that sum to 1. Link: softmax, two classes included. Estimates the
    probabilities of the classes; convex. Unchanged when a constant is added to all scores of an example.
    Other names: softmax loss, multinomial logistic loss, negative log-likelihood.

    Source: Cox (1966); as softmax Bridle (1990).
    """

    accepts = CLASSES
    convex = True

    def link_name(self, target: Target) -> LinkName:
        """Return softmax, for two classes as well."""
        return "softmax"

    def as_metric(self, target: Target) -> str | None:
        """Return the log loss."""
        return "log_loss"

    def value(self, raw: Array, target: Array) -> Array:
        """Return sum(target · (log_sum_exp(raw) - raw))."""
        require_same_outputs(raw, target)
        log_sum, largest = numerics.log_sum_exp(raw)
        return np.add.reduce(target * (log_sum + (largest - raw)), axis=0)

    def gradient(self, raw: Array, target: Array, out: Array) -> None:
        """Write softmax(raw) - target."""
        numerics.softmax(raw, out)
        np.subtract(out, target, out=out)

    def weighted_gradient(self, raw: Array, target: Array, weight: Scalar, out: Array) -> None:
        """Write weight · (softmax(raw) - target), the weight merged into the division by the sum."""
        total = numerics.exponentials(raw, out)
        np.multiply(out, np.divide(weight, total, out=total), out=out)
        np.subtract(out, np.multiply(target, weight), out=out)
