"""Text with one row per line: CSV and its relatives, read by Arrow once it is known how they are written."""

from __future__ import annotations

import codecs
import csv
import dataclasses
import io
import itertools
import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lossexp.components import Array
from lossexp.datasets.conversion import kind
from lossexp.datasets.reading.arrow import MISSING, as_content, distinct
from lossexp.datasets.reading.content import Content
from lossexp.datasets.reading.files import uncompressed
from lossexp.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SEPARATORS = {"\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas", " ": "spaces"}
"""What is between values, the least likely inside one first: of decimal commas there may be as many in every line."""
_SNIFFED_LINES = 20
_LARGEST_BLOCK = 2**30
"""Types are inferred from the first block of so many bytes: from all rows of a file that is not huge."""
_NO_TEXT = {
    b"PK\3\4": "a ZIP archive or an Excel file, not text. Unpack it, or save the sheet as CSV.",
    b"PAR1": "a Parquet file, not text. Use dataset=parquet.",
}
"""What files begin with that are taken for text, and what they are."""
_COMMA_NUMBER = re.compile(r"[-+]?\d*,\d+")
_LINE_END = re.compile(rb"\r\n?|\n")
_MOSTLY = 0.9
_HEADER_NOTES = {
    True: "the first line has the names of the columns (dataset.header)",
    False: "the first line is a row already: columns are called by their position, from 0 (dataset.header)",
}


@dataclass(frozen=True)
class Delimited:
    """Reads text with one row per line.

    Attributes:
        header: Whether the first line has names; None to see for itself. Without, a name is the position, from 0.
        separator: What is between two values; None to see for itself.
        decimal: What is before the fraction of a number.
        encoding: How characters are written as bytes.
    """

    header: bool | None = None
    separator: str | None = None
    decimal: str = "."
    encoding: str = "utf-8"

    def __call__(self, path: Path, as_text: Collection[str] = ()) -> Content:
        """Read a file, gzipped or not.

        Args:
            path: The file.
            as_text: Names of columns that are text even if all of it could be read as numbers or truth values.

        Raises:
            DataError: It has no rows, rows of different lengths, or bytes that are no text.
        """
        _refuse_larger_than_memory(path)
        content = uncompressed(path)
        for start_of_file, what in _NO_TEXT.items():
            if content.startswith(start_of_file):
                raise DataError(f"{path} is {what}")
        text = self._utf8(content, path)
        try:
            start = list(itertools.islice(_lines(text), _SNIFFED_LINES))
        except UnicodeDecodeError:
            raise DataError(f"{path}: {_fault(text)}") from None
        if not start:
            raise DataError(f"{path} is empty: it has no line with anything on it. Give a file with rows.")
        quote = "'" if start[0].startswith("'") and start[0].rstrip().endswith("'") else '"'
        separator = self.separator or _separator(start, quote)
        try:
            first, *others = csv.reader(start, delimiter=separator, quotechar=quote, skipinitialspace=True)
        except csv.Error as error:
            raise DataError(f"{path}: {error}, in one of the first lines. Mend it.") from None
        header = _is_header(first, others) if self.header is None else self.header
        if header and not others:
            raise DataError(f"{path} has a header and no rows. Give a file with rows.")
        names = distinct(first if header else [str(place) for place in range(len(first))])
        frame = as_content(self._parsed(text, path, separator, quote, names, header, as_text), as_text).named
        for name, dtype in frame.dtypes.items():
            if kind(dtype) == "category" and name not in as_text:
                _refuse_values_as_text(frame[name], path, self.decimal)
        notes = [_HEADER_NOTES[header]] if self.header is None else []
        if not self.separator and separator != ",":
            notes.append(f"values are separated by {SEPARATORS[separator]} (dataset.separator)")
        return Content(frame, notes=tuple(notes))

    def settled(self, decisions: Collection[str]) -> Delimited:
        """Return what reads other files as the one of which these were the notes."""
        header = next((header for header, note in _HEADER_NOTES.items() if note in decisions), self.header)
        return dataclasses.replace(self, header=header)

    def _utf8(self, content: bytes, path: Path) -> bytes:
        """Return the text as UTF-8 without a byte order mark, its lines ending in a line feed."""
        encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else self.encoding
        try:
            if codecs.lookup(encoding).name != "utf-8":
                content = content.decode(encoding).encode()
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: {_bad_bytes(content, error, encoding)}") from None
        except (LookupError, ValueError):  # ValueError: a null byte in the name, or an encoding that refuses all
            raise DataError(
                f"dataset.encoding={encoding} is not known. Known are utf-8, latin-1, cp1252, ..."
            ) from None
        return content.removeprefix(codecs.BOM_UTF8)

    def _parsed(
        self,
        text: bytes,
        path: Path,
        separator: str,
        quote: str,
        names: Sequence[str],
        header: bool,
        as_text: Collection[str],
    ) -> pa.Table:
        import pyarrow as pa
        from pyarrow import csv as arrow

        read = arrow.ReadOptions(
            block_size=min(len(text) + 1, _LARGEST_BLOCK),
            skip_rows=len(_LINE_END.findall(text[: len(text) - len(text.lstrip())])),  # empty lines before the header
            column_names=names,
            skip_rows_after_names=int(header),
        )
        parse = arrow.ParseOptions(delimiter=separator, quote_char=quote, newlines_in_values=True)
        convert = arrow.ConvertOptions(
            column_types=dict.fromkeys(as_text, pa.string()),
            null_values=MISSING,
            strings_can_be_null=True,
            decimal_point=self.decimal,
            check_utf8=True,
        )
        try:
            table = arrow.read_csv(pa.BufferReader(text), read, parse, convert)
        except (pa.ArrowInvalid, UnicodeDecodeError) as error:
            raise DataError(f"{path}: {_fault(text, len(names), separator, quote) or error}") from None
        if any(pa.types.is_binary(field.type) for field in table.schema):
            raise DataError(f"{path}: {_fault(text)}")
        return table


