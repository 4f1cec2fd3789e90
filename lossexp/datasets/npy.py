"""NPY: one array of NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lossexp.components import Array
from lossexp.datasets.paired import PairedFiles
from lossexp.datasets.reading.arrays import as_features, read_npy
from lossexp.datasets.reading.files import Stamp
from lossexp.datasets.streaming import Streamed, StreamedArray


@dataclass(frozen=True, kw_only=True)
class NPY(PairedFiles):
    """A file as `numpy.save` writes it. Its columns are called by their position, from 0, and one may be the target."""

    def read_array(self, path: Path) -> Array:
        """Return the one array of a file."""
        return read_npy(path)

    def streamed(self, file: Stamp) -> Streamed | None:
        """Return the columns of an array whose target is one of them."""
        return None if self.target_path else StreamedArray(file, as_features(read_npy(file.path), file.path))
