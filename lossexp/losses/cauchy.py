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
        """Return near²/2 · log(1 + u)/u + scale² log(large): with x = |e| / scale, the larger of 1 and x is taken out.

        Here large = max(x, 1), near = min(|e|, scale) / large and u = (near / scale)², at most 1, so that neither x²
        overflows far out nor scale², times a u of 0, for a wide scale. log(1 + u)/u is 1 from the least u on.
        """
        size = np.abs(residual)
        large = np.maximum(size / self.scale, 1)
        near = np.minimum(size, self.scale) / large
        u = np.maximum(np.square(near / self.scale), np.finfo(residual.dtype).tiny)
        return np.square(near) / 2 * (np.log1p(u) / u) + self.scale * (self.scale * np.log(large))

    def influence(self, residual: Array) -> None:
        """Write e / (1 + (e / scale)²)."""
        scaled = np.square(residual / self.scale)
        np.divide(residual, np.add(scaled, 1, out=scaled), out=residual)
