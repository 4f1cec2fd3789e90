"""Feather: Arrow in a file."""

from __future__ import annotations

from dataclasses import dataclass

from lossexp.datasets.file import FileDataset
from lossexp.datasets.reading.arrow import read_feather
from lossexp.datasets.reading.content import Reader


@dataclass(frozen=True, kw_only=True)
class Feather(FileDataset):
    """A Feather file, also known as Arrow IPC, of numbers, truth values, dates and text."""

    @property
    def reader(self) -> Reader:
        """What reads the file."""
        return read_feather
