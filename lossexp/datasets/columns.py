"""Which columns of a file are features, and which other columns have a part to play."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lossexp.components import Array
from lossexp.datasets import conversion
from lossexp.datasets.preparation import MAX_CATEGORIES
from lossexp.datasets.table import PARTS
from lossexp.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

_FEW_CATEGORIES = 20
_SHOWN = 20
_SPLIT_NAMES = {"train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "dev": 1, "test": 2, "testing": 2}


def find(wanted: str | int, names: Sequence[str], setting: str, where: str, notes: Sequence[str] = ()) -> str:
    """Return the name of a column given by name, or by position from 0; `notes` are told where there is none.

    Raises:
        DataError: There is no such column.
    """
    if str(wanted) in names:
        return str(wanted)
    if isinstance(wanted, int) and 0 <= wanted < len(names):
        return names[wanted]
    raise DataError(
        f"{where} has no column {str(wanted)!r} (dataset.{setting}).{did_you_mean(str(wanted), names)} "
        f"Columns: {listed(names) or 'none'}{''.join(f'; {note}' for note in notes)}"
    )


def listed(names: Sequence[str]) -> str:
    """Return the first names, and how many there are where these are not all."""
    return ", ".join(names[:_SHOWN]) + (f", ... ({len(names)} in all)" if len(names) > _SHOWN else "")


def usable(columns: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return the names of the columns that can be features, and why others are not or only in part.

    A column without any value is none, nor is text of which most rows have one of their own, such as names of people.
    """
    names, notes = [], []
    for (name, n_present), dtype in zip(columns.count().items(), columns.dtypes, strict=True):
        if not n_present:
            notes.append(f"{name} is left out: it has no value in any row")
            continue
        if conversion.kind(dtype) == "category":
            n_different = columns[name].nunique()
            if n_different > max(_FEW_CATEGORIES, n_present / 2):
                example = columns[name].dropna().iloc[0][:_SHOWN]
                notes.append(
                    f"{name} is left out: its {n_different} different texts, such as {example!r}, say nothing about "
                    "other rows"
                )
                continue
            if n_different > MAX_CATEGORIES:
                notes.append(f"of {name} the {MAX_CATEGORIES} most frequent texts of {n_different} are features")
        names.append(str(name))
    return names, notes


def weights(values: pd.Series, where: str) -> Array:
    """Return how much each row counts, float64 `(n_samples,)`.

    Raises:
        DataError: A value is not a number at least 0, or all are 0.
    """
    _require_kind(values, ("number",), "numbers", "weight", where)
    weight = values.to_numpy(dtype=np.float64)
    conversion.refuse_extremes(where, str(values.name), weight)
    if weight.min() < 0 or not weight.any():
        raise DataError(
            f"{where}: dataset.weight={values.name} goes from {weight.min():g} to {weight.max():g}; "
            "expected numbers at least 0 that are not all 0."
        )
    return weight


def groups(values: pd.Series, where: str) -> Array:
    """Return the group of each row as a number from 0, `(n_samples,)`.

    Raises:
        DataError: A value is missing, or there are fewer than three groups.
    """
    import pandas as pd

    codes, different = pd.factorize(values)
    _refuse_few(codes, len(different), str(values.name), "group", where)
    return np.asarray(codes)


def times(values: pd.Series, where: str) -> Array:
    """Return the place in time of each row, `(n_samples,)`; rows of one time have the same.

    Raises:
        DataError: A value is missing or neither a number nor a date, or there are fewer than three times.
    """
    import pandas as pd

    _require_kind(values, ("number", "date"), "numbers or dates such as 2024-12-31", "time", where)
    codes, different = pd.factorize(values, sort=True)
    _refuse_few(codes, len(different), str(values.name), "time", where)
    return np.asarray(codes)


def parts(values: pd.Series, where: str) -> Array:
    """Return the place in `PARTS` of the split that each row belongs to, `(n_samples,)`.

    Raises:
        DataError: A value is not the name of a split.
    """
    places = values.astype("str").str.lower().map(_SPLIT_NAMES)
    if places.isna().any():
        row = int(places.isna().to_numpy().argmax())
        raise DataError(
            f"{where}: dataset.split_column={values.name} has {str(values.iloc[row])!r} in row {row} (counted from 0); "
            f"expected {', '.join(PARTS)} in every row."
        )
    return places.to_numpy(dtype=np.int64)


def _require_kind(values: pd.Series, kinds: Sequence[str], expected: str, setting: str, where: str) -> None:
    if conversion.kind(values.dtype) not in kinds:
        raise DataError(
            f"{where}: dataset.{setting}={values.name} has values such as {str(values.iloc[0])!r}; expected {expected}."
        )


def _refuse_few(codes: Array, n_different: int, name: str, setting: str, where: str) -> None:
    if codes.min() < 0:
        row = int(codes.argmin())
        raise DataError(
            f"{where}: dataset.{setting}={name} is missing in {int((codes < 0).sum())} rows, first in row {row} "
            "(counted from 0). Fill it in or leave these rows out."
        )
    if n_different < len(PARTS):
        raise DataError(
            f"{where}: dataset.{setting}={name} has {n_different} different values; expected at least {len(PARTS)}, so "
            "that each split gets one."
        )
