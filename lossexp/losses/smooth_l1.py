"""Smooth L1 loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.components import Array, Positive
from lossexp.losses.huber import quadratic_then_linear
from lossexp.losses.residual import ResidualLoss


@dataclass(frozen=True, kw_only=True)
class SmoothL1(ResidualLoss):
    """Huber loss divided by its threshold: the absolute error with its tip rounded off, slope ±1 for any `beta`.

    Attributes:
        beta: Where it turns linear, in units of the target.
    """

    beta: Positive = 1.0

    convex = True
    formula = "e²/(2 beta) if |e| <= beta else |e| - beta/2, e = raw - target"
    estimates = "between the mean and the median"
    source = "Girshick (2015)"
    other_names = ("smoothl1", "SmoothL1Loss", "smooth_mae")

    def penalty(self, residual: Array) -> Array:
        """Return the Huber loss over beta."""
        return quadratic_then_linear(np.abs(residual), self.beta) / self.beta

    def influence(self, residual: Array) -> None:
        """Write e / beta, clipped to ±1."""
        np.divide(residual, self.beta, out=residual)
        np.clip(residual, -1, 1, out=residual)
