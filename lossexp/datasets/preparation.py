"""From columns to features: what is learned on the training rows, and applied to all others and to new data.

    numbers      missing values become the training mean, then each is standardized
    dates        days since 1970, month, weekday and hour, those that vary, each treated as a number
    categories   one feature per category seen in training, 1 where a row has it; one that was not seen has none

and one feature per column that had missing values in training, 1 where the value is missing. It is what scikit-learn's
SimpleImputer with its indicator, StandardScaler and OneHotEncoder compute, as plain numbers and text: it is saved as
JSON, and the arrays of a bundled dataset need neither pandas nor scikit-learn.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lossexp.components import Array
from lossexp.datasets import conversion
from lossexp.datasets.conversion import Kind
from lossexp.datasets.scaling import centre_and_scale
from lossexp.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

Rows: TypeAlias = Any
"""Rows as they come: a `pandas.DataFrame`, an array `(n_samples, n_columns)`, or a SciPy CSR matrix."""

MAX_CATEGORIES = 100
"""Of a column with more categories, the rarest count as not seen."""


@dataclass(frozen=True)
class Column:
    """One input column, and how it becomes features.

    Attributes:
        name: As in the file.
        kind: What its values are.
        parts: Of a date, those that are features. The only part of a number is itself, "". A category has none.
        fill: What stands for a missing value, by part.
        mean: What is subtracted, by part.
        scale: What it is divided by then, by part.
        categories: Those that have a feature, in its order.
        indicates_missing: Whether a feature says that the value is missing.
    """

    name: str
    kind: Kind = "number"
    parts: tuple[str, ...] = ("",)
    fill: tuple[float, ...] = ()
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    indicates_missing: bool = False


@dataclass(frozen=True)
class Preparation:
    """What turns rows into features, learned on the training split alone.

    Attributes:
        columns: What new data must have.
        unused: Other columns of the file, such as the target: new data may have them or not.
    """

    columns: tuple[Column, ...] = ()
    unused: tuple[str, ...] = ()

    @classmethod
    def learned(
        cls,
        train: Rows,
        names: Sequence[str],
        *,
        standardize: bool,
        unit: float = 1.0,
        unused: Sequence[str] = (),
        lacking: Collection[str] = (),
    ) -> Preparation:
        """Learn from training rows, at least one.

        Args:
            train: The rows.
            names: One per column.
            standardize: Whether numbers and dates get mean 0 and standard deviation 1. A sparse matrix is not
                centred, so that it stays sparse, and divided by the largest absolute value of each column: by the
                standard deviation, what is rare would become huge.
            unit: What numbers are divided by otherwise.
            unused: Other columns of the file.
            lacking: Columns that have missing values in training rows which are not among these.
        """
        if conversion.is_sparse(train):
            centre, scale = np.zeros(train.shape[1]), _largest(train)
            plan = cls(tuple(map(Column, names)), tuple(unused))
        else:
            plan = cls(tuple(_planned(train, names, lacking)), tuple(unused))
            numbers = plan._numbers(train)
            centre, scale = centre_and_scale(_filled(numbers, _means(numbers)) if np.isnan(numbers).any() else numbers)
        if standardize:
            return plan._with(centre, centre, scale)
        return plan._with(centre, np.zeros_like(centre), np.full_like(scale, unit))

    @functools.cached_property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features: numbers and dates, then what is missing, then categories."""
        parts = (f"{column.name} ({part})" if part else column.name for column in self.columns for part in column.parts)
        missing = (f"{column.name} is missing" for column in self.columns if column.indicates_missing)
        categories = (f"{column.name}={value}" for column in self.columns for value in column.categories)
        return (*parts, *missing, *categories)

    @functools.cached_property
    def categories(self) -> frozenset[str]:
        """Names of the columns of categories: their values are text, also where all could be read as numbers."""
        return frozenset(column.name for column in self.columns if column.kind == "category")

    def transform(self, table: Rows) -> Rows:
        """Return the features of rows, float64 `(n_samples, n_features)`; of a sparse matrix again one.

        Args:
            table: A table with these columns in any order, or an array with one column for each, in this order.

        Raises:
            DataError: Columns are missing or unknown, or a value is not of the kind of its column, or infinite.
        """
        self._refuse_other_columns(table)
        if conversion.is_sparse(table) and self._learned("mean").any():
            table = table.toarray()
        if conversion.is_sparse(table):
            return table.astype(np.float64).multiply(1 / self._learned("scale")).tocsr()
        numbers = self._numbers(table)
        if not conversion.in_bounds(numbers):
            names = [column.name for column in self.columns for _ in column.parts]
            for name, values in zip(names, numbers.T, strict=True):
                conversion.refuse_extremes("The data", name, values, missing_allowed=True)
        others = [*self._indicators(table), *self._one_hot(table)]
        if np.isnan(numbers).any():
            numbers = _filled(numbers, self._learned("fill"))
        numbers -= self._learned("mean")
        numbers /= self._learned("scale")
        return np.hstack([numbers, *others]) if others else numbers

    def unseen(self, table: pd.DataFrame) -> dict[str, int]:
        """Return, for each column that has any, how many values are categories without a feature."""
        counts = {}
        for column in self.columns:
            if column.kind == "category":
                values = table[column.name]
                counts[column.name] = int(((_codes(column, values) == -1) & values.notna().to_numpy()).sum())
        return {name: count for name, count in counts.items() if count}

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as JSON can hold them."""
        # Faster than `asdict`, which copies deeply: pictures have a thousand columns, and sweeps a thousand runs.
        return {"columns": [dict(vars(column)) for column in self.columns], "unused": self.unused}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preparation:
        """Return what `to_dict` was made from."""
        columns = []
        for column in values["columns"]:
            fields: dict[str, Any] = {
                k: tuple(value) if isinstance(value, list) else value for k, value in column.items()
            }
            columns.append(Column(**fields))
        return cls(tuple(columns), tuple(values["unused"]))

    def _with(self, fill: Array, mean: Array, scale: Array) -> Preparation:
        """Return this with the statistics of all parts `(n_parts,)` dealt out to their columns."""
        learned = {"fill": iter(fill.tolist()), "mean": iter(mean.tolist()), "scale": iter(scale.tolist())}
        columns = []
        for column in self.columns:
            own: dict[str, Any] = {name: tuple(next(values) for _ in column.parts) for name, values in learned.items()}
            columns.append(dataclasses.replace(column, **own))
        return dataclasses.replace(self, columns=tuple(columns))

    def _learned(self, statistic: str) -> Array:
        """Return a statistic of all parts, `(n_parts,)`."""
        return np.array([value for column in self.columns for value in getattr(column, statistic)], dtype=np.float64)

    def _numbers(self, table: Rows) -> Array:
        """Return all parts as a new array `(n_samples, n_parts)`, missing values NaN.

        It is float64, but for arrays of numbers that float32 holds as well: pictures would take eight times the memory.
        """
        if isinstance(table, np.ndarray):
            return np.array(table, dtype=np.result_type(table.dtype, np.float32), order="C")
        names = [column.name for column in self.columns]
        if all(column.kind == "number" for column in self.columns) and _are_numbers(table[names]):
            return np.array(table[names].to_numpy(dtype=np.float64), order="C")
        numbers = np.empty((len(table), sum(len(column.parts) for column in self.columns)))
        place = 0
        for column in self.columns:
            if column.parts:
                values = conversion.parts(table[column.name], column.kind)
                for part in column.parts:
                    numbers[:, place] = values[part]
                    place += 1
        return numbers

    def _indicators(self, table: Rows) -> Iterator[Array]:
        for place, column in enumerate(self.columns):
            if column.indicates_missing:
                is_array = isinstance(table, np.ndarray)
                missing = np.isnan(table[:, place]) if is_array else table[column.name].isna().to_numpy()
                yield missing[:, None].astype(np.float64)

    def _one_hot(self, table: Rows) -> Iterator[Array]:
        for column in self.columns:
            if column.kind == "category":
                codes = _codes(column, table[column.name])
                seen = np.flatnonzero(codes >= 0)
                features = np.zeros((len(codes), len(column.categories)))
                features[seen, codes[seen]] = 1
                yield features

    def _refuse_other_columns(self, table: Rows) -> None:
        names = [column.name for column in self.columns]
        if not hasattr(table, "columns"):
            if table.shape[1] != len(names) or any(column.kind != "number" for column in self.columns):
                raise DataError(
                    f"An array with {table.shape[1]} columns was given; expected the columns {_some(names)}."
                )
            return
        given = list(map(str, table.columns))
        lacking, extra = _without(names, given), _without(given, (*names, *self.unused))
        if lacking or extra:
            told = [f"lacks {_some(lacking)}.{did_you_mean(lacking[0], extra)}"] if lacking else []
            told += [f"has {_some(extra)}, not known from training."] if extra else []
            raise DataError(f"The data {' It '.join(told)} Expected are the columns {_some(names)}.")


def _planned(train: Rows, names: Sequence[str], lacking: Collection[str]) -> Iterator[Column]:
    """Yield columns without their statistics."""
    if isinstance(train, np.ndarray):
        missing: Any = np.isnan(train).any(axis=0) if train.dtype.kind == "f" else np.zeros(len(names), dtype=bool)
        for name, indicates in zip(names, missing, strict=True):
            yield Column(name, indicates_missing=bool(indicates) or name in lacking)
        return
    has_missing = train.isna().any().to_dict()
    for name, dtype in train[list(names)].dtypes.items():
        kind, indicates = conversion.kind(dtype), has_missing[name] or name in lacking
        if kind == "number":
            yield Column(name, indicates_missing=bool(indicates))
        elif kind == "date":
            parts = conversion.parts(train[name].dropna(), kind)
            varying = tuple(part for part, values in parts.items() if len(np.unique(values)) > 1)
            yield Column(name, kind, varying, indicates_missing=bool(indicates))
        else:
            common = conversion.as_text(train[name]).value_counts().index[:MAX_CATEGORIES]
            yield Column(name, kind, (), categories=tuple(sorted(common)), indicates_missing=bool(indicates))


def _are_numbers(table: pd.DataFrame) -> bool:
    return all(conversion.kind(dtype) == "number" for dtype in table.dtypes)


def _codes(column: Column, values: pd.Series) -> Array:
    """Return the place of each value among the categories of its column, -1 where it is none of them."""
    import pandas as pd

    return pd.Index(column.categories, dtype="str").get_indexer(pd.Index(conversion.as_text(values)))


def _means(numbers: Array) -> Array:
    """Return the mean of what is there in each column, 0 where nothing is."""
    present = ~np.isnan(numbers)
    return np.where(present, numbers, 0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)


def _filled(numbers: Array, fill: Array) -> Array:
    return np.where(np.isnan(numbers), fill, numbers)


def _largest(X: Rows) -> Array:
    """Return the largest absolute value of each column of a sparse matrix, 1 where there is none."""
    largest = abs(X).max(axis=0).toarray().ravel()
    return np.where(largest > 0, largest, 1.0)


def _without(names: Sequence[str], others: Sequence[str]) -> list[str]:
    known = set(others)
    return [name for name in names if name not in known]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f", ... ({len(names)} in all)" if len(names) > 10 else "")
