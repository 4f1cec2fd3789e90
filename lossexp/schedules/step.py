"""Cut the learning rate at regular intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.components import Array, Fraction, Positive
from lossexp.schedules.base import Schedule


@dataclass(frozen=True, kw_only=True)
class Step(Schedule):
    """factor = gamma^floor(epoch / every).

    Attributes:
        every: Epochs between cuts.
        gamma: What each cut multiplies with.
    """

    every: Positive = 30.0
    gamma: Fraction = 0.1

    def decay(self, epoch: Array, n_epochs: float) -> Array:
        """Return gamma^floor(epoch / every)."""
        # A hair's breadth, so that an epoch computed as 29.999999999999996 counts as the 30th.
        return np.power(self.gamma, np.floor(epoch / self.every + 1e-9))