def _refuse_larger_than_memory(path: Path) -> None:
    size, memory = path.stat().st_size, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if size > memory:
        raise DataError(
            f"{path} has {size / 2**30:.1f} GiB, more than the {memory / 2**30:.1f} GiB of memory, and text is read "
            "as a whole. Convert it to Parquet, which is streamed, and use dataset=parquet."
        )


def _lines(text: bytes) -> Iterator[str]:
    """Yield the lines that have something on them."""
    for line in io.TextIOWrapper(io.BytesIO(text), encoding="utf-8"):
        if line.strip():
            yield line


def _separator(lines: Sequence[str], quote: str) -> str:
    """Return what cuts lines into the same number of values, the same as the first, and into more than one."""

    def cuts(separator: str) -> bool:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=separator, quotechar=quote)]
        except csv.Error:  # what would be one value is longer than values are
            return False
        return widths[0] > 1 and widths.count(widths[0]) >= _MOSTLY * len(widths)

    return next(filter(cuts, SEPARATORS), ",")


def _is_header(first: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Tell whether a line has names.

    None of them is a number, and below one of them there are numbers alone; where all is text, no name comes again
    below itself. Names may be the positions as well, which is what pandas writes where there are none.
    """
    names = {place: value.strip() for place, value in enumerate(first) if value.strip() not in MISSING}
    if len(names) > 2 and list(names.values()) == [str(place) for place in range(len(names))]:
        return True
    if not names or any(map(_is_number, names.values())):
        return False
    below: dict[int, list[str]] = {
        place: [row[place].strip() for row in others if len(row) > place and row[place].strip() not in MISSING]
        for place in names
    }
    if any(values and all(map(_is_number, values)) for values in below.values()):
        return True
    return not any(name in below[place] for place, name in names.items())


def _is_number(value: str) -> bool:
    try:
        float(value.strip().replace(",", "."))
    except ValueError:
        return False
    return True


def _refuse_values_as_text(values: pd.Series, path: Path, decimal: str) -> None:
    """Refuse a column of numbers or dates that is text for the sake of a few values or of its decimal points.

    Raises:
        DataError: It is one.
    """
    import pandas as pd

    different: Array = values.dropna().unique()[:10_000]
    if len(different) < 2:
        return
    commas = [value for value in different if _COMMA_NUMBER.fullmatch(value)]
    if len(commas) >= _MOSTLY * len(different):
        raise DataError(
            f"{path}: column {values.name!r} has numbers with a comma, such as {commas[0]!r}. "
            "If it is the decimal point: dataset.decimal=','"
        )
    text = pd.Series(different, dtype="str")
    is_number = pd.to_numeric(text, errors="coerce").notna()
    if is_number.all():
        raise DataError(
            f"{path}: column {values.name!r} has numbers such as {different[0]!r}, which dataset.decimal={decimal!r} "
            "does not fit."
        )
    days = text.where(text.str.match(r"\d{4}-\d\d-\d\d"))
    is_date = pd.to_datetime(days, errors="coerce", format="ISO8601", utc=True).notna()
    for what, known in (("numbers", is_number), ("dates", is_date)):
        if _MOSTLY <= known.mean() < 1:
            stranger = different[int(known.to_numpy().argmin())]
            row = int((values == stranger).to_numpy().argmax())
            raise DataError(
                f"{path}: column {values.name!r} has {what}, but also {stranger!r}, first in row {row} (counted from "
                "0). Mend it, or leave it empty if the value is missing."
            )


def _fault(text: bytes, width: int = 0, separator: str = ",", quote: str = '"') -> str:
    """Find what is wrong with a text that cannot be parsed, and where."""
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        return _bad_bytes(text, error, "utf-8")
    rows: Any = csv.reader(io.StringIO(decoded, newline=""), delimiter=separator, quotechar=quote)
    try:
        for row in rows:
            if row and len(row) != width:
                return (
                    f"line {rows.line_num} has {len(row)} values, expected {width} as in the first line. Mend the "
                    "line, or say what separates values: dataset.separator=';'"
                )
    except csv.Error as error:
        return f"line {rows.line_num}: {error}. Mend the line."
    return ""


def _bad_bytes(content: bytes, error: UnicodeDecodeError, encoding: str) -> str:
    line = content.count(b"\n", 0, error.start) + 1
    return (
        f"the byte 0x{content[error.start]:02x} at offset {error.start}, in line {line}, is not {encoding}. "
        "If the file is in another encoding: dataset.encoding=latin-1"
    )
