"""Tukey's biweight loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.components import Array, Positive
from lossexp.losses.residual import ResidualLoss


@dataclass(frozen=True, kw_only=True)
class Tukey(ResidualLoss):
    """Levels off at `scale`: what is further out has no pull at all. Needs a start that is not far off.

    Attributes:
        scale: Where it levels off, in units of the target. 4.685 standard deviations of the noise keep 95 % of the
            efficiency of least squares on normal noise.
    """

    scale: Positive = 4.685

    formula = "scale²/6 · (1 - (1 - (e / scale)²)³) if |e| <= scale else scale²/6, e = raw - target"
    estimates = "the centre of the bulk; far outliers do not count"
    source = "Beaton and Tukey (1974)"
    other_names = ("biweight", "bisquare", "tukey_biweight", "tukey_bisquare")

    def penalty(self, residual: Array) -> Array:
        """Return near²/6 · (3 - 3u + u²) with near = min(|e|, scale), u = (near / scale)²: the cubes multiplied out.

        Not scale²/6 · u (...), which may be infinity times 0 for a wide scale.
        """
        near = np.minimum(np.abs(residual), self.scale)
        u = np.square(near / self.scale)
        return np.square(near) / 6 * (3 + u * (u - 3))

    def influence(self, residual: Array) -> None:
        """Write e (1 - u)²."""
        rest = np.subtract(1, np.square(np.minimum(np.abs(residual) / self.scale, 1)))
        np.multiply(residual, np.square(rest, out=rest), out=residual)
