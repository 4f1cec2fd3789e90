"""The contract of a loss: one number per example, and its derivative by the raw prediction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lossexp.components import Array, Component, Scalar
from lossexp.links import LinkName
from lossexp.targets import Target, Task

REGRESSION = frozenset({Task.REGRESSION})
CLASSES = frozenset({Task.BINARY, Task.MULTICLASS})


@dataclass(frozen=True, kw_only=True)
class Loss(Component, ABC):
    """How far a prediction is from the truth.

    Shapes: `raw` `(n_outputs, n_runs, n_samples)`; `target` the same, or with a run axis of length 1 where all runs
    see the same targets; the value `(n_runs, n_samples)`, per example, summed over the outputs. The mean over the
    samples is taken by the trainer, in one place; there is no factor ½ and no penalty in it.

    A subclass states three facts as data: the tasks it `accepts`, whether it is `convex` in the raw prediction, and
    its `infimum`, the lowest value it can come to.
    """

    accepts: ClassVar[frozenset[Task]]
    convex: ClassVar[bool]
    infimum: ClassVar[float] = 0.0

    @abstractmethod
    def value(self, raw: Array, target: Array) -> Array:
        """Return the loss of each example, `(n_runs, n_samples)`."""

    @abstractmethod
    def gradient(self, raw: Array, target: Array, out: Array) -> None:
        """Write d value / d raw into `out`, of the shape of `raw`. `out` may be `raw` itself."""

    def weighted_gradient(self, raw: Array, target: Array, weight: Scalar, out: Array) -> None:
        """Write weight · d value / d raw into `out`; `weight` broadcasts to `(n_runs, n_samples)`.

        Only a loss that can merge the factor into one of its own passes over memory needs its own version.
        """
        self.gradient(raw, target, out)
        np.multiply(out, weight, out=out)

    def value_and_gradient(self, raw: Array, target: Array, out: Array) -> Array:
        """Return the value and write the gradient into `out`, which may be `raw`."""
        value = self.value(raw, target)
        self.gradient(raw, target, out)
        return value

    def link_name(self, target: Target) -> LinkName:
        """Return how raw predictions are read as means or probabilities on a target this loss accepts."""
        if target.task is Task.REGRESSION:
            return "identity"
        return "logistic" if target.task is Task.BINARY else "softmax"

    def n_outputs(self, target: Target) -> int:
        """Return how many outputs a model needs: one per class under a softmax or for many classes, else one."""
        one_per_class = target.task is Task.MULTICLASS or self.link_name(target) == "softmax"
        return target.n_classes if one_per_class else 1

    def as_metric(self, target: Target) -> str | None:
        """Return the name of the metric of the panel that this loss is, if it is one: it is not computed twice."""
        return None

    def on(self, target: Target) -> Loss:
        """Return this loss with everything settled that depends on the kind of target."""
        return self


def require_same_outputs(raw: Array, target: Array) -> None:
    """Refuse shapes that would broadcast over the outputs or the samples.

    Raises:
        ValueError: `target` is neither of the shape of `raw` nor of that shape with a run axis of length 1.
    """
    same = raw.ndim == target.ndim == 3 and raw.shape[::2] == target.shape[::2]
    if not same or target.shape[1] not in (1, raw.shape[1]):
        raise ValueError(
            f"target {target.shape} does not fit raw predictions {raw.shape}: expected (n_outputs, n_runs, n_samples) "
            "for both, where the target's n_runs may be 1."
        )
