"""Linear: a regression whose true model is linear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from lossexp.components import Interval, PositiveCount
from lossexp.datasets.base import Dataset
from lossexp.datasets.table import Table


@dataclass(frozen=True, kw_only=True)
class Linear(Dataset):
    """y = X w + noise · e, where every entry of X, w and e is drawn from N(0, 1).

    The best possible model has mean squared error noise².

    Attributes:
        n_samples: Number of rows.
        n_features: Number of inputs.
        noise: Standard deviation of the noise on the target.
    """

    n_samples: PositiveCount = 500
    n_features: PositiveCount = 10
    noise: Annotated[float, Interval(0)] = 1.0

    name = "linear"

    def table(self, rng: np.random.Generator) -> Table:
        """Draw the weights, then the rows."""
        weights = rng.standard_normal(self.n_features)
        X = rng.standard_normal((self.n_samples, self.n_features))
        y = X @ weights + self.noise * rng.standard_normal(self.n_samples)
        return Table(X, y, tuple(f"x{column}" for column in range(self.n_features)))
