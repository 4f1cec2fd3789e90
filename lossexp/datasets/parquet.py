"""Parquet: columns with types."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from lossexp.datasets.file import FileDataset
from lossexp.datasets.reading.arrow import parquet_batches, parquet_shape, read_parquet
from lossexp.datasets.reading.content import Reader
from lossexp.datasets.reading.files import Stamp
from lossexp.datasets.streaming import Streamed, StreamedBatches


@dataclass(frozen=True, kw_only=True)
class Parquet(FileDataset):
    """A Parquet file of numbers, truth values, dates and text."""

    @property
    def reader(self) -> Reader:
        """What reads the file."""
        return read_parquet

    def streamed(self, file: Stamp) -> Streamed:
        """Return the columns, read group by group of rows."""
        n_samples, names, notes = parquet_shape(file.path)
        return StreamedBatches(file, n_samples, names, functools.partial(parquet_batches, file.path), notes)
