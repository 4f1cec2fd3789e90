"""AdamW."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lossexp.components import Array, NonNegative, Scalar
from lossexp.optimizers.adam import AdamOptimizer
from lossexp.optimizers.base import State, is_zero, shrink


@dataclass(frozen=True, kw_only=True)
class AdamW(AdamOptimizer):
    """Adam whose weights decay by themselves: w = (1 - lr · weight_decay) w before each step, biases not.

    The decay is not scaled by the size of past gradients, as it is in Adam. Conventions of PyTorch and optax.

    Source: Loshchilov and Hutter (2019).
    """

    weight_decay: NonNegative = 0.01

    other_names = ("adam_w",)

    def step(self, params: Sequence[Array], gradients: Sequence[Array], state: State, lr: Scalar) -> None:
        """Shrink the weights, and move."""
        if not is_zero(self.weight_decay):
            for param in params:
                shrink(param, lr * self.weight_decay)
        self.move(params, gradients, state, lr)
