"""IDX: the format of MNIST."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lossexp.components import Array
from lossexp.datasets.idx_format import read_idx
from lossexp.datasets.paired import PairedFiles


@dataclass(frozen=True, kw_only=True)
class IDX(PairedFiles):
    """A file of pictures, gzipped or not, and `target_path` one of labels. Each pixel is a feature."""

    def read_array(self, path: Path) -> Array:
        """Return the one array of a file."""
        return read_idx(path)
