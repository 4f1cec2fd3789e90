"""Losses of class labels, with a weight for each class."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, final

import numpy as np

from lossexp.components import Array, Interval, Scalar
from lossexp.losses.base import CLASSES, Loss


@dataclass(frozen=True, kw_only=True)
class ClassLoss(Loss, ABC):
    """A loss of class labels: an example of class c counts `class_weight[c]` times.

    The mean is still over the examples, not over their weights.

    Attributes:
        shift_invariant: Whether under a softmax, which knows only differences of scores, the loss knows no more: a
            constant added to all scores of an example changes nothing.
        class_weight: One weight per class, in the order of the classes; None for 1 each. "balanced" makes all classes
            weigh the same in the training split: n / (n_classes · n of the class).
    """

    class_weight: tuple[Annotated[float, Interval(0)], ...] | Literal["balanced"] | None = None

    shift_invariant: ClassVar[bool] = True

    accepts = CLASSES
    judged_by: ClassVar[tuple[str, ...]] = ("accuracy",)

    @abstractmethod
    def unweighted(self, raw: Array, target: Array) -> Array:
        """Return the value where every class counts the same."""

    @abstractmethod
    def write_gradient(self, raw: Array, target: Array, weight: Scalar, out: Array) -> None:
        """Write weight · d unweighted / d raw into `out`, which may be `raw`."""

    @final
    def value(self, raw: Array, target: Array) -> Array:
        """Return the weighted value."""
        value = self.unweighted(raw, target)
        return value if self.class_weight is None else value * self._example_weight(target)

    @final
    def gradient(self, raw: Array, target: Array, out: Array) -> None:
        """Write the gradient of the weighted value."""
        self.weighted_gradient(raw, target, 1.0, out)

    @final
    def weighted_gradient(self, raw: Array, target: Array, weight: Scalar, out: Array) -> None:
        """Write weight · gradient: one factor, of the example and of its class."""
        if self.class_weight is not None:
            weight = weight * self._example_weight(target)
        self.write_gradient(raw, target, weight, out)

    @final
    def fitted(self, counts: Array) -> Loss:
        """Return this loss with balanced weights as numbers."""
        if self.class_weight != "balanced":
            return self
        shares = np.maximum(counts, 1) * len(counts) / counts.sum()
        return dataclasses.replace(self, class_weight=tuple((1 / shares).tolist()))

    @property
    def weights(self) -> tuple[float, ...]:
        """The weight of each class where they are known as numbers, and else nothing."""
        return self.class_weight if isinstance(self.class_weight, tuple) else ()

    def _example_weight(self, target: Array) -> Array:
        """Return the weight of the class of each example, `(n_runs or 1, n_samples)`."""
        weights = np.asarray(self.weights, dtype=target.dtype)
        if len(target) == 1:
            return weights[0] + (weights[1] - weights[0]) * target[0]
        return np.tensordot(weights, target, axes=1)
