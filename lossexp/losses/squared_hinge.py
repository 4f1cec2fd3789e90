"""Squared hinge loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.components import Array
from lossexp.losses.margin import MarginLoss


@dataclass(frozen=True, kw_only=True)
class SquaredHinge(MarginLoss):
    """The hinge loss squared: smooth, and harder on what is far on the wrong side."""

    convex = True
    formula = "max(0, 1 - m)², m = ±raw"
    estimates = "2p - 1, with p the probability"
    source = "Lee and Mangasarian (2001)"
    other_names = ("l2_svm", "l2_hinge", "SquaredHinge")

    def penalty(self, margin: Array) -> Array:
        """Return the square of what the margin lacks to 1."""
        return np.square(np.maximum(1 - margin, 0))

    def slope(self, margin: Array) -> None:
        """Write -2 max(0, 1 - m)."""
        np.minimum(margin, 1, out=margin)
        np.subtract(margin, 1, out=margin)
        np.multiply(margin, 2, out=margin)
