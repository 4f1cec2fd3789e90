"""What a model is asked to predict, and how it is written as an array."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import DTypeLike

from lossexp.components import Array


class Task(StrEnum):
    """The kind of target."""

    REGRESSION = "regression"
    BINARY = "binary"
    MULTICLASS = "multiclass"

    @property
    def is_classes(self) -> bool:
        """Tell whether the target is a class label."""
        return self is not Task.REGRESSION


@dataclass(frozen=True)
class Target:
    """A task with its number of classes (0 for regression)."""

    task: Task
    n_classes: int = 0

    def __str__(self) -> str:
        if self.task is Task.REGRESSION:
            return "a continuous target"
        return "two classes" if self.task is Task.BINARY else f"{self.n_classes} classes"


def encode(y: Array, target: Target, n_outputs: int, dtype: DTypeLike) -> Array:
    """Write targets as the array `(n_outputs, n_samples)` that losses compare with.

    Regression: the values, in a row for each output. Two classes and one output: 0 or 1. Otherwise: one-hot columns.

    Args:
        y: Values `(n_samples,)`, or class labels 0..n_classes-1 as integers.
        target: What `y` is.
        n_outputs: Number of outputs of the model.
        dtype: Type of the result.
    """
    if not target.task.is_classes or n_outputs == 1:
        return np.broadcast_to(np.asarray(y, dtype=dtype), (n_outputs, len(y)))
    encoded = np.zeros((n_outputs, len(y)), dtype=dtype)
    encoded[y, np.arange(len(y))] = 1
    return encoded
