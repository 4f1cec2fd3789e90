"""A column into the target: class labels or numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np

from lossexp.components import Array
from lossexp.datasets import conversion
from lossexp.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

AskedTask: TypeAlias = Literal["auto", "regression", "binary", "multiclass"]

FEW = 20
"""Whole numbers with at most so many different values may be classes ..."""
ROWS_PER_VALUE = 5
"""... if there are at least so many rows for each on average."""
AS_QUANTITIES = "if they are quantities: dataset.task=regression"


class Labels(NamedTuple):
    """A target.

    Attributes:
        y: Class labels 0..n_classes-1, or float64, `(n_samples,)`.
        class_names: In the order of the labels: numbers ascending, text in alphabetical order; none for numbers.
        note: What was decided.
    """

    y: Array
    class_names: tuple[str, ...]
    note: str


def labels(values: pd.Series, task: AskedTask, where: str) -> Labels:
    """Read a column as the target.

    `auto` takes text and truth values as classes, and whole numbers with at most 20 different values and at least five
    rows for each; all else is a continuous target.

    Args:
        values: The column.
        task: What it is to be.
        where: The file, for messages.

    Raises:
        DataError: A value is missing, there is only one, or they do not suit the task.
    """
    name = str(values.name)
    _refuse_missing(values, name, where)
    kind = conversion.kind(values.dtype)
    if kind == "number":
        conversion.refuse_extremes(where, name, values.to_numpy(dtype=np.float64))
    if kind == "date":
        raise DataError(f"{where}: the target {name!r} is a date; expected classes or numbers. Choose another target.")
    n_different = int(values.nunique())
    if len(values) < 2:
        raise DataError(f"{where} has {len(values)} row(s). Expected at least one for training and one for validation.")
    if n_different < 2:
        only = str(values.iloc[0])
        raise DataError(
            f"{where}: the target {name!r} is {only!r} in all {len(values)} rows: there is nothing to learn."
        )
    is_number = kind == "number" and values.dtype.kind != "b"
    whole = is_number and bool((values == values.round()).all())
    few = whole and n_different <= FEW and len(values) >= ROWS_PER_VALUE * n_different
    if task == "regression" or (task == "auto" and is_number and not few):
        if kind == "category":
            raise DataError(
                f"{where}: the target {name!r} is text, such as {values.iloc[0]!r}, no numbers. Use dataset.task=auto."
            )
        note = "" if task != "auto" else f"{name} is a continuous target (dataset.task)"
        return Labels(values.to_numpy(dtype=np.float64), (), note)
    return _classes(values, task, n_different, where)


def _classes(values: pd.Series, task: AskedTask, n_classes: int, where: str) -> Labels:
    import pandas as pd

    name = str(values.name)
    if n_classes > max(2, len(values) / 2):
        raise DataError(
            f"{where}: the target {name!r} has {n_classes} different values in {len(values)} rows, too many for "
            "classes. Choose another target, or for numbers dataset.task=regression."
        )
    if task != "auto" and (n_classes == 2) != (task == "binary"):
        right = "binary" if n_classes == 2 else "multiclass"
        raise DataError(
            f"{where}: the target {name!r} has {n_classes} classes, so dataset.task={task} does not fit. "
            f"Use dataset.task={right}."
        )
    codes, classes = pd.factorize(values, sort=True)
    names = tuple(str(int(value)) if isinstance(value, float) and value % 1 == 0 else str(value) for value in classes)
    numbers = values.dtype.kind in "iuf" and task == "auto"
    other = AS_QUANTITIES if numbers else "dataset.task"
    note = f"the {n_classes} different values of {name} are classes ({other})" if task == "auto" else ""
    return Labels(codes.astype(np.int64), names, note)


def _refuse_missing(values: pd.Series, name: str, where: str) -> None:
    missing = values.isna().to_numpy()
    if missing.any():
        raise DataError(
            f"{where}: the target {name!r} is missing in {int(missing.sum())} of {len(values)} rows, first in row "
            f"{int(missing.argmax())} (counted from 0). Leave these rows out, or choose another target."
        )
