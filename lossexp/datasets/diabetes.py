"""Diabetes: progression of the disease after one year."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.datasets.base import Dataset
from lossexp.datasets.bundled import read_bundled
from lossexp.datasets.scaling import standardized
from lossexp.datasets.table import Table


@dataclass(frozen=True, kw_only=True)
class Diabetes(Dataset):
    """442 patients by 10 measurements; the target is the progression of the disease, 25 to 346.

    As scikit-learn gives it: each feature is centred and has a sum of squares of 1 over all rows.

    Source: Efron, Hastie, Johnstone and Tibshirani (2004), as bundled with scikit-learn.
    """

    name = "diabetes"

    def table(self, rng: np.random.Generator) -> Table:
        """Return the recorded rows."""
        (X,) = standardized(read_bundled("diabetes_data_raw.csv.gz", delimiter=None))
        y = read_bundled("diabetes_target.csv.gz", delimiter=None)[:, 0]
        return Table(X / np.sqrt(len(X)), y, ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"))
