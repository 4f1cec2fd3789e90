"""Features that are not one array in memory: rows in a file, and sparse rows.

A split's features may be an array `(n_samples, n_features)`, a SciPy CSR matrix or `FileRows`. All have `shape` and are
read in pieces by `taken`; what is read is never more than was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lossexp.components import Array

CHUNK_ROWS = 4096
"""About so many consecutive rows are read at once from a file when rows are shuffled."""

WINDOW_BYTES = 2**24
"""About so much is in memory at once of a file whose rows are shuffled."""


@dataclass(frozen=True)
class FileRows:
    """Rows in a file of plain numbers, read when they are asked for and not kept.

    Reading rather than mapping the file keeps the memory of the process small, whatever the size of the file; the
    pages that the operating system caches are its own.

    Attributes:
        path: The file.
        offset: Byte at which the first row starts.
        shape: `(n_samples, n_features)`.
        dtype: Type of the numbers.
    """

    path: Path
    offset: int
    shape: tuple[int, int]
    dtype: np.dtype[Any]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> Array:
        """Read consecutive rows."""
        start, stop, _ = rows.indices(len(self))
        n_rows, n_features = max(stop - start, 0), self.shape[1]
        offset = self.offset + start * n_features * self.dtype.itemsize
        return np.fromfile(self.path, self.dtype, n_rows * n_features, offset=offset).reshape(n_rows, n_features)


@dataclass(frozen=True)
class Window:
    """Rows of a few chunks of a file, in an order of their own.

    Attributes:
        chunks: Consecutive rows each.
        order: Permutation of all of these rows.
    """

    chunks: list[slice]
    order: Array


def taken(table: Any, rows: slice | Array | Window) -> Any:
    """Return some rows of an array, a sparse matrix or a file; rows of a file are a slice or a window."""
    if isinstance(rows, Window):
        return np.concatenate([taken(table, chunk) for chunk in rows.chunks])[rows.order]
    return table[rows]


def lay_out(rows: Any, out: Array) -> None:
    """Write rows `(n_samples, n_features)`, an array or a CSR matrix, into an array of zeros."""
    if isinstance(rows, np.ndarray):
        out[...] = rows
    else:
        rows.sum_duplicates()
        out[np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr)), rows.indices] = rows.data


def windows(shape: tuple[int, int], batch_size: int, rng: np.random.Generator) -> Iterator[Window]:
    """Yield an order of reading a file: windows of a few chunks each, from anywhere in the file.

    Rows are shuffled within a window while it is in memory. A random order over the whole file would read a page of it
    for every row. All windows but the last hold a whole number of batches.
    """
    n_samples, n_features = shape
    n_chunk = batch_size * -(-CHUNK_ROWS // batch_size)
    starts = np.arange(0, n_samples, n_chunk)
    # The last chunk may be short: it comes last, so that no batch before it is.
    places = [*rng.permutation(len(starts) - 1), len(starts) - 1]
    chunks = [slice(int(starts[place]), min(int(starts[place]) + n_chunk, n_samples)) for place in places]
    n_together = max(WINDOW_BYTES // (n_chunk * n_features * 4), 2)
    for first in range(0, len(chunks), n_together):
        some = chunks[first : first + n_together]
        yield Window(some, rng.permutation(sum(chunk.stop - chunk.start for chunk in some)))
