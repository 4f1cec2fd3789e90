"""Brier score."""

from __future__ import annotations

from dataclasses import dataclass

from lossexp.components import Array, Scalar
from lossexp.links import LinkName
from lossexp.losses.classes import ClassLoss
from lossexp.losses.mse import squared_error, write_gradient
from lossexp.targets import Target


@dataclass(frozen=True, kw_only=True)
class Brier(ClassLoss):
    """Squared error of the probabilities: loss=mse on class labels, under the name that people look for.

    Bounded, so wrong labels do less harm than with cross-entropy; but where a prediction is surely wrong its gradient
    fades, and training from there is slow.
    """

    formula = "sum of (p - target)², p = sigmoid(raw) or softmax(raw)"
    estimates = "the probability"
    judged_by = ("brier",)
    source = "Brier (1950)"
    other_names = ("brier_score", "brier_score_loss", "quadratic_score")

    def as_metric(self, target: Target) -> str | None:
        """Return the Brier score, where all classes count the same."""
        return "brier" if self.class_weight is None else None

    def unweighted(self, raw: Array, target: Array) -> Array:
        """Return the squared error of the probabilities."""
        return squared_error(raw, target, _link_of(raw))

    def write_gradient(self, raw: Array, target: Array, weight: Scalar, out: Array) -> None:
        """Write the gradient of the squared error through the link."""
        write_gradient(raw, target, _link_of(raw), 2 * weight, out)


def _link_of(raw: Array) -> LinkName:
    return "logistic" if len(raw) == 1 else "softmax"
