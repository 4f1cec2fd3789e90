"""Moons: two half circles that reach into each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from lossexp.components import Interval
from lossexp.datasets.base import Dataset
from lossexp.datasets.table import Table


@dataclass(frozen=True, kw_only=True)
class Moons(Dataset):
    """Points on two interleaving half circles of radius 1, moved by Gaussian noise.

        outer: (cos t, sin t)    inner: (1 - cos t, 1/2 - sin t)    t evenly from 0 to pi

    Source: `make_moons` of scikit-learn, the same geometry.

    Attributes:
        n_samples: Points in all; of an odd number the inner moon has one more.
        noise: Standard deviation of the noise on each coordinate.
    """

    n_samples: Annotated[int, Interval(2)] = 500
    noise: Annotated[float, Interval(0)] = 0.2

    name = "moons"

    def table(self, rng: np.random.Generator) -> Table:
        """Draw the points."""
        n_outer = self.n_samples // 2
        n_inner = self.n_samples - n_outer
        t, u = np.linspace(0, np.pi, n_outer), np.linspace(0, np.pi, n_inner)
        outer = np.column_stack([np.cos(t), np.sin(t)])
        inner = np.column_stack([1 - np.cos(u), 0.5 - np.sin(u)])
        X = np.concatenate([outer, inner])
        X += self.noise * rng.standard_normal(X.shape)
        return Table(X, np.repeat([0, 1], [n_outer, n_inner]), ("x", "y"), ("outer", "inner"))
