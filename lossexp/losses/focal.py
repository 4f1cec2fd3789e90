"""Focal loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.components import Array, NonNegative
from lossexp.losses.surprisal import SurprisalLoss


@dataclass(frozen=True, kw_only=True)
class Focal(SurprisalLoss):
    """Cross-entropy that counts examples less the surer they are right: for many easy examples and few hard ones.

    Two classes have one output and a sigmoid, many a softmax. The balance alpha of the paper is
    class_weight=[1 - alpha, alpha]. Its probabilities are too cautious: it is not a proper score.

    Attributes:
        gamma: How fast easy examples lose weight; 0 is cross-entropy.
    """

    gamma: NonNegative = 2.0

    formula = "-(1 - p)^gamma · log(p), p of the true class"
    estimates = "the probability, flattened"
    source = "Lin, Goyal, Girshick, He and Dollár (2017)"
    other_names = (
        "focal_loss",
        "sigmoid_focal_loss",
        "binary_focal_crossentropy",
        "BinaryFocalCrossentropy",
        "categorical_focal_crossentropy",
        "CategoricalFocalCrossentropy",
    )

    def of(self, c: Array) -> Array:
        """Return (1 - p)^gamma · c."""
        return (-np.expm1(-c)) ** self.gamma * c

    def slope(self, c: Array) -> Array:
        """Return (1 - p)^gamma · (1 + gamma · p c / (1 - p)); what follows gamma goes to 1 for p = 1."""
        p = np.exp(-c)
        # Less than the rounding of 1 - p, and kept from 0 for the division.
        wrong = np.maximum(1 - p, np.finfo(c.dtype).eps / 4)
        return wrong**self.gamma * (1 + self.gamma * np.minimum(p * (c / wrong), 1))
