"""Symmetric cross-entropy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from lossexp.components import Array, Interval, NonNegative, Scalar
from lossexp.links import LinkName
from lossexp.losses.surprisal import SurprisalLoss
from lossexp.targets import Target


@dataclass(frozen=True, kw_only=True)
class SCE(SurprisalLoss):
    """Cross-entropy of target and prediction plus that of prediction and target, for labels that may be wrong.

    The second part takes `log_zero` for log(0) and is then proportional to 1 - p.

    Attributes:
        alpha: Weight of the cross-entropy.
        beta: Weight of the reverse cross-entropy.
        log_zero: What stands for log(0).
    """

    alpha: NonNegative = 0.1
    beta: NonNegative = 1.0
    log_zero: Annotated[Scalar, Interval(high=0)] = -4.0

    formula = "-alpha log(p) - beta log_zero (1 - p), p of the true class"
    estimates = "the probabilities, sharpened"
    source = "Wang et al. (2019)"
    other_names = ("symmetric_cross_entropy", "symmetric_crossentropy", "reverse_cross_entropy", "rce")

    def link_name(self, target: Target) -> LinkName:
        """Return softmax, for two classes as well."""
        return "softmax"

    def of(self, c: Array) -> Array:
        """Return alpha c - beta log_zero (1 - p)."""
        return self.alpha * c + self.beta * self.log_zero * np.expm1(-c)

    def slope(self, c: Array) -> Array:
        """Return alpha - beta log_zero p."""
        return self.alpha - self.beta * self.log_zero * np.exp(-c)
