"""Exponential loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.components import Array
from lossexp.losses.margin import MarginLoss


@dataclass(frozen=True, kw_only=True)
class Exponential(MarginLoss):
    """The loss of AdaBoost: what is far on the wrong side outweighs everything else, wrong labels included."""

    convex = True
    formula = "exp(-m), m = ±raw"
    estimates = "half the log odds"
    source = "Freund and Schapire (1997)"
    other_names = ("adaboost", "ExponentialLoss", "exp", "exp_loss")

    def penalty(self, margin: Array) -> Array:
        """Return exp(-m), infinite where that is too large for a number."""
        return np.exp(-margin)

    def slope(self, margin: Array) -> None:
        """Write -exp(-m)."""
        np.negative(margin, out=margin)
        np.exp(margin, out=margin)
        np.negative(margin, out=margin)
