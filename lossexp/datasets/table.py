"""All rows of a dataset in one piece, and what must hold for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.components import Array
from lossexp.errors import DataError
from lossexp.targets import Target


@dataclass(frozen=True)
class Table:
    """All rows of a dataset, before any setting is applied to them.

    Attributes:
        X: Features `(n_samples, n_features)`.
        y: Class labels 0..n_classes-1 as integers, or real numbers, `(n_samples,)`.
        feature_names: One per column of `X`.
        class_names: One per class; none for a continuous target.
    """

    X: Array
    y: Array
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...] = ()

    def check(self, name: str, target: Target) -> None:
        """Refuse a table that does not say what the dataset `name` promised.

        Raises:
            DataError: Shapes or names do not agree, a number is not finite, or a label is not a class.
        """
        if self.X.ndim != 2 or self.y.shape != self.X.shape[:1]:
            raise DataError(
                f"dataset={name}: features {self.X.shape} and targets {self.y.shape} do not fit together; "
                "expected (n_samples, n_features) and (n_samples,)."
            )
        named = len(self.feature_names), len(self.class_names)
        if named != (self.X.shape[1], target.n_classes):
            raise DataError(
                f"dataset={name}: {named[0]} feature names and {named[1]} class names, for {self.X.shape[1]} "
                f"columns and {target}; expected one name for each."
            )
        self._check_finite(name)
        if target.task.is_classes:
            self._check_labels(name, target.n_classes)

    def _check_finite(self, name: str) -> None:
        if np.isfinite(self.X).all() and np.isfinite(self.y).all():
            return
        for column, values in (*zip(self.feature_names, self.X.T, strict=True), ("target", self.y)):
            rows = np.flatnonzero(~np.isfinite(values))
            if rows.size:
                raise DataError(
                    f"dataset={name}: column {column!r} has {rows.size} missing or infinite values, the "
                    f"first in row {rows[0]} (counted from 0). Fill them in or leave these rows out."
                )

    def _check_labels(self, name: str, n_classes: int) -> None:
        if self.y.dtype.kind not in "iu" or ((self.y < 0) | (self.y >= n_classes)).any():
            labels = np.unique(self.y)
            seen = ", ".join(map(str, labels[:10])) + (", ..." if len(labels) > 10 else "")
            raise DataError(
                f"dataset={name}: class labels are {seen} ({labels.dtype}); expected whole numbers from 0 to "
                f"{n_classes - 1}."
            )
