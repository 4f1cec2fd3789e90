"""Breast cancer: malignant or benign."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.datasets.base import Dataset
from lossexp.datasets.bundled import read_bundled_classes
from lossexp.datasets.table import Table


@dataclass(frozen=True, kw_only=True)
class BreastCancer(Dataset):
    """569 tumours, 212 malignant and 357 benign, by 30 measurements of cell nuclei in an image.

    Ten quantities, each as mean, standard error and worst value over the nuclei of the image.

    Source: Street, Wolberg and Mangasarian (1993), Wisconsin diagnostic data, as bundled with scikit-learn.
    """

    name = "breast_cancer"

    def table(self, rng: np.random.Generator) -> Table:
        """Return the recorded rows."""
        X, y = read_bundled_classes("breast_cancer.csv")
        return Table(X, y, _FEATURES, ("malignant", "benign"))


_QUANTITIES = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave points",
    "symmetry",
    "fractal dimension",
)
_FEATURES = (
    *(f"mean {quantity}" for quantity in _QUANTITIES),
    *(f"{quantity} error" for quantity in _QUANTITIES),
    *(f"worst {quantity}" for quantity in _QUANTITIES),
)
