"""Modified Huber loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.components import Array
from lossexp.losses.huber import quadratic_then_linear
from lossexp.losses.margin import MarginLoss


@dataclass(frozen=True, kw_only=True)
class ModifiedHuber(MarginLoss):
    """The squared hinge loss down to margin -1, linear beyond: calm about wrong labels."""

    convex = True
    formula = "max(0, 1 - m)² if m >= -1 else -4m, m = ±raw"
    estimates = "2p - 1, with p the probability"
    source = "Zhang (2004)"
    other_names = ("modified_huber_loss", "huberized_hinge")

    def penalty(self, margin: Array) -> Array:
        """Return twice the Huber loss, with delta 2, of what the margin lacks to 1."""
        return 2 * quadratic_then_linear(np.maximum(1 - margin, 0), 2)

    def slope(self, margin: Array) -> None:
        """Write 2 (m - 1), between -4 and 0."""
        np.clip(margin, -1, 1, out=margin)
        np.subtract(margin, 1, out=margin)
        np.multiply(margin, 2, out=margin)
