"""Linear model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from lossexp.components import Array, NonNegative
from lossexp.models.base import Model, Params, Size
from lossexp.sharing import Sharing


@dataclass(frozen=True, kw_only=True)
class Linear(Model):
    """raw = W x + b. With bce it is logistic regression, with cce softmax regression, with mse least squares.

    Attributes:
        scale: Standard deviation of the initial weights; with 0 training starts from equal predictions.
    """

    scale: NonNegative = 0.0

    def layer_sizes(self, n_features: int, n_outputs: int) -> list[tuple[int, int]]:
        """Return the one layer."""
        return [(n_outputs, n_features)]

    def initial_params(
        self, n_features: int, n_outputs: int, rngs: Sequence[np.random.Generator], dtype: DTypeLike
    ) -> Params:
        """Draw weights from N(0, scale²), biases 0."""
        weights = np.zeros((n_outputs, len(rngs), n_features + 1), dtype=dtype)
        for run, rng in enumerate(rngs):
            weights[:, run, :-1] = self.scale * rng.standard_normal((n_outputs, n_features))
        return [weights]

    def workspace(self, size: Size) -> Array:
        """Return the buffer of the raw predictions."""
        return np.empty((size.n_outputs, size.n_runs, size.n_samples), dtype=size.dtype)

    def forward(self, params: Params, X: Array, sharing: Sharing, workspace: Array) -> Array:
        """Multiply."""
        sharing.multiply(params[0], X.swapaxes(1, 2), workspace, run_axis=1)
        return workspace

    def backward(
        self, params: Params, X: Array, sharing: Sharing, workspace: Array, raw_gradient: Array, out: Params
    ) -> None:
        """Write raw_gradient X."""
        sharing.multiply(raw_gradient, X, out[0], run_axis=1)
