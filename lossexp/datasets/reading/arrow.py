"""From the types of Arrow, which CSV, Parquet and Feather share, to the few kinds of columns that there are here."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lossexp.datasets.reading.content import Content
from lossexp.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

MISSING = ("", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "null", "NULL")
"""What stands for a missing value in text, white space around it aside."""
_STREAM = b"\xff\xff\xff\xff"
"""What a stream of Arrow begins with."""
_ROW_INDEX = re.compile(r"__index_level_\d+__")
"""What pandas calls the numbers of rows in a file."""


def read_parquet(path: Path, as_text: Collection[str] = ()) -> Content:
    """Read a Parquet file.

    Args:
        path: The file.
        as_text: As for `as_content`.

    Raises:
        DataError: It is not one.
    """
    from pyarrow import parquet

    with _named(path, "Parquet"), parquet.ParquetFile(path) as file:  # `read_table` would look at the folders too
        return as_content(_sound(file.read()), as_text)


def parquet_shape(path: Path) -> tuple[int, list[str], tuple[str, ...]]:
    """Return the number of rows of a Parquet file, its columns and why others are left out, without reading these.

    Raises:
        DataError: It is not a Parquet file.
    """
    from pyarrow import parquet

    with _named(path, "Parquet"), parquet.ParquetFile(path) as file:
        content = as_content(file.schema_arrow.empty_table())
        return file.metadata.num_rows, list(content.named.columns), content.notes


def parquet_batches(path: Path, names: Sequence[str], n_rows: int) -> Iterator[pa.Table]:
    """Yield some columns of a Parquet file in its order, about so many rows at a time.

    Raises:
        DataError: The file is damaged.
    """
    import pyarrow as pa
    from pyarrow import parquet

    with _named(path, "Parquet"), parquet.ParquetFile(path) as file:
        all_names = distinct(file.schema_arrow.names)
        wanted = [file.schema_arrow.names[all_names.index(name)] for name in names]
        for batch in file.iter_batches(batch_size=n_rows, columns=wanted):
            yield _sound(pa.Table.from_batches([batch]).select(wanted).rename_columns(list(names)))


def read_feather(path: Path, as_text: Collection[str] = ()) -> Content:
    """Read a Feather file, which is a file of Arrow, or a stream of Arrow that was written to a file.

    Args:
        path: The file.
        as_text: As for `as_content`.

    Raises:
        DataError: It is not one.
    """
    from pyarrow import feather, ipc

    with _named(path, "Feather"), path.open("rb") as file:
        is_stream = file.read(len(_STREAM)) == _STREAM
        file.seek(0)
        return as_content(_sound(ipc.open_stream(file).read_all() if is_stream else feather.read_table(file)), as_text)


def _sound(table: pa.Table) -> pa.Table:
    """Return a table whose content was looked through: what lies about where it is would end the process.

    Raises:
        ArrowException: It lies, or text is not UTF-8.
    """
    table.validate(full=True)
    return table


@contextlib.contextmanager
def _named(path: Path, kind: str) -> Iterator[None]:
    """Say which file an error is about."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # the last: of a name
        raise DataError(f"{path} cannot be read as {kind}: {str(error).splitlines()[0]}") from error


def as_content(table: pa.Table, as_text: Collection[str] = (), missing: Sequence[str] = MISSING) -> Content:
    """Return the columns as truth values, integers, float64, dates, or text without white space around it.

    Columns that hold anything else are left out.

    Args:
        table: The columns.
        as_text: Names of columns that are text even if all of it could be read as numbers or truth values.
        missing: Texts that stand for a missing value.
    """
    import pyarrow as pa

    columns, notes = {}, []
    for name, column in zip(distinct(table.column_names), table.columns, strict=True):
        if _ROW_INDEX.fullmatch(name):
            notes.append(f"{name} is left out: it is what pandas calls the index of the rows")
            continue
        plain = _plain(column, missing, is_text=name in as_text)
        if plain is None:
            notes.append(f"{name} is left out: it holds {column.type}, no numbers, truth values, dates or text")
        else:
            columns[name] = plain
    return Content(pa.table(columns).to_pandas(date_as_object=False), notes=tuple(notes))


def distinct(names: Sequence[str]) -> list[str]:
    """Return names of which no two are equal: the second "a" becomes "a (2)", and one without a name its position."""
    seen: Counter[str] = Counter()
    found = []
    for place, name in enumerate(names):
        called = name.strip() or str(place)
        seen[called] += 1
        found.append(called if seen[called] == 1 else f"{called} ({seen[called]})")
    return found


def _plain(column: pa.ChunkedArray, missing: Sequence[str], *, is_text: bool) -> pa.ChunkedArray | None:
    import pyarrow as pa
    from pyarrow import types

    kind = column.type
    if types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type), missing, is_text=is_text)
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return _trimmed(column.cast(pa.large_string()), missing, is_text=is_text)
    if types.is_integer(kind) or types.is_boolean(kind):
        return column if column.null_count == 0 else column.cast(pa.float64(), safe=False)
    if types.is_floating(kind) or types.is_decimal(kind) or types.is_null(kind):
        return column.cast(pa.float64(), safe=False)
    if types.is_date(kind) or types.is_timestamp(kind):
        return column.cast(pa.timestamp("us"), safe=False)
    if types.is_time(kind) or types.is_duration(kind):
        whole = pa.int32() if types.is_time32(kind) else pa.int64()
        return column.cast(whole).cast(pa.float64(), safe=False)
    return None


def _trimmed(text: pa.ChunkedArray, missing: Sequence[str], *, is_text: bool) -> pa.ChunkedArray:
    """Return text without white space around it and with nothing where it says so, or numbers if all of it is that."""
    import pyarrow as pa
    import pyarrow.compute as pc

    bare = pc.utf8_trim_whitespace(text)
    known = pc.if_else(pc.is_in(bare, value_set=pa.array(missing, pa.large_string())), None, bare)
    if is_text:
        return known
    if known.null_count == len(known):
        return known.cast(pa.float64())
    if known.null_count == text.null_count and bare.equals(text):
        return text  # its reader would have seen numbers
    for kind in (pa.float64(), pa.bool_(), pa.timestamp("us")):
        with contextlib.suppress(pa.ArrowInvalid):
            values = known.cast(kind)
            return values.cast(pa.float64()) if values.null_count and kind == pa.bool_() else values
    return known
