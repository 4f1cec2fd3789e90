"""The contract of a schedule: a factor of the learning rate, as a pure function of time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from lossexp.components import Array, Component, NonNegative


@dataclass(frozen=True, kw_only=True)
class Schedule(Component, ABC):
    """Factor of the learning rate, between 0 and 1, from the time in epochs.

    Attributes:
        warmup: Epochs of linear warm-up; the schedule proper starts after them. Default 0.
    """

    warmup: NonNegative = 0.0

    def factor(self, step: Array, steps_per_epoch: int, n_epochs: int) -> Array:
        """Return the factor of each step.

        Args:
            step: Steps from 0, shape `(n_steps,)`.
            steps_per_epoch: Number of steps in an epoch.
            n_epochs: Number of epochs of the whole training.
        """
        warmup_steps = float(self.warmup) * steps_per_epoch
        rising = (step + 1) / (warmup_steps + 1)
        epoch = np.maximum(step - warmup_steps, 0) / steps_per_epoch
        n_epochs_left = max(n_epochs - float(self.warmup), 1 / steps_per_epoch)
        return np.where(step < warmup_steps, rising, self.decay(epoch, n_epochs_left))

    @abstractmethod
    def decay(self, epoch: Array, n_epochs: float) -> Array:
        """Return the factor at the time `epoch`, 0 to `n_epochs`, both counted from the end of the warm-up."""
