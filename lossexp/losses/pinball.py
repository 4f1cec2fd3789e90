"""Pinball loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from lossexp.components import Array, Interval, Scalar
from lossexp.losses.residual import ResidualLoss


@dataclass(frozen=True, kw_only=True)
class Pinball(ResidualLoss):
    """Absolute error with one price above and another below the target.

    Attributes:
        tau: Which quantile is estimated; 0.5 is half the absolute error.
    """

    tau: Annotated[Scalar, Interval(0, 1, open_low=True, open_high=True)] = 0.5

    convex = True
    formula = "(1 - tau) e if e > 0 else -tau e, e = raw - target"
    estimates = "the quantile tau"
    source = "Koenker and Bassett (1978)"
    other_names = ("quantile", "quantile_loss", "pinball_loss", "mean_pinball_loss", "check_loss", "reg:quantileerror")

    def penalty(self, residual: Array) -> Array:
        """Return the larger of the two lines."""
        return np.maximum((1 - self.tau) * residual, -self.tau * residual)

    def influence(self, residual: Array) -> None:
        """Write 1 - tau above the target and -tau below and on it."""
        np.greater(residual, 0, out=residual)
        np.subtract(residual, self.tau, out=residual)
