"""Tables that are larger than memory: read a piece at a time, and their features written to disk as plain numbers.

The features of each split become a file of float32 in the cache, in the order of the rows, from which training reads.
They are written once for equal data and settings, and may be deleted at any time when no run reads them.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, final

import numpy as np

from lossexp.components import Array
from lossexp.datasets.downloads import cache
from lossexp.datasets.preparation import Preparation, Rows
from lossexp.errors import DataError, StorageError
from lossexp.rows import FileRows

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

PIECE_ROWS = 2**17
"""Rows that are in memory at once."""
LEARNING_ROWS = 200_000
"""Where there are more training rows, means, deviations and categories are learned on so many, spread evenly."""
STORED = np.dtype(np.float32)


class Streamed(ABC):
    """Columns of a file that are not held in memory.

    Args:
        stamp: What tells the file, as it is now, from any other.
        shape: `(n_samples, n_columns)`.
    """

    def __init__(self, stamp: object, shape: tuple[int, int]) -> None:
        self.stamp, self.shape = stamp, shape
        self._split: dict[Hashable, Any] = {}

    @final
    def once(self, settings: Hashable, make: Callable[[], T]) -> T:
        """Return what is made of this table with some settings, made once: so large a thing is shared by all runs."""
        if settings not in self._split:
            self._split[settings] = make()
        made: T = self._split[settings]
        return made

    @abstractmethod
    def only(self, names: Sequence[str]) -> Streamed:
        """Return some of the columns."""

    @abstractmethod
    def pieces(self) -> Iterator[Rows]:
        """Yield consecutive rows, all data frames or all arrays, from the first to the last."""

    @final
    def column(self, name: str) -> pd.Series:
        """Return one column, whole."""
        import pandas as pd

        pieces = [as_frame(piece).iloc[:, 0] for piece in self.only([name]).pieces()]
        return pd.concat(pieces, ignore_index=True).rename(name)

    @final
    def sample(self, rows: Array) -> Rows:
        """Return some rows, numbers in increasing order."""
        import pandas as pd

        found = [_taken(piece, rows[first:last] - start) for start, piece, (first, last) in self._within(rows)]
        return np.concatenate(found) if isinstance(found[0], np.ndarray) else pd.concat(found, ignore_index=True)

    def _within(self, rows: Array) -> Iterator[tuple[int, Rows, tuple[int, int]]]:
        """Yield the first row of each piece, the piece, and the places in `rows` of those that are in it."""
        start = 0
        for piece in self.pieces():
            first, last = np.searchsorted(rows, (start, start + len(piece)))
            if first < last:
                yield start, piece, (int(first), int(last))
            start += len(piece)

    @final
    def store(
        self, splits: Sequence[Array], preparation: Preparation, key: str, check: Callable[[Rows], None]
    ) -> tuple[list[FileRows], str]:
        """Write the features of each split to disk, unless they are there, and return them with their SHA-256.

        Args:
            splits: Rows of each split, numbers in increasing order.
            preparation: Turns columns into features.
            key: Tells these features from any others.
            check: Refuses rows with a value that cannot be used.

        Raises:
            DataError: A value cannot be used.
            StorageError: The cache cannot be written.
        """
        folder = cache() / "streamed" / key
        part = folder.with_name(f"{key}.{os.getpid()}.part")
        try:
            if not folder.exists():
                part.mkdir(parents=True)
                self._write(part, splits, preparation, check)
                part.replace(folder)
            digest = (folder / "sha256").read_text(encoding="ascii")
        except OSError as error:
            raise StorageError(
                f"A table larger than dataset.max_memory is streamed from {folder}, which cannot be written: "
                f"{error.strerror}. Free some space there, or raise dataset.max_memory."
            ) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
        n_features = len(preparation.feature_names)
        shapes = [(len(rows), n_features) for rows in splits]
        return [FileRows(_file(folder, number), 0, shape, STORED) for number, shape in enumerate(shapes)], digest

    def _write(
        self, folder: Path, splits: Sequence[Array], preparation: Preparation, check: Callable[[Rows], None]
    ) -> None:
        with ExitStack() as opened:
            files = [opened.enter_context(_file(folder, number).open("wb")) for number in range(len(splits))]
            digests = [hashlib.sha256() for _ in splits]
            start = 0
            for piece in self.pieces():
                try:
                    check(piece)
                except DataError as error:
                    raise DataError(f"{error} That is among the rows from {start} on.") from error
                for rows, file, digest in zip(splits, files, digests, strict=True):
                    first, last = np.searchsorted(rows, (start, start + len(piece)))
                    features = preparation.transform(_taken(piece, rows[first:last] - start))
                    features = np.ascontiguousarray(features, dtype=STORED)
                    digest.update(features.data)
                    file.write(features.data)
                start += len(piece)
        total = hashlib.sha256(b"".join(digest.digest() for digest in digests)).hexdigest()
        (folder / "sha256").write_text(total, encoding="ascii")


def _taken(piece: Rows, rows: Array) -> Rows:
    return piece.iloc[rows] if hasattr(piece, "iloc") else piece[rows]


def _file(folder: Path, number: int) -> Path:
    return folder / f"split_{number}.f32"


def spread(rows: Array, at_most: int = LEARNING_ROWS) -> Array:
    """Return rows, or some of them spread evenly where there are more."""
    return rows if len(rows) <= at_most else rows[np.arange(at_most) * len(rows) // at_most]


class StreamedArray(Streamed):
    """Columns of an array that is mapped into memory, called by their position unless they have other names.

    Args:
        stamp: What tells the file from any other.
        array: `(n_samples, n_columns)`, as from `numpy.load(..., mmap_mode="r")`.
        columns: Places of the columns that are wanted; all without it.
    """

    def __init__(self, stamp: object, array: Array, columns: Sequence[int] | None = None) -> None:
        super().__init__(stamp, (len(array), array.shape[1] if columns is None else len(columns)))
        self._array, self._columns = array, columns

    def only(self, names: Sequence[str]) -> StreamedArray:
        """Return the columns at some positions."""
        return StreamedArray(self.stamp, self._array, [int(name) for name in names])

    def pieces(self) -> Iterator[Array]:
        """Yield copies, and give back the pages that were read."""
        mapped = getattr(self._array.base, "_mmap", None) or getattr(self._array, "_mmap", None)
        for start in range(0, len(self._array), PIECE_ROWS):
            piece = self._array[start : start + PIECE_ROWS]
            yield np.array(piece if self._columns is None else piece[:, self._columns])
            if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
                mapped.madvise(mmap.MADV_DONTNEED)


class StreamedBatches(Streamed):
    """Columns that a library reads in batches.

    Args:
        stamp: What tells the file from any other.
        n_samples: Number of rows.
        names: Names of the columns.
        read: Yields data frames of the columns named, about so many rows each.
    """

    def __init__(
        self,
        stamp: object,
        n_samples: int,
        names: Sequence[str],
        read: Callable[[Sequence[str], int], Iterator[pd.DataFrame]],
    ) -> None:
        super().__init__(stamp, (n_samples, len(names)))
        self._names, self._read = list(names), read

    def only(self, names: Sequence[str]) -> StreamedBatches:
        """Return some of the columns."""
        return StreamedBatches(self.stamp, self.shape[0], names, self._read)

    def pieces(self) -> Iterator[pd.DataFrame]:
        """Yield what is read."""
        yield from self._read(self._names, PIECE_ROWS)


def as_frame(rows: Rows) -> pd.DataFrame:
    """Return rows as a data frame; the columns of an array are called by their position."""
    import pandas as pd

    if isinstance(rows, pd.DataFrame):
        return rows
    return pd.DataFrame(rows, columns=[str(place) for place in range(rows.shape[1])], copy=False)
