"""CSV: text with one row per line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from lossexp.components import InvalidValueError
from lossexp.datasets.file import FileDataset
from lossexp.datasets.reading.content import Content
from lossexp.datasets.reading.delimited import Delimited

_SEPARATOR = re.compile(r"[!#-&(-*,/:-@\[-^`{-~\t ]")


@dataclass(frozen=True, kw_only=True)
class CSV(FileDataset):
    """A file of comma-separated values, compressed or not; other separators are recognized.

    Attributes:
        header: Whether the first line has the names of the columns. Without, columns are called by their position.
        separator: What is between two values, such as ";"; None to recognize it.
        decimal: What is before the fraction of a number.
        thousands: What is between the thousands of a number; None to recognize it where it is clear.
        day_first: Whether 01/02/2024 is in February; None to recognize it where it is clear.
        missing_values: Texts that stand for a missing value, such as "-", besides the usual ones.
        encoding: How characters are written as bytes; UTF-16 with a byte order mark is recognized.
    """

    header: Literal["auto"] | bool = "auto"
    separator: str | None = None
    decimal: Literal[".", ","] = "."
    thousands: Literal[",", "."] | None = None
    day_first: bool | None = None
    missing_values: tuple[str, ...] = ()
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.separator == r"\t":  # as it is typed
            object.__setattr__(self, "separator", "\t")
        if self.separator is not None and not _SEPARATOR.fullmatch(self.separator):
            raise InvalidValueError("separator", self.separator, r"one character such as ; or \t, or null")
        if self.thousands == self.decimal:
            raise InvalidValueError(
                "thousands", self.thousands, f"another character than decimal={self.decimal!r}, or null"
            )

    @property
    def reader(self) -> Delimited:
        """What reads the file."""
        header = None if self.header == "auto" else self.header
        return Delimited(
            header, self.separator, self.decimal, self.thousands, self.day_first, self.missing_values, self.encoding
        )

    def reader_after(self, first: Content) -> Delimited:
        """Return what reads the other files: what was recognized in the first holds for them as well."""
        return self.reader.settled(first.notes)
