"""New rows, whatever holds them, as the table of the columns that a model was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lossexp.components import Array
from lossexp.datasets import conversion
from lossexp.datasets.preparation import Preparation, Rows
from lossexp.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


def aligned(rows: Any, preparation: Preparation) -> Rows:
    """Return rows as `Preparation.transform` takes them.

    A table has names. The columns of an array are those that were trained on, in their order. Where the training rows
    had no names, positions are names: a table without any, or an array, has all columns of the training rows or those
    that were trained on.

    Args:
        rows: A data frame, a mapping of names to columns, a list of rows with names or without, an array, or a sparse
            matrix.
        preparation: What was learned on the training rows.

    Raises:
        DataError: They are none of these, a name comes twice, or positions do not say which column is which.
    """
    if conversion.is_sparse(rows):
        return rows
    names = [column.name for column in preparation.columns]
    n_known = len({*names, *preparation.unused})
    had_names = {*names, *preparation.unused} != set(_positions(n_known))
    if isinstance(rows, Mapping) or hasattr(rows, "columns") or _are_records(rows):
        table = _named(rows)
        has_names = list(table.columns) != _positions(table.shape[1])
        return table if had_names or has_names else _by_position(table, names, n_known)
    array = _array(rows)
    if array.shape[1] != len(names):
        return array if had_names else _by_position(_table(array, _positions(array.shape[1])), names, n_known)
    is_plain = array.dtype.kind in "biuf" and all(column.kind == "number" for column in preparation.columns)
    return array if is_plain else _table(array, names)


def _are_records(rows: Any) -> bool:
    return isinstance(rows, list) and bool(rows) and all(isinstance(row, Mapping) for row in rows)


def _named(rows: Any) -> pd.DataFrame:
    import pandas as pd

    try:
        table = rows.to_pandas() if hasattr(rows, "to_pandas") else pd.DataFrame(rows)
    except ValueError as error:
        raise DataError(
            f"The rows are no table: {error}. Expected columns of equal length; of one record, a list: [record]."
        ) from error
    table = table.set_axis([str(name) for name in table.columns], axis="columns")
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise DataError(f"The data has the column {twice[0]!r} more than once. Expected: every name once.")
    return table


def _array(rows: Any) -> Array:
    try:
        array = np.asarray(rows)
        if array.dtype.kind == "U" and isinstance(rows, Sequence):
            array = np.array(rows, dtype=object)  # NumPy would make text of numbers, and of what is missing
    except ValueError as error:
        raise DataError(f"The rows are no table: {error}. Expected rows of equal length.") from error
    if array.ndim != 2:
        raise DataError(f"Rows of the shape {array.shape} were given; expected a table, (n_samples, n_columns).")
    return array


def _table(array: Array, names: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(array, columns=list(names), copy=False)


def _by_position(table: pd.DataFrame, names: Sequence[str], n_known: int) -> pd.DataFrame:
    """Return a table without names with those of the columns of the training rows, which had none either."""
    n_given = table.shape[1]
    if n_given not in (n_known, len(names)):
        some = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
        raise DataError(
            f"The data has {n_given} columns without names; expected the {n_known} of the training rows, or the "
            f"{len(names)} that were trained on, which are at {some}, counted from 0."
        )
    return table if n_given == n_known else table.set_axis(list(names), axis="columns")


def _positions(n: int) -> list[str]:
    return [str(place) for place in range(n)]
