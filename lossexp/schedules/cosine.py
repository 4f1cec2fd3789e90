"""Cosine decay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.components import Array, Fraction
from lossexp.schedules.base import Schedule


@dataclass(frozen=True, kw_only=True)
class Cosine(Schedule):
    """factor = final + (1 - final) (1 + cos(pi epoch / n_epochs)) / 2: half a cosine wave from 1 to `final`.

    Source: Loshchilov and Hutter (2017), without restarts.

    Attributes:
        final: The factor at the end.
    """

    final: Fraction = 0.0

    def decay(self, epoch: Array, n_epochs: float) -> Array:
        """Return the half wave."""
        time = np.minimum(epoch / n_epochs, 1)
        return self.final + (1 - self.final) * (1 + np.cos(np.pi * time)) / 2
