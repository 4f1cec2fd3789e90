"""From the types of Arrow, which CSV, Parquet and Feather share, to the few kinds of columns that there are here."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lossexp.datasets.reading.content import Content
from lossexp.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MISSING = ("", "?", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL")
"""What stands for a missing value in text, white space around it aside."""


def read_parquet(path: Path) -> Content:
    """Read a Parquet file.

    Raises:
        DataError: It is not one, or it holds values that are no numbers, dates or text.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return Content(as_frame(parquet.read_table(path), path))
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {_reason(error)}") from error


def parquet_shape(path: Path) -> tuple[int, list[str]]:
    """Return the number of rows of a Parquet file and the names of its columns, without reading these.

    Raises:
        DataError: It is not a Parquet file.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            return file.metadata.num_rows, distinct(file.schema_arrow.names)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {_reason(error)}") from error


def parquet_batches(path: Path, names: Sequence[str], n_rows: int) -> Iterator[pd.DataFrame]:
    """Yield some columns of a Parquet file in its order, about so many rows at a time.

    Raises:
        DataError: The file is damaged, or holds values that are no numbers, dates or text.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            all_names = distinct(file.schema_arrow.names)
            wanted = [file.schema_arrow.names[all_names.index(name)] for name in names]
            for batch in file.iter_batches(batch_size=n_rows, columns=wanted):
                yield as_frame(pa.Table.from_batches([batch]).select(wanted), path).set_axis(list(names), axis=1)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {_reason(error)}") from error


def read_feather(path: Path) -> Content:
    """Read a Feather file, which is a file of Arrow.

    Raises:
        DataError: It is not one, or it holds values that are no numbers, dates or text.
    """
    import pyarrow as pa
    from pyarrow import feather

    try:
        return Content(as_frame(feather.read_table(path), path))
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as Feather: {_reason(error)}") from error


def as_frame(table: pa.Table, path: Path) -> pd.DataFrame:
    """Return the columns as truth values, integers, float64, dates, or text without white space around it.

    Raises:
        DataError: A column holds something else.
    """
    import pyarrow as pa

    columns = [_plain(column, name, path) for name, column in zip(table.column_names, table.columns, strict=True)]
    names = distinct(table.column_names)
    return pa.table(columns, names=names).to_pandas(date_as_object=False)


def distinct(names: Sequence[str]) -> list[str]:
    """Return names of which no two are equal: the second "a" becomes "a (2)", and one without a name its position."""
    seen: Counter[str] = Counter()
    found = []
    for place, name in enumerate(names):
        called = name.strip() or str(place)
        seen[called] += 1
        found.append(called if seen[called] == 1 else f"{called} ({seen[called]})")
    return found


def _plain(column: pa.ChunkedArray, name: str, path: Path) -> pa.ChunkedArray:
    import pyarrow as pa
    from pyarrow import types

    kind = column.type
    if types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type), name, path)
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return _trimmed(column.cast(pa.large_string()))
    if types.is_integer(kind) or types.is_boolean(kind):
        return column if column.null_count == 0 else column.cast(pa.float64(), safe=False)
    if types.is_floating(kind) or types.is_decimal(kind) or types.is_null(kind):
        return column.cast(pa.float64(), safe=False)
    if types.is_date(kind) or types.is_timestamp(kind):
        return column.cast(pa.timestamp("us"), safe=False)
    if types.is_time(kind) or types.is_duration(kind):
        whole = pa.int32() if types.is_time32(kind) else pa.int64()
        return column.cast(whole).cast(pa.float64(), safe=False)
    raise DataError(
        f"{path}: column {name!r} holds {kind}; expected numbers, truth values, dates or text. "
        f"Leave it out: 'dataset.drop=[{name}]'"
    )


def _trimmed(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text without white space around it and with nothing where it says so, or numbers if all of it is that."""
    import pyarrow as pa
    import pyarrow.compute as pc

    bare = pc.utf8_trim_whitespace(text)
    known = pc.if_else(pc.is_in(bare, value_set=pa.array(MISSING, pa.large_string())), None, bare)
    if known.null_count == len(known):
        return known.cast(pa.float64())
    if known.null_count == text.null_count and bare.equals(text):
        return text  # its reader would have seen numbers
    for kind in (pa.float64(), pa.bool_()):
        with contextlib.suppress(pa.ArrowInvalid):
            values = known.cast(kind)
            return values.cast(pa.float64()) if values.null_count else values
    return known


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0]
