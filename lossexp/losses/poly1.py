"""Poly-1 loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from lossexp.components import Array, Interval, Scalar
from lossexp.links import LinkName
from lossexp.losses.surprisal import SurprisalLoss
from lossexp.targets import Target


@dataclass(frozen=True, kw_only=True)
class Poly1(SurprisalLoss):
    """Cross-entropy with another weight for the first term of its series in 1 - p.

    Attributes:
        epsilon: Added to that weight, which is 1; 0 is cross-entropy, -1 leaves the term out.
    """

    epsilon: Annotated[Scalar, Interval(-1)] = 2.0

    formula = "-log(p) + epsilon (1 - p), p of the true class"
    estimates = "the probabilities, sharpened for epsilon > 0"
    source = "Leng et al. (2022)"
    other_names = ("poly", "poly_loss", "poly1_cross_entropy", "poly_loss_cross_entropy")

    def link_name(self, target: Target) -> LinkName:
        """Return softmax, for two classes as well."""
        return "softmax"

    def of(self, c: Array) -> Array:
        """Return c + epsilon (1 - p)."""
        return c - self.epsilon * np.expm1(-c)

    def slope(self, c: Array) -> Array:
        """Return 1 + epsilon p."""
        return 1 + self.epsilon * np.exp(-c)
