"""Spiral: arms that wind around each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from lossexp.components import Interval, PositiveCount
from lossexp.datasets.base import Dataset
from lossexp.datasets.table import Table


@dataclass(frozen=True, kw_only=True)
class Spiral(Dataset):
    """One arm per class, from the centre outwards; a linear model cannot tell them apart.

        arm j: (r sin t, r cos t)    r evenly from 0 to 1    t evenly from 4j to 4(j + 1), plus Gaussian noise

    Angles are in radians, so arms start 4 apart on a circle of 6.28: three arms are about evenly spread, and
    the twelfth comes to lie on the first.

    Source: Karpathy, CS231n, "Putting it together: Minimal Neural Network Case Study".

    Attributes:
        n_classes: Number of arms.
        n_per_class: Points on each arm.
        noise: Standard deviation of the noise on the angle.
    """

    n_classes: Annotated[int, Interval(2)] = 3
    n_per_class: PositiveCount = 100
    noise: Annotated[float, Interval(0)] = 0.2

    name = "spiral"

    def table(self, rng: np.random.Generator) -> Table:
        """Draw the points."""
        y = np.repeat(np.arange(self.n_classes), self.n_per_class)
        along = np.tile(np.linspace(0, 1, self.n_per_class), self.n_classes)
        t = 4 * (y + along) + self.noise * rng.standard_normal(len(y))
        X = np.column_stack([along * np.sin(t), along * np.cos(t)])
        return Table(X, y, ("x", "y"), tuple(f"arm {arm}" for arm in range(self.n_classes)))
