"""Crammer-Singer loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp import numerics
from lossexp.components import Array, Scalar
from lossexp.links import LinkName
from lossexp.losses.classes import ClassLoss
from lossexp.targets import Target


@dataclass(frozen=True, kw_only=True)
class CrammerSinger(ClassLoss):
    """The hinge loss of many classes: the true score should exceed the best wrong one by 1. Target: one-hot.

    Unchanged when a constant is added to all scores of an example. The scores are not log odds: the metrics read them
    through a softmax all the same, so log loss and Brier score are those of uncalibrated probabilities.
    """

    convex = True
    formula = "max(0, 1 + largest wrong raw - true raw)"
    estimates = "the class that has more than half of the probability"
    source = "Crammer and Singer (2001)"
    other_names = ("multiclass_hinge", "categorical_hinge", "CategoricalHinge", "multi_hinge")

    def link_name(self, target: Target) -> LinkName:
        """Return softmax, for two classes as well."""
        return "softmax"

    def unweighted(self, raw: Array, target: Array) -> Array:
        """Return what the true score lacks to be 1 above all others."""
        true, wrong = _true_and_wrong(raw, target)
        return np.maximum(1 + (np.maximum.reduce(wrong, axis=0) - true), 0)

    def write_gradient(self, raw: Array, target: Array, weight: Scalar, out: Array) -> None:
        """Write weight · (share of each largest wrong score - target) where the margin is below 1, else 0."""
        true, wrong = _true_and_wrong(raw, target)
        largest = np.maximum.reduce(wrong, axis=0)
        np.equal(wrong, largest, out=out)
        np.divide(out, np.add.reduce(out, axis=0), out=out)
        np.subtract(out, target, out=out)
        np.multiply(out, (largest - true > -1) * weight, out=out)


def _true_and_wrong(raw: Array, target: Array) -> tuple[Array, Array]:
    """Return the score of the true class, and all scores with one far below all others in its place."""
    return np.einsum("ckn,ckn->kn", raw, target), raw + target * numerics.FAR_BELOW
