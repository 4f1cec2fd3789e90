"""Mean squared error."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np

from lossexp.components import Array
from lossexp.links import LINKS, LinkName
from lossexp.losses.base import CLASSES, REGRESSION, Loss, require_same_outputs
from lossexp.targets import Target


@dataclass(frozen=True, kw_only=True)
class MSE(Loss):
    """Squared error: sum over outputs of (prediction - target)^2. No factor ½.

    Target: real numbers, or class labels as 0/1 and one-hot. Link: identity for real numbers; for classes the
    probabilities (logistic for two, softmax for many), which makes it the Brier score; `link=identity` gives squared
    error on the raw outputs. Estimates the mean. Convex in the raw prediction with the identity link only.
    Other names: L2 loss, quadratic loss, Brier score.

    Source: Gauss (1809); on probabilities Brier (1950).
    """

    link: Literal["auto", "identity", "logistic", "softmax"] = "auto"

    accepts = REGRESSION | CLASSES
    convex = False

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
        """Return sum((link.inverse(raw) - target)^2)."""
        require_same_outputs(raw, target)
        error = LINKS[self._link_name].inverse(raw) - target
        return np.add.reduce(np.square(error, out=error), axis=0)

    def gradient(self, raw: Array, target: Array, out: Array) -> None:
        """Write 2 (prediction - target) · d prediction / d raw."""
        link = LINKS[self._link_name]
        prediction = link.inverse(raw)
        np.subtract(prediction, target, out=out)
        np.multiply(out, 2, out=out)
        link.pull_back(prediction, out)

    @property
    def _link_name(self) -> LinkName:
        return "identity" if self.link == "auto" else self.link
