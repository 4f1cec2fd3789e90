"""Digits: small pictures of handwritten digits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.datasets.base import Dataset
from lossexp.datasets.bundled import read_bundled_classes
from lossexp.datasets.table import Table


@dataclass(frozen=True, kw_only=True)
class Digits(Dataset):
    """1797 pictures of 8 x 8 pixels with values 0 to 16, about 180 of each digit; three pixels are always 0.

    Source: Alpaydin and Kaynak (1998), the test part, as bundled with scikit-learn.
    """

    name = "digits"

    def table(self, rng: np.random.Generator) -> Table:
        """Return the recorded rows."""
        X, y = read_bundled_classes("digits.csv.gz", header_lines=0)
        pixels = tuple(f"pixel_{row}_{column}" for row in range(8) for column in range(8))
        return Table(X, y, pixels, tuple("0123456789"))
