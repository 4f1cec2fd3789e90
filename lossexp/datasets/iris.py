"""Iris: three species of flowers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.datasets.base import Dataset
from lossexp.datasets.bundled import read_bundled_classes
from lossexp.datasets.table import Table


@dataclass(frozen=True, kw_only=True)
class Iris(Dataset):
    """150 flowers, 50 of each species, by 4 lengths in cm. One species is linearly separable from the others.

    Source: Fisher (1936), as bundled with scikit-learn.
    """

    name = "iris"

    def table(self, rng: np.random.Generator) -> Table:
        """Return the recorded rows."""
        X, y = read_bundled_classes("iris.csv")
        return Table(X, y, _FEATURES, ("setosa", "versicolor", "virginica"))


_FEATURES = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
