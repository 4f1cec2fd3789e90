"""Text with one row per line: CSV and its relatives, read by Arrow once it is known how they are written."""

from __future__ import annotations

import codecs
import csv
import dataclasses
import io
import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lossexp.datasets.conversion import kind
from lossexp.datasets.reading.arrow import MISSING, as_content, distinct
from lossexp.datasets.reading.compression import uncompressed
from lossexp.datasets.reading.content import Content
from lossexp.datasets.reading.written import DAY_NOTES, THOUSANDS_NOTES, Writing
from lossexp.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")

SEPARATORS = {"\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas", " ": "spaces"}
"""What is between values, the least likely inside one first: of decimal commas there may be as many in every line."""
_SNIFFED_LINES = 20
_SNIFFED_BYTES = 2**24
_LARGEST_BLOCK = 2**30
"""Types are inferred from the first block of so many bytes: from all rows of a file that is not huge."""
_NO_TEXT = {
    b"PAR1": "a Parquet file, not text. Use dataset=parquet.",
    b"ARROW1": "a Feather file, not text. Use dataset=feather.",
    b"\x93NUMPY": "an array of NumPy, not text. Use dataset=npy, or npz for an archive.",
    b"\xd0\xcf\x11\xe0": "an Excel file, not text. Save the sheet as CSV.",
    b'{"': "JSON, no table of values. Write it as CSV: pandas.read_json(..., lines=True).to_csv(...)",
    b'[{"': "JSON, no table of values. Write it as CSV: pandas.read_json(...).to_csv(...)",
}
"""What files begin with that are taken for text, and what they are."""
_SAID = re.compile(rb"sep=(.)\r?\n")
"""The first line with which Excel says what is between values."""
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
        thousands: What is between its thousands; None to see for itself.
        day_first: Whether the day is before the month in dates such as 01/02/2024; None to see for itself.
        missing_values: Texts that stand for a missing value, besides those that always do.
        encoding: How characters are written as bytes.
    """

    header: bool | None = None
    separator: str | None = None
    decimal: str = "."
    thousands: str | None = None
    day_first: bool | None = None
    missing_values: tuple[str, ...] = ()
    encoding: str = "utf-8"

    def __call__(self, path: Path, as_text: Collection[str] = ()) -> Content:
        """Read a file, compressed or not.

        Args:
            path: The file.
            as_text: Names of columns that are text even if all of it could be read as numbers or truth values.

        Raises:
            DataError: It has no rows, rows of different lengths, or bytes that are no text.
        """
        content = uncompressed(path)
        for start_of_file, what in _NO_TEXT.items():
            if content.startswith(start_of_file):
                raise DataError(f"{path} is {what}")
        text, separator, quote = self._dialect(self._utf8(content, path), path)
        start = _first_lines(text, path)
        try:
            first, *others = csv.reader(start, delimiter=separator, quotechar=quote, skipinitialspace=True)
        except csv.Error as error:
            raise DataError(f"{path}: {error}, in one of the first lines. Mend it.") from None
        header = _is_header(first, others) if self.header is None else self.header
        if header and not others:
            raise DataError(f"{path} has a header and no rows. Give a file with rows.")
        names = distinct(first if header else [str(place) for place in range(len(first))])
        table = self._parsed(text, path, separator, quote, names, header, as_text)
        frame = as_content(table, as_text, self._missing).named
        kinds = {str(name): kind(dtype) for name, dtype in frame.dtypes.items() if name not in as_text}
        texts = [name for name in kinds if kinds[name] == "category"]
        read, decisions = Writing(self.decimal, self.thousands, self.day_first).read(frame, texts, path)
        notes = [_HEADER_NOTES[header]] if self.header is None else []
        if not self.separator and separator != ",":
            notes.append(f"values are separated by {SEPARATORS.get(separator, separator)} (dataset.separator)")
        return Content(frame.assign(**read), notes=(*notes, *decisions))

    def settled(self, decisions: Collection[str]) -> Delimited:
        """Return what reads other files as the one of which these were the notes."""

        def told(notes: Mapping[T, str], otherwise: T | None) -> T | None:
            return next((value for value, note in notes.items() if note in decisions), otherwise)

        return dataclasses.replace(
            self,
            header=told(_HEADER_NOTES, self.header),
            thousands=told(THOUSANDS_NOTES, self.thousands),
            day_first=told(DAY_NOTES, self.day_first),
        )

    @property
    def _missing(self) -> tuple[str, ...]:
        return (*MISSING, *self.missing_values)

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
        if (place := content.find(b"\0")) >= 0:
            raise DataError(
                f"{path} has a null byte at offset {place}, which no text has. If every second byte is one, it is "
                "UTF-16: dataset.encoding=utf-16-le, or utf-16-be where it is the first of two."
            )
        return content.removeprefix(codecs.BOM_UTF8)

    def _dialect(self, text: bytes, path: Path) -> tuple[bytes, str, str]:
        """Return a text as it can be cut, what is between its values, and what is around those that contain that."""
        if said := _SAID.match(text):
            text = text[said.end(1) :]  # an empty line is left of it: the others keep their numbers
        start = _first_lines(text, path)
        quote = "'" if start[0].startswith("'") and start[0].rstrip().endswith("'") else '"'
        separator = self.separator or (said[1].decode() if said else _separator(start, quote))
        return _single_spaced(text, quote) if separator == " " else text, separator, quote

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
            null_values=self._missing,
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


def _first_lines(text: bytes, path: Path) -> list[str]:
    """Return the first lines that have something on them.

    Raises:
        DataError: There is none, or they are not UTF-8.
    """
    start = text[:_SNIFFED_BYTES]
    if len(start) < len(text):
        start = start[: start.rfind(b"\n") + 1] or start
    lines = io.TextIOWrapper(io.BytesIO(start), encoding="utf-8")
    try:
        found = list(itertools.islice(filter(str.strip, lines), _SNIFFED_LINES))
    except UnicodeDecodeError:
        raise DataError(f"{path}: {_fault(text)}") from None
    if not found:
        raise DataError(f"{path} is empty: it has no line with anything on it. Give a file with rows.")
    return found


def _separator(lines: Sequence[str], quote: str) -> str:
    """Return what cuts lines into the same number of values, the same as the first, and into more than one."""

    def cuts(separator: str) -> bool:
        try:
            bare = [line.strip() for line in lines] if separator == " " else lines
            reader = csv.reader(bare, delimiter=separator, quotechar=quote, skipinitialspace=separator == " ")
            widths = [len(row) for row in reader]
        except csv.Error:  # what would be one value is longer than values are
            return False
        return widths[0] > 1 and widths.count(widths[0]) >= _MOSTLY * len(widths)

    return next(filter(cuts, SEPARATORS), ",")


def _single_spaced(text: bytes, quote: str) -> bytes:
    """Return text with one space between two values, and none before the first or after the last."""
    if not re.search(rb"[ \t]{2}|\t|^ | \r?$", text, re.MULTILINE):
        return text
    quoted = quote.encode()
    spaced = re.sub(rb"(%b[^%b]*%b)|[ \t]+" % (quoted, quoted, quoted), lambda match: match[1] or b" ", text)
    return re.sub(rb"^ | (?=\r?$)", b"", spaced, flags=re.MULTILINE)


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
                    f"line, {'leave out a title above the names, ' * (width == 1)}or say what separates values: "
                    "dataset.separator=';'"
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
