"""The contract of a loss: one number per example, and its derivative by the raw prediction."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from lossexp.components import Array, Component, Interval, Scalar
from lossexp.differentiation import derivative
from lossexp.errors import ConfigError
from lossexp.links import LinkName
from lossexp.targets import Target, Task

REGRESSION = frozenset({Task.REGRESSION})
CLASSES = frozenset({Task.BINARY, Task.MULTICLASS})


@dataclass(frozen=True, kw_only=True)
class Loss(Component, ABC):
    """How far a prediction is from the truth.

    Shapes: `raw` `(n_outputs, n_runs, n_samples)`; `target` the same, or with a run axis of length 1 where all runs
    see the same targets; the value `(n_runs, n_samples)`, per example, summed over the outputs. The mean over the
    samples is taken by the trainer, in one place; there is no factor ½ and no penalty in it. A hyperparameter that
    differs between runs is a column `(n_runs, 1)`.

    A subclass must define `value`. It states facts about itself as data:

    Attributes:
        accepts: The kinds of target; continuous ones unless it says otherwise.
        convex: Whether the value is convex in the raw prediction.
        gradient_is_derivative: Whether the gradient is meant to be that of the value: not where something is left out
            on purpose, such as behind a stop-gradient.
        formula: The value in plain text.
        estimates: What the best prediction is, in words.
        judged_by: Metrics for which the best prediction by this loss is best too, the closest first.
        source: Author (year).
        other_names: What other libraries call it; recognised in error messages.
    """

    accepts: ClassVar[frozenset[Task]] = REGRESSION
    convex: ClassVar[bool] = False
    gradient_is_derivative: ClassVar[bool] = True
    formula: ClassVar[str] = ""
    estimates: ClassVar[str] = ""
    judged_by: ClassVar[tuple[str, ...]] = ()
    source: ClassVar[str] = ""
    other_names: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Make `value` refuse shapes that would broadcast, and other results than it should have.

        So no loss has to think of it.
        """
        super().__init_subclass__(**kwargs)
        if "value" in vars(cls):
            cls.value = _refusing_other_shapes(vars(cls)["value"])  # type: ignore[method-assign]

    @abstractmethod
    def value(self, raw: Array, target: Array) -> Array:
        """Return the loss of each example, `(n_runs, n_samples)`."""

    def gradient(self, raw: Array, target: Array, out: Array) -> None:
        """Write d value / d raw into `out`, of the shape of `raw`. `out` may be `raw` itself.

        Without a version of its own a loss is differentiated numerically, which is slower but trains as well.
        """
        np.copyto(out, derivative(lambda moved: self.value(moved, target), raw), casting="same_kind")

    def weighted_gradient(self, raw: Array, target: Array, weight: Scalar, out: Array) -> None:
        """Write weight · d value / d raw into `out`; `weight` broadcasts to `(n_runs, n_samples)`.

        Only a loss that can merge the factor into one of its own passes over memory needs its own version.
        """
        require_written(self, self.gradient(raw, target, out), out)  # type: ignore[func-returns-value]
        np.multiply(out, weight, out=out)

    def value_and_gradient(self, raw: Array, target: Array, out: Array) -> Array:
        """Return the value and write the gradient into `out`, which may be `raw`."""
        value = self.value(raw, target)
        self.gradient(raw, target, out)
        return value

    @property
    def has_own_gradient(self) -> bool:
        """Tell whether the class gives a gradient, or is differentiated numerically."""
        return type(self).gradient is not Loss.gradient

    @property
    def target_domain(self) -> Interval:
        """The targets that the loss is defined for."""
        return Interval(0, 1) if self.accepts <= CLASSES else Interval()

    def infimum(self, target: Target) -> float:
        """Return the greatest lower bound of the value on a kind of target; -inf if there is none."""
        return 0.0

    def link_name(self, target: Target) -> LinkName:
        """Return how raw predictions are read as means or probabilities on a target this loss accepts."""
        if target.task is Task.REGRESSION:
            return "identity"
        return "logistic" if target.task is Task.BINARY else "softmax"

    def n_outputs(self, target: Target) -> int:
        """Return how many outputs a model needs: one per class under a softmax or for many classes, else one."""
        one_per_class = target.task is Task.MULTICLASS or self.link_name(target) == "softmax"
        return target.n_classes if one_per_class else 1

    def predicting(self, raw: Array) -> Array:
        """Return the outputs that predict the target, which the metrics read: all, unless some say something else."""
        return raw

    def as_metric(self, target: Target) -> str | None:
        """Return the name of the metric of the panel that this loss is, if it is one: it is not computed twice."""
        return None

    def on(self, target: Target) -> Loss:
        """Return this loss with everything settled that depends on the kind of target."""
        return self

    def fitted(self, counts: Array) -> Loss:
        """Return this loss with everything settled that depends on the number of training examples of each class."""
        return self


def _refusing_other_shapes(value: Callable[[Any, Array, Array], Array]) -> Any:
    @functools.wraps(value)
    def checked(self: Loss, raw: Array, target: Array) -> Array:
        require_same_outputs(raw, target)
        result = value(self, raw, target)
        if np.shape(result) != raw.shape[1:]:
            raise ConfigError(
                f"{type(self).__name__}.value has the shape {np.shape(result)} for raw predictions {raw.shape}: "
                f"expected one number per example, (n_runs, n_samples) = {raw.shape[1:]}, the sum over the outputs, "
                "which are axis 0."
            )
        return result

    return checked


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


def require_written(loss: Loss, returned: object, out: Array) -> None:
    """Refuse a gradient that is returned in an array of its own: nobody would read it.

    Raises:
        ConfigError: Something else than `out` was returned.
    """
    if returned is not None and returned is not out:
        raise ConfigError(
            f"{type(loss).__name__}.gradient returns something, which nobody reads: expected the derivative written "
            "into `out`, as by out[...] = raw - target."
        )


def summed(per_output: Array) -> Array:
    """Return the sum over the outputs, `(n_runs, n_samples)`; a single output is returned as it is."""
    return per_output[0] if len(per_output) == 1 else np.add.reduce(per_output, axis=0)


def is_always(hyperparameter: Scalar, value: float) -> bool:
    """Tell whether a hyperparameter has a value for every run, so that work which it makes void can be skipped.

    A column stands only where runs differ, so it is never the same for all.
    """
    return isinstance(hyperparameter, float) and hyperparameter == value
