"""Wine: three growers of one region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.datasets.base import Dataset
from lossexp.datasets.bundled import read_bundled_classes
from lossexp.datasets.table import Table


@dataclass(frozen=True, kw_only=True)
class Wine(Dataset):
    """178 wines of three growers (59, 71, 48) by 13 chemical measurements on very different scales.

    Source: Forina et al., PARVUS (1988), as bundled with scikit-learn.
    """

    name = "wine"

    def table(self, rng: np.random.Generator) -> Table:
        """Return the recorded rows."""
        X, y = read_bundled_classes("wine_data.csv")
        return Table(X, y, _FEATURES, ("class_0", "class_1", "class_2"))


_FEATURES = (
    "alcohol",
    "malic_acid",
    "ash",
    "alcalinity_of_ash",
    "magnesium",
    "total_phenols",
    "flavanoids",
    "nonflavanoid_phenols",
    "proanthocyanins",
    "color_intensity",
    "hue",
    "od280/od315_of_diluted_wines",
    "proline",
)
