"""CSV: text with one row per line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from lossexp.components import InvalidValueError
from lossexp.datasets.file import FileDataset
from lossexp.datasets.reading.delimited import Delimited

_SEPARATOR = re.compile(r"[!#-&(-*,/:-@\[-^`{-~\t ]")


@dataclass(frozen=True, kw_only=True)
class CSV(FileDataset):
    """A file of comma-separated values, gzipped or not; other separators are recognized.

    Attributes:
        header: Whether the first line has the names of the columns. Without, columns are called by their position.
        separator: What is between two values, such as ";"; None to recognize it.
        decimal: What is before the fraction of a number.
        encoding: How characters are written as bytes; UTF-16 with a byte order mark is recognized.
    """

    header: Literal["auto"] | bool = "auto"
    separator: str | None = None
    decimal: Literal[".", ","] = "."
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.separator == r"\t":  # as it is typed
            object.__setattr__(self, "separator", "\t")
        if self.separator is not None and not _SEPARATOR.fullmatch(self.separator):
            raise InvalidValueError("separator", self.separator, r"one character such as ; or \t, or null")

    @property
    def reader(self) -> Delimited:
        """What reads the file."""
        header = None if self.header == "auto" else self.header
        return Delimited(header, self.separator, self.decimal, self.encoding)
