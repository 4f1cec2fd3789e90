"""Savage loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp import numerics
from lossexp.components import Array
from lossexp.losses.margin import MarginLoss


@dataclass(frozen=True, kw_only=True)
class Savage(MarginLoss):
    """Levels off on the wrong side as well, so that wrong labels pull little: the Brier score at twice the margin."""

    formula = "1 / (1 + exp(2m))², m = ±raw"
    estimates = "half the log odds"
    source = "Masnadi-Shirazi and Vasconcelos (2008)"
    other_names = ("savage_loss", "savageboost")

    def penalty(self, margin: Array) -> Array:
        """Return sigmoid(-2m)²."""
        return np.square(numerics.sigmoid(-2 * margin))

    def slope(self, margin: Array) -> None:
        """Write -4 s² (1 - s) with s = sigmoid(-2m)."""
        s, rest = numerics.sigmoids(-2 * margin)
        np.multiply(rest, -4, out=rest)
        np.multiply(np.square(s, out=s), rest, out=margin)
