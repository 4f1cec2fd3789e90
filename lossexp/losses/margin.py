"""Losses of the margin: how far a raw score is on the right side."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np

from lossexp.components import Array, Scalar
from lossexp.links import LinkName
from lossexp.losses.base import summed
from lossexp.losses.classes import ClassLoss
from lossexp.targets import Target


@dataclass(frozen=True, kw_only=True)
class MarginLoss(ClassLoss, ABC):
    """value = penalty(margin), margin = raw for the second class and -raw for the first. Target: 0 or 1.

    Many classes are one-vs-rest, one score per class. The scores are not log odds: the metrics read them through a
    sigmoid all the same, so log loss and Brier score of such a model are those of uncalibrated probabilities.
    """

    @abstractmethod
    def penalty(self, margin: Array) -> Array:
        """Return the penalty of each margin, of the same shape."""

    @abstractmethod
    def slope(self, margin: Array) -> None:
        """Turn margins into d penalty / d margin, in place."""

    @final
    def link_name(self, target: Target) -> LinkName:
        """Return logistic, for two classes and for many."""
        return "logistic"

    @final
    def unweighted(self, raw: Array, target: Array) -> Array:
        """Return the sum of the penalties."""
        return summed(self.penalty(raw * _side(target)))

    @final
    def write_gradient(self, raw: Array, target: Array, weight: Scalar, out: Array) -> None:
        """Write weight · slope(margin) · d margin / d raw."""
        side = _side(target)
        np.multiply(raw, side, out=out)
        self.slope(out)
        np.multiply(out, side, out=out)
        np.multiply(out, weight, out=out)


def _side(target: Array) -> Array:
    """Return -1 for target 0 and 1 for target 1."""
    return 2 * target - 1
