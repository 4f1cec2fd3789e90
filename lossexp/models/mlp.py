"""Multi-layer perceptron."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike

from lossexp import numerics
from lossexp.components import Array, InvalidValueError, NonNegative, PositiveCount
from lossexp.models.base import Model, Params, Size
from lossexp.sharing import Sharing


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """Buffers of a forward and a backward pass.

    Attributes:
        summed: Weighted sums of the first hidden layer `(n_runs, hidden[0], n_samples)`, contiguous for one multiply.
        active: Per hidden layer `(n_runs, hidden + 1, n_samples)`; the last row is 1, the input of the biases.
        slope: Per hidden layer, d active / d summed, then the gradient by the sum: `(n_runs, hidden, n_samples)`.
        raw: Raw predictions `(n_outputs, n_runs, n_samples)`.
    """

    summed: Array
    active: tuple[Array, ...]
    slope: tuple[Array, ...]
    raw: Array


@dataclass(frozen=True, kw_only=True)
class MLP(Model):
    """Fully connected layers: a = activation(W a + b) for each hidden layer, then raw = W a + b.

    Attributes:
        hidden: Number of units of each hidden layer.
        activation: relu, tanh or sigmoid.
        init: he: N(0, 2 / fan_in). glorot: uniform within ±sqrt(6 / (fan_in + fan_out)). Both with biases 0.
            normal: N(0, 1), weights and biases.
        scale: Multiplies the initial parameters.

    Source: He et al. (2015); Glorot and Bengio (2010).
    """

    hidden: tuple[PositiveCount, ...] = (64,)
    activation: Literal["relu", "tanh", "sigmoid"] = "relu"
    init: Literal["he", "glorot", "normal"] = "he"
    scale: NonNegative = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.hidden:
            raise InvalidValueError("hidden", [], "at least one hidden layer; without any it is model=linear")

    def layer_sizes(self, n_features: int, n_outputs: int) -> list[tuple[int, int]]:
        """Return (n_units, fan_in) of the hidden layers and the output layer."""
        widths = [n_features, *self.hidden, n_outputs]
        return [(n_units, fan_in) for fan_in, n_units in itertools.pairwise(widths)]

    def initial_params(
        self, n_features: int, n_outputs: int, rngs: Sequence[np.random.Generator], dtype: DTypeLike
    ) -> Params:
        """Draw each layer."""
        sizes = self.layer_sizes(n_features, n_outputs)
        runs = [[self.scale * self._draw(rng, *size) for size in sizes] for rng in rngs]
        # In memory the runs come first: each layer is one matrix per run. The view has the run axis of the contract.
        return [np.stack(layer).astype(dtype).swapaxes(0, 1) for layer in zip(*runs, strict=True)]

    def _draw(self, rng: np.random.Generator, n_units: int, fan_in: int) -> Array:
        if self.init == "normal":
            return rng.standard_normal((n_units, fan_in + 1))
        layer = np.zeros((n_units, fan_in + 1))
        if self.init == "he":
            layer[:, :-1] = np.sqrt(2 / fan_in) * rng.standard_normal((n_units, fan_in))
        else:
            bound = np.sqrt(6 / (fan_in + n_units))
            layer[:, :-1] = rng.uniform(-bound, bound, (n_units, fan_in))
        return layer

    def workspace(self, size: Size) -> Workspace:
        """Make the buffers."""
        n_runs, n_samples = size.n_runs, size.n_samples
        return Workspace(
            summed=np.empty((n_runs, self.hidden[0], n_samples), dtype=size.dtype),
            active=tuple(np.ones((n_runs, h + 1, n_samples), dtype=size.dtype) for h in self.hidden),
            slope=tuple(np.empty((n_runs, h, n_samples), dtype=size.dtype) for h in self.hidden),
            raw=np.empty((size.n_outputs, n_runs, n_samples), dtype=size.dtype),
        )

    def forward(self, params: Params, X: Array, sharing: Sharing, workspace: Workspace) -> Array:
        """Go through the layers, keeping activations and slopes."""
        weights = [param.swapaxes(0, 1) for param in params]
        sharing.multiply(weights[0], X.swapaxes(1, 2), workspace.summed, run_axis=0)
        summed = workspace.summed
        for layer, (active, slope) in enumerate(zip(workspace.active, workspace.slope, strict=True)):
            if layer > 0:
                summed = np.matmul(weights[layer], workspace.active[layer - 1], out=active[:, :-1])
            self._activate(summed, active[:, :-1], slope)
        np.matmul(weights[-1], workspace.active[-1], out=workspace.raw.swapaxes(0, 1))
        return workspace.raw

    def _activate(self, summed: Array, active: Array, slope: Array) -> None:
        """Write the activation of `summed` and its derivative; `active` may be `summed`."""
        if self.activation == "relu":
            # One comparison serves both directions, and a product with a mask is faster than a maximum.
            np.greater(summed, 0, out=slope)
            np.multiply(summed, slope, out=active)
        elif self.activation == "tanh":
            np.tanh(summed, out=active)
            np.subtract(1, np.square(active, out=slope), out=slope)
        else:
            numerics.sigmoid(summed, out=active)
            np.multiply(active, np.subtract(1, active, out=slope), out=slope)

    def backward(
        self,
        params: Params,
        X: Array,
        sharing: Sharing,
        workspace: Workspace,
        raw_gradient: Array,
        out: Params,
    ) -> None:
        """Go back through the layers."""
        gradient = raw_gradient.swapaxes(0, 1)
        for layer in range(len(self.hidden), 0, -1):
            slope = workspace.slope[layer - 1]
            np.matmul(gradient, workspace.active[layer - 1].swapaxes(1, 2), out=out[layer].swapaxes(0, 1))
            weights = params[layer].swapaxes(0, 1)[:, :, :-1]
            # The activations have served and their buffer is free.
            by_active = np.matmul(weights.swapaxes(1, 2), gradient, out=workspace.active[layer - 1][:, :-1])
            gradient = np.multiply(by_active, slope, out=slope)
        sharing.multiply(gradient, X, out[0].swapaxes(0, 1), run_axis=0)
