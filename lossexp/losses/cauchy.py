"""Cauchy loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.components import Array, Positive
from lossexp.losses.residual import ResidualLoss


@dataclass(frozen=True, kw_only=True)
class Cauchy(ResidualLoss):
    """Grows like a logarithm: the further out, the smaller the pull, which fades to 0.

    It is the negative log-likelihood of Cauchy noise, times scale². Other names: Lorentzian loss.

    Attributes:
        scale: Residuals well below it are squared, in units of the target. 2.385 standard deviations of the noise keep
            95 % of the efficiency of least squares on normal noise.
    """

    scale: Positive = 1.0

    formula = "scale²/2 · log(1 + ((raw - target) / scale)²)"
    estimates = "the centre of the bulk; outliers hardly count"
    source = "Holland and Welsch (1977)"
    other_names = ("lorentzian", "cauchy_loss", "log_square")

    def penalty(self, residual: Array) -> Array:
        """Return scale² log(sqrt(1 + x²)), with the larger of 1 and |x| taken out of the root: x² may overflow."""
        x = np.abs(residual) / self.scale
        large = np.maximum(x, 1)
        return self.scale**2 * (np.log(large) + np.log1p(np.square(np.minimum(x, 1) / large)) / 2)

    def influence(self, residual: Array) -> None:
        """Write e / (1 + (e / scale)²)."""
        scaled = np.square(residual / self.scale)
        np.divide(residual, np.add(scaled, 1, out=scaled), out=residual)
