"""Epsilon-insensitive loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.components import Array, NonNegative
from lossexp.losses.residual import ResidualLoss


@dataclass(frozen=True, kw_only=True)
class EpsilonInsensitive(ResidualLoss):
    """Absolute error with a free zone: residuals up to `epsilon` cost nothing. The loss of support vector regression.

    Attributes:
        epsilon: Half the width of the free zone, in units of the target.
    """

    epsilon: NonNegative = 0.1

    convex = True
    formula = "max(0, |raw - target| - epsilon)"
    estimates = "the median, to within epsilon"
    judged_by = ("mae", "pinball_50")
    source = "Vapnik (1995)"
    other_names = ("svr", "support_vector_regression", "eps_insensitive", "l1_epsilon_insensitive")

    def penalty(self, residual: Array) -> Array:
        """Return what exceeds epsilon."""
        return np.maximum(np.abs(residual) - self.epsilon, 0)

    def influence(self, residual: Array) -> None:
        """Write sign(e) outside the free zone and 0 inside and on its border."""
        outside = np.abs(residual) > self.epsilon
        np.sign(residual, out=residual)
        np.multiply(residual, outside, out=residual)
