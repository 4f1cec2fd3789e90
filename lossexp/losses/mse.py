"""Mean squared error."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np

from lossexp.components import Array, Scalar
from lossexp.links import LINKS, LinkName
from lossexp.losses.base import CLASSES, REGRESSION, Loss, summed
from lossexp.targets import Target


@dataclass(frozen=True, kw_only=True)
class MSE(Loss):
    """Squared error, summed over the outputs. No factor ½.

    Target: real numbers, or class labels as 0/1 and one-hot. With the identity link, on the raw outputs, it is convex
    and estimates the mean; on probabilities it is the Brier score, which is not convex in the raw outputs.

    Attributes:
        link: auto takes the identity for real numbers and the probabilities for classes: logistic for two, softmax for
            many.
    """

    link: Literal["auto", "identity", "logistic", "softmax"] = "auto"

    accepts = REGRESSION | CLASSES
    formula = "(link.inverse(raw) - target)²"
    estimates = "the mean, or the probability"
    judged_by = ("rmse", "r2", "brier")
    source = "Legendre (1805), Gauss (1809)"
    other_names = (
        "l2",
        "l2_loss",
        "MSELoss",
        "mean_squared_error",
        "squared_error",
        "square",
        "squared",
        "quadratic",
        "least_squares",
        "ols",
        "reg:squarederror",
        "regression",
        "regression_l2",
        "rmse",
        "sum_of_squares",
        "sse",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "convex", self._settled == "identity")

    def link_name(self, target: Target) -> LinkName:
        """Return the chosen link, or the natural one of the target."""
        return super().link_name(target) if self.link == "auto" else self.link

    def on(self, target: Target) -> MSE:
        """Settle the link."""
        return dataclasses.replace(self, link=cast(Any, self.link_name(target)))

    def as_metric(self, target: Target) -> str | None:
        """Return the Brier score, on the natural probabilities of class labels."""
        natural = target.task.is_classes and self.link_name(target) == super().link_name(target)
        return "brier" if natural else None

    def value(self, raw: Array, target: Array) -> Array:
        """Return sum((link.inverse(raw) - target)²)."""
        return squared_error(raw, target, self._settled)

    def gradient(self, raw: Array, target: Array, out: Array) -> None:
        """Write 2 (prediction - target) · d prediction / d raw."""
        write_gradient(raw, target, self._settled, 2.0, out)

    def weighted_gradient(self, raw: Array, target: Array, weight: Scalar, out: Array) -> None:
        """Write the same times weight, merged into the factor 2."""
        write_gradient(raw, target, self._settled, 2 * weight, out)

    @property
    def _settled(self) -> LinkName:
        return "identity" if self.link == "auto" else self.link


def squared_error(raw: Array, target: Array, link_name: LinkName) -> Array:
    """Return the sum over the outputs of (prediction - target)²."""
    error, _ = LINKS[link_name].error(raw, target)
    if link_name == "softmax":
        # The errors of all classes add up to 0, and so the others know that of a sure right answer better than 1 - p.
        error -= np.rint(target) * np.add.reduce(error, axis=0)
    return summed(np.square(error, out=error))


def write_gradient(raw: Array, target: Array, link_name: LinkName, factor: Scalar, out: Array) -> None:
    """Write factor (prediction - target) · d prediction / d raw into `out`, which may be `raw`."""
    error, pull_back = LINKS[link_name].error(raw, target, out)
    np.multiply(error, factor, out=error)
    pull_back(error)
