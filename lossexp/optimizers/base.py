"""The contract of an optimizer: one in-place step from gradients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from lossexp.components import Array, Component, NonNegative, PositiveCount, Scalar

State = list[Array]
"""Arrays with the run axis second, like the parameters, in the order that the optimizer chooses.

What an optimizer counts is an array too, `(1, n_runs, 1)`: runs that go on without the others keep all of it.
"""


@dataclass(frozen=True, kw_only=True)
class Optimizer(Component, ABC):
    """Turns gradients into a step of the parameters.

    Shapes: every parameter, gradient and state array is `(n_units, n_runs, fan_in + 1)`; the last column of a
    parameter is the bias. Hyperparameters and the learning rate are numbers or columns `(n_runs, 1)`.

    Attributes:
        lr: Learning rate, multiplied by the schedule's factor at each step.
        weight_decay: L2 penalty: `weight_decay · w` is added to the gradient of every weight, but not of biases.
        other_names: What other libraries call it; recognised in error messages.
    """

    lr: NonNegative = 0.1
    weight_decay: NonNegative = 0.0

    other_names: ClassVar[tuple[str, ...]] = ()

    @property
    def examples_per_step(self) -> int | None:
        """Number of examples in the batch of a step; None for the whole training split."""
        return None

    def gradient_factor(self, lr: Scalar) -> Scalar:
        """Return what the loss gradient is multiplied with on its way into `step`.

        An optimizer whose step is linear in the gradient returns `lr`: the gradient by the outputs is much smaller
        than the one by the weights, so that is where the multiplication is cheapest.
        """
        return 1.0

    def init(self, params: Sequence[Array]) -> State:
        """Return the state before the first step."""
        return []

    @abstractmethod
    def step(self, params: Sequence[Array], gradients: Sequence[Array], state: State, lr: Scalar) -> None:
        """Move `params` in place; `gradients` may be overwritten.

        Args:
            params: The parameters.
            gradients: Gradient of the mean loss by each parameter, times `gradient_factor(lr)`.
            state: What `init` returned, updated in place.
            lr: The learning rate of this step.
        """


@dataclass(frozen=True, kw_only=True)
class MiniBatchOptimizer(Optimizer, ABC):
    """An optimizer that steps once per batch of examples.

    Attributes:
        batch_size: Examples per step; more than the training split means all of it.
    """

    batch_size: PositiveCount = 32

    @property
    def examples_per_step(self) -> int | None:
        """Return the batch size."""
        return self.batch_size


@dataclass(frozen=True, kw_only=True)
class Searcher(Optimizer, ABC):
    """An optimizer that evaluates the loss at points of its own choice before it steps.

    The points of one run are of no use to another, so it does not stack: each of its runs is trained alone.
    """

    @abstractmethod
    def search(
        self, params: Sequence[Array], gradients: Sequence[Array], state: State, evaluate: Callable[[], float]
    ) -> None:
        """Look for better parameters and write params - better into `gradients`, for `step` to take.

        Args:
            params: The parameters; moved about, and back in their place at the end.
            gradients: Where `evaluate` writes the gradients.
            state: What `init` returned, updated in place.
            evaluate: Returns the mean loss over the training split at `params`, and writes its gradients.
        """


def is_zero(hyperparameter: Scalar) -> bool:
    """Tell whether a hyperparameter is 0 for every run, so that what it multiplies can be skipped.

    A column stands only where runs differ, so it is never all zeros; asking that costs a microsecond in every step.
    """
    return isinstance(hyperparameter, float) and hyperparameter == 0


def shrink(param: Array, rate: Scalar) -> None:
    """Multiply the weights of a parameter by 1 - rate and leave its biases."""
    param[..., :-1] *= 1 - rate


def add_decay(gradient: Array, param: Array, weight_decay: Scalar) -> None:
    """Add weight_decay · w to the gradient of the weights, not of the biases."""
    gradient[..., :-1] += weight_decay * param[..., :-1]
