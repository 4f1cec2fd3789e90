"""Stochastic gradient descent, plain or with momentum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lossexp.components import Array, ProperFraction, Scalar
from lossexp.optimizers.base import MiniBatchOptimizer, State, add_decay, is_zero
from lossexp.optimizers.gd import descend


@dataclass(frozen=True, kw_only=True)
class SGD(MiniBatchOptimizer):
    """One step per batch: v = momentum · v + g; w = w - lr · v, with g including weight_decay · w.

    With `nesterov` the step looks ahead: w = w - lr (g + momentum · v). Without momentum it is w = w - lr · g.

    Source: Robbins and Monro (1951); Polyak (1964); Nesterov (1983) in the form of Sutskever et al. (2013).

    Attributes:
        momentum: Share of the velocity that a step keeps.
        nesterov: Look ahead along the velocity.
    """

    momentum: ProperFraction = 0.0
    nesterov: bool = False

    other_names = ("stochastic_gradient_descent", "momentum", "heavy_ball", "nesterov", "nag", "minibatch")

    def gradient_factor(self, lr: Scalar) -> Scalar:
        """Return `lr` without momentum: with it, the velocity must outlive a change of the learning rate."""
        return lr if is_zero(self.momentum) else 1.0

    def init(self, params: Sequence[Array]) -> State:
        """Return velocities of zero."""
        return [] if is_zero(self.momentum) else [np.zeros_like(param) for param in params]

    def step(self, params: Sequence[Array], gradients: Sequence[Array], state: State, lr: Scalar) -> None:
        """Update the velocities and step along them."""
        if is_zero(self.momentum):
            descend(params, gradients, self.weight_decay, lr)
            return
        for param, gradient, velocity in zip(params, gradients, state, strict=True):
            if not is_zero(self.weight_decay):
                add_decay(gradient, param, self.weight_decay)
            np.multiply(velocity, self.momentum, out=velocity)
            np.add(velocity, gradient, out=velocity)
            if self.nesterov:
                gradient += self.momentum * velocity
            else:
                np.copyto(gradient, velocity)
            np.multiply(gradient, lr, out=gradient)
            np.subtract(param, gradient, out=param)
