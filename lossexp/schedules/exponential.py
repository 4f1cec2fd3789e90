"""Exponential decay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.components import Array, Fraction
from lossexp.schedules.base import Schedule


@dataclass(frozen=True, kw_only=True)
class Exponential(Schedule):
    """factor = gamma^epoch, falling at every step.

    Attributes:
        gamma: What an epoch multiplies with.
    """

    gamma: Fraction = 0.95

    def decay(self, epoch: Array, n_epochs: float) -> Array:
        """Return gamma^epoch."""
        return np.power(self.gamma, epoch)
