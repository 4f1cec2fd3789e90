"""Losses of the residual: how far a real number is from the one predicted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np

from lossexp.components import Array
from lossexp.losses.base import REGRESSION, Loss, summed


@dataclass(frozen=True, kw_only=True)
class ResidualLoss(Loss, ABC):
    """value = penalty(raw - target), summed over the outputs, with the identity link."""

    accepts = REGRESSION

    @abstractmethod
    def penalty(self, residual: Array) -> Array:
        """Return the penalty of each residual, of the same shape."""

    @abstractmethod
    def influence(self, residual: Array) -> None:
        """Turn residuals into d penalty / d residual, in place."""

    @final
    def value(self, raw: Array, target: Array) -> Array:
        """Return the sum of the penalties."""
        return summed(self.penalty(raw - target))

    @final
    def gradient(self, raw: Array, target: Array, out: Array) -> None:
        """Write the influence of each residual."""
        np.subtract(raw, target, out=out)
        self.influence(out)
