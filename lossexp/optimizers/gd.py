"""Gradient descent on the whole training split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lossexp.components import Array, Scalar
from lossexp.optimizers.base import Optimizer, State, is_zero, shrink


@dataclass(frozen=True, kw_only=True)
class GD(Optimizer):
    """w = w - lr (g + weight_decay · w), with g the gradient over the whole training split: one step an epoch.

    Source: Cauchy (1847).
    """

    other_names = ("gradient_descent", "steepest_descent", "batch_gradient_descent", "batch_gd")

    def gradient_factor(self, lr: Scalar) -> Scalar:
        """Return `lr`."""
        return lr

    def step(self, params: Sequence[Array], gradients: Sequence[Array], state: State, lr: Scalar) -> None:
        """Subtract the gradient, which comes multiplied by `lr`."""
        descend(params, gradients, self.weight_decay, lr)


def descend(params: Sequence[Array], steps: Sequence[Array], weight_decay: Scalar, lr: Scalar) -> None:
    """W = w - lr · weight_decay · w - step, in place."""
    for param, step in zip(params, steps, strict=True):
        if not is_zero(weight_decay):
            shrink(param, lr * weight_decay)
        np.subtract(param, step, out=param)
