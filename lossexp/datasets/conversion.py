"""The values of one column of a table, as numbers, dates or text; pandas is not imported to work on arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from lossexp.components import Array
from lossexp.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

Kind: TypeAlias = Literal["number", "date", "category"]

LARGEST = 1e150
"""Numbers beyond this have squares and sums of squares that are infinite."""


def is_sparse(table: Any) -> bool:
    """Tell whether a table is a SciPy sparse matrix."""
    return type(table).__module__.startswith("scipy.sparse")


def kind(dtype: Any) -> Kind:
    """Return what the values of a column with this type are."""
    if dtype.kind in "biuf":
        return "number"
    return "date" if dtype.kind == "M" else "category"


def parts(values: pd.Series, kind: Kind) -> dict[str, Array]:
    """Return the parts of a column of numbers or dates, each float64 `(n_samples,)`, missing values NaN.

    A number is its only part, "". Of dates these are days since 1970, month, weekday (Monday is 0) and hour.

    Raises:
        DataError: A value is not of this kind.
    """
    return {"": _numbers(values)} if kind == "number" else _dates(values)


def _numbers(values: pd.Series) -> Array:
    import pandas as pd

    if values.dtype.kind in "biuf":
        return values.to_numpy(dtype=np.float64)
    # A date is a number to pandas.
    numbers = pd.to_numeric(values.astype("str") if values.dtype.kind in "mMc" else values, errors="coerce")
    _refuse_lost(values, numbers, "a number")
    return numbers.to_numpy(dtype=np.float64)


def _dates(values: pd.Series) -> dict[str, Array]:
    import pandas as pd

    text = values.where(values.isna()) if values.dtype.kind in "biuf" else values  # 20241231 would be one of 1970
    dates = values if values.dtype.kind == "M" else pd.to_datetime(text, errors="coerce", format="ISO8601", utc=True)
    _refuse_lost(values, dates, "a date such as 2024-12-31")
    dates = dates.dt.tz_convert(None) if dates.dt.tz else dates
    # In microseconds: nanoseconds end in 2262, before the 9999-12-31 that stands for no end.
    days = (dates.astype("datetime64[us]") - np.datetime64(0, "us")) / pd.Timedelta(days=1)
    found = {"days": days, "month": dates.dt.month, "weekday": dates.dt.day_of_week, "hour": dates.dt.hour}
    return {name: part.to_numpy(dtype=np.float64) for name, part in found.items()}


def as_text(values: pd.Series) -> pd.Series:
    """Return a column as text without white space around it; 1 and 1.0 are the same."""
    if values.dtype.kind == "O":
        values = values.infer_objects()
    if values.dtype.kind == "f" and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    return values.astype("str").str.strip().where(values.notna())


def refuse_extremes(where: str, name: str, values: Array, *, missing_allowed: bool = False) -> None:
    """Refuse numbers `(n_samples,)` that are missing, infinite, or so large that their squares are.

    Raises:
        DataError: There is one; the message has the name of the column, their number and the first row.
    """
    wrong = ~(np.abs(values) <= LARGEST)
    if missing_allowed:
        wrong &= ~np.isnan(values)
    if wrong.any():
        row = int(np.argmax(wrong))
        huge = np.isfinite(values[row])
        what = f"values beyond {LARGEST:g}, whose squares overflow," if huge else "missing or infinite values,"
        todo = "Give it in larger units." if huge else "Fill them in or leave these rows out."
        raise DataError(
            f"{where}: column {name!r} has {int(wrong.sum())} {what} the first in row {row} (counted from 0): "
            f"{values[row]:g}. {todo}"
        )


def in_bounds(values: Array) -> bool:
    """Tell whether nothing is missing, infinite or too large, in two passes without a copy."""
    return values.size == 0 or bool(float(values.min()) >= -LARGEST and float(values.max()) <= LARGEST)


def _refuse_lost(before: pd.Series, after: pd.Series, expected: str) -> None:
    lost = (after.isna() & before.notna()).to_numpy()
    if lost.any():
        row = int(np.argmax(lost))
        raise DataError(
            f"Column {before.name!r} has {int(lost.sum())} values that are not {expected}, the first in row {row} "
            f"(counted from 0): {str(before.iloc[row])!r}. Expected {expected} in every row."
        )
