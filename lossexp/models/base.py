"""The contract of a model: raw predictions for a whole stack, and gradients back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import DTypeLike

from lossexp.components import Array, Component
from lossexp.sharing import Sharing

Params = list[Array]
"""One array `(n_units, n_runs, fan_in + 1)` per layer; the last column is the bias, the weight of a constant input."""


@dataclass(frozen=True)
class Size:
    """The shape of a batch in a stack."""

    n_features: int
    n_outputs: int
    n_runs: int
    n_samples: int
    dtype: DTypeLike


@dataclass(frozen=True, kw_only=True)
class Model(Component, ABC):
    """Maps features to raw predictions.

    Features come as `(n_streams, n_samples, n_features + 1)` with a last column of ones, so that a bias is a weight
    like any other and costs no pass over memory of its own.
    """

    @abstractmethod
    def layer_sizes(self, n_features: int, n_outputs: int) -> list[tuple[int, int]]:
        """Return (n_units, fan_in) of each layer."""

    @abstractmethod
    def initial_params(self, n_features: int, n_outputs: int, rngs: Sequence[Any], dtype: DTypeLike) -> Params:
        """Return initial parameters, each run drawn from its own generator."""

    @abstractmethod
    def workspace(self, size: Size) -> Any:
        """Return the buffers that `forward` and `backward` write into, made once per stack and batch size."""

    @abstractmethod
    def forward(self, params: Params, X: Array, sharing: Sharing, workspace: Any) -> Array:
        """Return raw predictions `(n_outputs, n_runs, n_samples)`, a buffer of the workspace."""

    @abstractmethod
    def backward(
        self, params: Params, X: Array, sharing: Sharing, workspace: Any, raw_gradient: Array, out: Params
    ) -> None:
        """Write the gradients by each parameter into `out`.

        Args:
            params: The parameters of the last `forward`.
            X: Its features.
            sharing: Which runs read which stream.
            workspace: Its workspace.
            raw_gradient: Gradient by the raw predictions, `(n_outputs, n_runs, n_samples)`.
            out: Arrays like `params`.
        """
