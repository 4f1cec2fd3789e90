"""All rows of a dataset in one piece, and what must hold for them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lossexp.components import Array
from lossexp.datasets import conversion
from lossexp.datasets.card import DataCard
from lossexp.datasets.preparation import Rows
from lossexp.datasets.splitting import blocks
from lossexp.datasets.streaming import Streamed, spread
from lossexp.errors import DataError
from lossexp.targets import Target, Task

if TYPE_CHECKING:
    import pandas as pd

PARTS = ("train", "val", "test")
"""The splits, in the order of the numbers in `Table.part`."""


@dataclass(frozen=True)
class Table:
    """All rows of a dataset, before any setting is applied to them.

    The class names say what is to be predicted: one of two classes, one of many, or without names a number.

    Attributes:
        X: Columns: an array `(n_samples, n_columns)`, a data frame, a SciPy CSR matrix, or a `Streamed` table.
        y: Class labels 0..n_classes-1 as integers, or real numbers, `(n_samples,)`.
        feature_names: Names of the columns of `X`.
        class_names: One per class; none for a continuous target.
        target_name: What the target is called.
        weight: How much each row counts `(n_samples,)`, at least 0; None where all count alike.
        group: Rows with the same number 0..n_groups-1 depend on each other and go into the same split `(n_samples,)`;
            None for no groups.
        time: The same, and the splits follow each other in time: the largest numbers are for testing. Rows of times
            that are close depend on each other as well.
        part: Place in `PARTS` of the split that each row belongs to, `(n_samples,)`; None where splits are drawn.
            Validation rows are drawn from the training rows if there are none.
        unit: What numbers in an array `X` are counted in: they are divided by it, unless they are standardized.
        fills_missing: Whether NaN is allowed in `X`, to be filled with what is learned on the training rows.
        unused: Names of other columns that came with the rows.
        card: What a person should know about the rows; None for data that are known.
    """

    X: Rows
    y: Array
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...] = ()
    target_name: str = "target"
    weight: Array | None = None
    group: Array | None = None
    time: Array | None = None
    part: Array | None = None
    unit: float = 1.0
    fills_missing: bool = False
    unused: tuple[str, ...] = ()
    card: DataCard | None = None

    @property
    def target(self) -> Target:
        """What is to be predicted."""
        n_classes = len(self.class_names)
        task = Task.REGRESSION if not n_classes else Task.BINARY if n_classes == 2 else Task.MULTICLASS
        return Target(task, n_classes)

    def rows(self, part: Array) -> Rows:
        """Return some of the rows of `X`."""
        return self.X.iloc[part] if hasattr(self.X, "iloc") else self.X[part]

    def learned_on(self, train: Array) -> tuple[Rows, tuple[str, ...]]:
        """Return the training rows that are learned from, and the columns in which others have missing values.

        Args:
            train: The training rows, numbers in increasing order of a table that is streamed.
        """
        if not isinstance(self.X, Streamed):
            return self.rows(train), ()
        some = spread(train)
        lacking = self.X.lacking(train) if len(some) < len(train) else ()
        return self.X.sample(some), tuple(itertools.compress(self.feature_names, lacking))

    def dependent(self, part: Array) -> Array | None:
        """Return which of some rows depend on each other, by equal numbers `(n_part,)`; None where none do."""
        if self.time is not None:
            return blocks(self.time[part])
        return None if self.group is None else self.group[part]

    def check(self, where: str) -> None:
        """Refuse a table that cannot be learned from.

        Args:
            where: Whose rows these are, for messages.

        Raises:
            DataError: Shapes or names do not agree, a number is not finite, or a label is not a class.
        """
        if len(self.X.shape) != 2 or self.y.shape != self.X.shape[:1]:
            raise DataError(
                f"{where}: features {self.X.shape} and targets {self.y.shape} do not fit together; "
                "expected (n_samples, n_features) and (n_samples,)."
            )
        if len(self.feature_names) != self.X.shape[1]:
            raise DataError(
                f"{where}: {len(self.feature_names)} names for {self.X.shape[1]} columns; expected one for each."
            )
        if not conversion.in_bounds(self.y):
            conversion.refuse_extremes(where, self.target_name, self.y)
        if not isinstance(self.X, Streamed):  # which is checked while it is read
            self.check_features(self.X, where)
        if self.target.task.is_classes:
            self._check_labels(where)

    def check_features(self, X: Rows, where: str) -> None:
        """Refuse rows of `X` with a value that is missing where it must not be, or infinite.

        Raises:
            DataError: There is one.
        """
        if conversion.is_sparse(X):
            if not conversion.in_bounds(X.data):
                column = X.indices[np.flatnonzero(~(np.abs(X.data) <= conversion.LARGEST))[0]]
                conversion.refuse_extremes(where, self.feature_names[column], X[:, [column]].toarray()[:, 0])
        elif not isinstance(X, np.ndarray):
            self._check_columns(X, where)
        elif not conversion.in_bounds(X):
            for name, values in zip(self.feature_names, X.T, strict=True):
                conversion.refuse_extremes(where, name, values, missing_allowed=self.fills_missing)

    def _check_columns(self, X: pd.DataFrame, where: str) -> None:
        if not self.fills_missing:
            for name in X.columns[X.isna().any()]:
                _refuse_missing(where, name, X[name].isna().to_numpy())
        numbers = X.select_dtypes("float64")
        sound = (numbers.min() >= -conversion.LARGEST) & (numbers.max() <= conversion.LARGEST)
        for name in numbers.columns[~sound]:
            conversion.refuse_extremes(where, name, numbers[name].to_numpy(), missing_allowed=True)

    def _check_labels(self, where: str) -> None:
        n_classes = len(self.class_names)
        if self.y.dtype.kind not in "iu" or ((self.y < 0) | (self.y >= n_classes)).any():
            labels = np.unique(self.y)
            seen = ", ".join(map(str, labels[:10])) + (", ..." if len(labels) > 10 else "")
            raise DataError(
                f"{where}: class labels are {seen} ({labels.dtype}); expected whole numbers from 0 to "
                f"{n_classes - 1}, for the classes {', '.join(self.class_names[:10])}."
            )


def _refuse_missing(where: str, name: str, missing: Array) -> None:
    if missing.any():
        raise DataError(
            f"{where}: column {name!r} has {int(missing.sum())} missing values, the first in row "
            f"{int(missing.argmax())} (counted from 0). Fill them in or leave these rows out."
        )
