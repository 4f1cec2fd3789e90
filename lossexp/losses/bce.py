"""Binary cross-entropy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp import numerics
from lossexp.components import Array
from lossexp.links import LinkName
from lossexp.losses.base import CLASSES, Loss, require_same_outputs
from lossexp.targets import Target, Task


@dataclass(frozen=True, kw_only=True)
class BCE(Loss):
    """Binary cross-entropy on logits: sum over outputs of softplus(raw) - raw · target.

    With p = 1 / (1 + exp(-raw)) that is -target · log p - (1 - target) · log(1 - p), written so that no probability
    is ever rounded to 0 or 1.

    Target: 0 or 1, or a probability. Link: logistic; many classes are one-vs-rest, one sigmoid per class. Estimates
    the probability of the class; convex. Other names: log loss, logistic loss, negative Bernoulli log-likelihood.

    Source: Cox (1958).
    """

    accepts = CLASSES
    convex = True

    def link_name(self, target: Target) -> LinkName:
        """Return logistic, for two classes and for many."""
        return "logistic"

    def as_metric(self, target: Target) -> str | None:
        """Return the log loss, for two classes."""
        return "log_loss" if target.task is Task.BINARY else None

    def value(self, raw: Array, target: Array) -> Array:
        """Return max(raw, 0) - raw · target + log1p(exp(-|raw|)), summed over the outputs."""
        require_same_outputs(raw, target)
        # The two large terms are subtracted first: for the right class they cancel exactly and leave the small tail.
        linear = np.maximum(raw, 0) - raw * target
        return np.add.reduce(linear + np.log1p(np.exp(-np.abs(raw))), axis=0)

    def gradient(self, raw: Array, target: Array, out: Array) -> None:
        """Write sigmoid(raw) - target."""
        numerics.sigmoid(raw, out)
        np.subtract(out, target, out=out)
