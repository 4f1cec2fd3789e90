"""Huber loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.components import Array, Positive, Scalar
from lossexp.losses.residual import ResidualLoss


@dataclass(frozen=True, kw_only=True)
class Huber(ResidualLoss):
    """Half the squared error up to `delta`, linear beyond: smooth at the optimum, calm about outliers.

    Attributes:
        delta: Where it turns linear, in units of the target. 1.345 standard deviations of the noise keep 95 % of the
            efficiency of least squares on normal noise.
    """

    delta: Positive = 1.0

    convex = True
    formula = "e²/2 if |e| <= delta else delta (|e| - delta/2), e = raw - target"
    estimates = "between the mean and the median"
    source = "Huber (1964)"
    other_names = ("huber_loss", "HuberLoss")

    def penalty(self, residual: Array) -> Array:
        """Return the quadratic up to delta and its tangent beyond."""
        return quadratic_then_linear(np.abs(residual), self.delta)

    def influence(self, residual: Array) -> None:
        """Write e, clipped to ±delta."""
        np.clip(residual, -self.delta, self.delta, out=residual)


def quadratic_then_linear(size: Array, delta: Scalar) -> Array:
    """Return size²/2 up to delta, and the tangent delta (size - delta/2) beyond, for sizes >= 0."""
    near = np.minimum(size, delta)
    return near * (size - near / 2)
