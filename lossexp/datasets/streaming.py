"""Tables that are larger than memory: read a piece at a time, and their features written to disk as plain numbers.

The features of each split become a file of float32 in the cache, in the order of the rows, from which training reads.
They are written once for equal rows and preparation, and may be deleted at any time when no run reads them.
"""

from __future__ import annotations

import hashlib
import math
import mmap
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, final

import numpy as np

from lossexp import __version__
from lossexp.components import Array
from lossexp.datasets.downloads import cache
from lossexp.datasets.preparation import Preparation, Rows
from lossexp.datasets.reading.arrow import as_content
from lossexp.datasets.reading.files import Stamp, stamp
from lossexp.errors import DataError, StorageError
from lossexp.locking import locked
from lossexp.rows import FileRows

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

T = TypeVar("T")

PIECE_ROWS = 2**17
"""Rows that are in memory at once."""
LEARNING_ROWS = 200_000
"""Where there are more training rows, means, deviations and categories are learned on so many, spread evenly."""
STORED = np.dtype(np.float32)


class Streamed(ABC):
    """Columns of a file that are not held in memory.

    Args:
        stamp: The file as it is now.
        shape: `(n_samples, n_columns)`.
        notes: What was decided about other columns.
    """

    def __init__(self, stamp: Stamp, shape: tuple[int, int], notes: Sequence[str] = ()) -> None:
        self.stamp, self.shape, self.notes = stamp, shape, notes
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
    def pieces(self) -> Iterator[Any]:
        """Yield consecutive rows from the first to the last, all arrays or all tables of Arrow."""

    @abstractmethod
    def joined(self, pieces: Sequence[Any], as_text: Collection[str] = ()) -> Rows:
        """Return pieces in one.

        Args:
            pieces: As `pieces` yields them, or some rows of each.
            as_text: Names of columns that are text even if what these pieces have could be read as numbers.
        """

    @final
    def column(self, name: str) -> pd.Series:
        """Return one column, whole."""
        column = self.only([name])
        return as_frame(column.joined(list(column.pieces()))).iloc[:, 0].rename(name)

    @final
    def sample(self, rows: Array) -> Rows:
        """Return some rows, numbers in increasing order."""
        found, start = [], 0
        for piece in self.pieces():
            first, last = np.searchsorted(rows, (start, start + len(piece)))
            found.append(_taken(piece, rows[first:last] - start))
            start += len(piece)
        return self.joined(found)

    @final
    def lacking(self, rows: Array) -> Array:
        """Return whether each column has a missing value in some rows, numbers in increasing order, `(n_columns,)`."""
        found, start = np.zeros(self.shape[1], dtype=bool), 0
        for piece in self.pieces():
            first, last = np.searchsorted(rows, (start, start + len(piece)))
            some = self.joined([_taken(piece, rows[first:last] - start)])
            found |= as_frame(some).isna().any().to_numpy()
            start += len(piece)
        return found

    @final
    def store(
        self, splits: Sequence[Array], preparation: Preparation, *, check: Callable[[Rows], None], strict: bool
    ) -> tuple[list[FileRows], str]:
        """Write the features of each split to disk, unless they are there, and return them with their SHA-256.

        Args:
            splits: Rows of each split, numbers in increasing order.
            preparation: Turns columns into features.
            check: Refuses rows with a value that cannot be used.
            strict: Whether a missing value is one.

        Raises:
            DataError: A value cannot be used, or the file is changed meanwhile.
            StorageError: The cache cannot be written.
        """
        key = hashlib.sha256(repr((__version__, self.stamp, preparation, strict)).encode())
        for rows in splits:
            key.update(f"{len(rows)}".encode())
            key.update(np.ascontiguousarray(rows, dtype=np.int64).data)
        folder = cache() / "streamed" / key.hexdigest()[:32]
        n_features = len(preparation.feature_names)
        stored = [FileRows(_file(folder, n), 0, (len(rows), n_features), STORED) for n, rows in enumerate(splits)]
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with locked(folder.with_suffix(".lock")):  # whoever comes second waits, and finds the features there
                if not (all(map(_is_whole, stored)) and (folder / "sha256").is_file()):
                    self._write(folder, splits, preparation, check)
                return stored, (folder / "sha256").read_text(encoding="ascii")
        except OSError as error:
            raise StorageError(
                f"A table larger than dataset.max_memory is streamed from {folder}, which cannot be written: "
                f"{error.strerror}. Free some space there, or raise dataset.max_memory."
            ) from error

    def _write(
        self, folder: Path, splits: Sequence[Array], preparation: Preparation, check: Callable[[Rows], None]
    ) -> None:
        """Write all files aside, and move them into place at once when they are on the disk."""
        part = folder.with_suffix(".part")
        for left_over in (part, folder):
            shutil.rmtree(left_over, ignore_errors=True)
        part.mkdir()
        try:
            with ExitStack() as opened:
                files = [opened.enter_context(_file(part, number).open("wb")) for number in range(len(splits))]
                digests = [hashlib.sha256() for _ in splits]
                for number, features in self._features(splits, preparation, check):
                    digests[number].update(features.data)
                    files[number].write(features.data)
                for file in files:
                    file.flush()
                    os.fsync(file.fileno())
            if stamp(str(self.stamp.path), "dataset.path") != self.stamp:
                raise DataError(f"{self.stamp.path} was changed while it was read. Start again when it is complete.")
            total = hashlib.sha256(b"".join(digest.digest() for digest in digests)).hexdigest()
            (part / "sha256").write_text(total, encoding="ascii")
            part.replace(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _features(
        self, splits: Sequence[Array], preparation: Preparation, check: Callable[[Rows], None]
    ) -> Iterator[tuple[int, Array]]:
        """Yield the number of a split and the features of some of its rows, in the order of the file."""
        start = 0
        for raw in self.pieces():
            piece = self.joined([raw], preparation.categories)
            try:
                check(piece)
                for number, rows in enumerate(splits):
                    first, last = np.searchsorted(rows, (start, start + len(piece)))
                    features = preparation.transform(_taken(piece, rows[first:last] - start))
                    yield number, np.ascontiguousarray(features, dtype=STORED)
            except DataError as error:
                raise DataError(f"{error} Rows are counted from row {start} of the file.") from error
            start += len(piece)


def _taken(piece: Any, rows: Array) -> Any:
    if isinstance(piece, np.ndarray):
        return piece[rows]
    return piece.iloc[rows] if hasattr(piece, "iloc") else piece.take(rows)


def _file(folder: Path, number: int) -> Path:
    return folder / f"split_{number}.f32"


def _is_whole(rows: FileRows) -> bool:
    return rows.path.is_file() and rows.path.stat().st_size == math.prod(rows.shape) * rows.dtype.itemsize


def spread(rows: Array) -> Array:
    """Return rows, or some of them spread evenly where there are more."""
    return rows if len(rows) <= LEARNING_ROWS else rows[np.arange(LEARNING_ROWS) * len(rows) // LEARNING_ROWS]


class StreamedArray(Streamed):
    """Columns of an array that is mapped into memory, called by their position unless they have other names.

    Args:
        stamp: What tells the file from any other.
        array: `(n_samples, n_columns)`, as from `numpy.load(..., mmap_mode="r")`.
        columns: Places of the columns that are wanted; all without it.
    """

    def __init__(self, stamp: Stamp, array: Array, columns: Sequence[int] | None = None) -> None:
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

    def joined(self, pieces: Sequence[Array], as_text: Collection[str] = ()) -> Array:
        """Return arrays in one; none is text."""
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


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
        stamp: Stamp,
        n_samples: int,
        names: Sequence[str],
        read: Callable[[Sequence[str], int], Iterator[pa.Table]],
        notes: Sequence[str] = (),
    ) -> None:
        super().__init__(stamp, (n_samples, len(names)), notes)
        self._names, self._read = list(names), read

    def only(self, names: Sequence[str]) -> StreamedBatches:
        """Return some of the columns."""
        return StreamedBatches(self.stamp, self.shape[0], names, self._read, self.notes)

    def pieces(self) -> Iterator[pa.Table]:
        """Yield what is read."""
        yield from self._read(self._names, PIECE_ROWS)

    def joined(self, pieces: Sequence[pa.Table], as_text: Collection[str] = ()) -> pd.DataFrame:
        """Return tables in one: what a column holds is decided by all that they have of it."""
        import pyarrow as pa

        return as_content(pa.concat_tables(pieces), as_text).named


def as_frame(rows: Rows) -> pd.DataFrame:
    """Return rows as a data frame; the columns of an array are called by their position."""
    import pandas as pd

    if isinstance(rows, pd.DataFrame):
        return rows
    return pd.DataFrame(rows, columns=[str(place) for place in range(rows.shape[1])], copy=False)
