"""The contract of an optimizer: one in-place step from gradients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from lossexp.components import Array, Component, NonNegative, Scalar

State = list[Array]
"""Arrays shaped like the parameters, in the order that the optimizer chooses; empty for plain gradient descent."""


@dataclass(frozen=True, kw_only=True)
class Optimizer(Component, ABC):
    """Turns gradients into a step of the parameters.

    Shapes: every parameter, gradient and state array is `(n_units, n_runs, fan_in + 1)`; the last column of a
    parameter is the bias. Hyperparameters and the learning rate are numbers or columns `(n_runs, 1)`.

    Attributes:
        lr: Learning rate, multiplied by the schedule's factor at each step.
        weight_decay: L2 penalty: `weight_decay · w` is added to the gradient of every weight, but not of biases.
    """

    lr: NonNegative = 0.1
    weight_decay: NonNegative = 0.0

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
