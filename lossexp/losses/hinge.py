"""Hinge loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.components import Array
from lossexp.losses.margin import MarginLoss


@dataclass(frozen=True, kw_only=True)
class Hinge(MarginLoss):
    """Costs nothing from margin 1 on, so only the examples near the border shape it. The loss of linear SVMs."""

    convex = True
    formula = "max(0, 1 - m), m = ±raw"
    estimates = "the more probable class, no probability"
    source = "Cortes and Vapnik (1995)"
    other_names = ("svm", "hinge_loss", "binary:hinge")

    def penalty(self, margin: Array) -> Array:
        """Return what the margin lacks to 1."""
        return np.maximum(1 - margin, 0)

    def slope(self, margin: Array) -> None:
        """Write -1 below 1 and 0 from there on."""
        np.less(margin, 1, out=margin)
        np.negative(margin, out=margin)
