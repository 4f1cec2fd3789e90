"""Tables that are larger than memory: read a piece at a time, and their features written to disk as plain numbers.

The features of each split become a file of float32 in the cache, in the order of the rows, from which training reads.
They are written once for equal data and settings, and may be deleted at any time when no run reads them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np

from lossexp.components import Array
from lossexp.datasets.downloads import cache
from lossexp.datasets.preparation import Preparation, Rows
from lossexp.errors import StorageError
from lossexp.rows import FileRows

PIECE_ROWS = 100_000
"""Rows that are in memory at once."""
LEARNING_ROWS = 200_000
"""Means, deviations and categories are learned on so many training rows, spread evenly, where there are more."""
STORED = np.dtype(np.float32)


class Streamed(ABC):
    """Columns of a file that are not held in memory.

    Attributes:
        shape: `(n_samples, n_columns)`.
    """

    shape: tuple[int, int]

    @abstractmethod
    def pieces(self) -> Iterator[Rows]:
        """Yield consecutive rows, from the first to the last."""

    @final
    def rows(self, wanted: Array) -> Iterator[Rows]:
        """Yield the wanted rows, numbers in increasing order, a piece at a time."""
        start = 0
        for piece in self.pieces():
            first, last = np.searchsorted(wanted, (start, start + len(piece)))
            inside = wanted[first:last] - start
            start += len(piece)
            if len(inside):
                yield piece.iloc[inside] if hasattr(piece, "iloc") else piece[inside]


def witnesses(table: Streamed, train: Array) -> Rows:
    """Return training rows to learn a preparation on: all, or some of many."""
    import pandas as pd

    some = train if len(train) <= LEARNING_ROWS else train[np.arange(LEARNING_ROWS) * len(train) // LEARNING_ROWS]
    found = list(table.rows(some))
    return pd.concat(found, ignore_index=True) if hasattr(found[0], "iloc") else np.concatenate(found)


def stored(table: Streamed, splits: Sequence[Array], preparation: Preparation, key: str) -> tuple[list[FileRows], str]:
    """Write the features of each split to disk, unless they are there, and return them with their SHA-256.

    Args:
        table: The columns.
        splits: Rows of each split, numbers in increasing order.
        preparation: Turns columns into features.
        key: Tells these features from any other.

    Raises:
        StorageError: The cache cannot be written.
    """
    folder = cache() / "streamed" / key
    try:
        if not (folder / "sha256").exists():
            part = folder.with_name(f"{key}.{os.getpid()}.part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            try:
                _write(part, table, splits, preparation)
                if not folder.exists():
                    part.replace(folder)
            finally:
                shutil.rmtree(part, ignore_errors=True)
        digest = (folder / "sha256").read_text(encoding="ascii")
    except OSError as error:
        raise StorageError(
            f"The features of a table larger than memory cannot be written to {folder}: {error.strerror}. Free some "
            "space, or keep them in memory: dataset.max_memory=MIB"
        ) from error
    n_features = len(preparation.feature_names)
    shapes = [(len(rows), n_features) for rows in splits]
    return [FileRows(_file(folder, n), 0, shape, STORED) for n, shape in enumerate(shapes)], digest


def _write(folder: Path, table: Streamed, splits: Sequence[Array], preparation: Preparation) -> None:
    digest = hashlib.sha256()
    for number, rows in enumerate(splits):
        with _file(folder, number).open("wb") as file:
            for piece in table.rows(rows):
                features = np.ascontiguousarray(preparation.transform(piece), dtype=STORED)
                digest.update(features.data)
                file.write(features.data)
    (folder / "sha256").write_text(digest.hexdigest(), encoding="ascii")


def _file(folder: Path, number: int) -> Path:
    return folder / f"split_{number}.f32"


class StreamedArray(Streamed):
    """Columns of an array that is mapped into memory.

    Args:
        array: `(n_samples, n_columns)`, as from `numpy.load(..., mmap_mode="r")`.
        names: Of the columns that are wanted, if the rows are to be data frames.
        columns: Places of those columns; all without it.
    """

    def __init__(self, array: np.memmap[Any, Any], columns: Sequence[int] | None = None) -> None:
        self._array, self._columns = array, slice(None) if columns is None else list(columns)
        self.shape = len(array), array.shape[1] if columns is None else len(columns)

    def pieces(self) -> Iterator[Array]:
        """Yield copies, and let the pages go that were read."""
        for start in range(0, len(self._array), PIECE_ROWS):
            yield np.array(self._array[start : start + PIECE_ROWS, self._columns])
            release(self._array)


def release(array: Array) -> None:
    """Give back the memory of pages of a mapped file that have been read; they are read again when needed."""
    import mmap

    mapped = getattr(array, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
