"""The same learning rate throughout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.components import Array
from lossexp.schedules.base import Schedule


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """factor = 1."""

    def decay(self, epoch: Array, n_epochs: float) -> Array:
        """Return ones."""
        return np.ones_like(epoch, dtype=float)
