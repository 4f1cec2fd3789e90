"""NPZ: named arrays of NumPy."""

from __future__ import annotations

from dataclasses import dataclass

from lossexp.datasets.file import ColumnName, FileDataset
from lossexp.datasets.reading.arrays import Npz


@dataclass(frozen=True, kw_only=True)
class NPZ(FileDataset):
    """An archive as `numpy.savez` writes it. Other arrays with one number per row can be target, weight, group, time.

    Attributes:
        features: Name of the array of features, `(n_samples, ...)`.
        target: Name of the array of targets.
    """

    features: str = "X"
    target: ColumnName | None = "y"

    @property
    def reader(self) -> Npz:
        """What reads the file."""
        return Npz(self.features)
