"""What every model promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from lossexp.components import Array
from lossexp.models import Model, Params, Size
from lossexp.sharing import Sharing
from lossexp.testing.checks import Check, Where, require_close, require_same, run_all, survives_pickling

N_FEATURES, N_OUTPUTS, N_SAMPLES = 4, 3, 7
STREAMS = (0, 0, 1, 1, 0)
"""The stream of each run: neither one for all nor one for each."""


def check_model(model: Model) -> None:
    """Check everything that a model promises.

    Raises:
        AssertionError: A law does not hold.
    """
    run_all(model_checks(model))


def model_checks(model: Model) -> list[Check]:
    """Return the checks of a model."""
    return [Check(law, model) for law in LAWS]


class Passes:
    """A model in the middle of its training: parameters, features and a workspace.

    Args:
        model: The model.
        streams: The stream of each run.
        dtype: Precision.
    """

    def __init__(self, model: Model, streams: Sequence[int] = STREAMS, dtype: DTypeLike = np.float64) -> None:
        rng = np.random.default_rng(0)
        self.model, self.sharing = model, Sharing(streams)
        rngs = [np.random.default_rng((1, run)) for run in range(len(streams))]
        self.params = model.initial_params(N_FEATURES, N_OUTPUTS, rngs, dtype)
        for param in self.params:
            # Not where training starts, which is special: there all may be 0.
            param += rng.normal(0, 0.5, param.shape).astype(dtype)
        self.X = rng.standard_normal((self.sharing.n_streams, N_SAMPLES, N_FEATURES + 1)).astype(dtype)
        self.X[..., -1] = 1
        size = Size(N_FEATURES, N_OUTPUTS, len(streams), N_SAMPLES, dtype)
        self.workspace = model.workspace(size)
        self.raw_gradient = rng.standard_normal((N_OUTPUTS, len(streams), N_SAMPLES)).astype(dtype)

    def raw(self, params: Params | None = None) -> Array:
        """Return raw predictions, in an array of their own."""
        return self.model.forward(params or self.params, self.X, self.sharing, self.workspace).copy()

    def gradients(self) -> Params:
        """Return the gradients of sum(raw · raw_gradient), which stands in the buffer of the outputs as in training."""
        raw = self.model.forward(self.params, self.X, self.sharing, self.workspace)
        np.copyto(raw, self.raw_gradient)
        out = [np.full_like(param, np.nan) for param in self.params]
        self.model.backward(self.params, self.X, self.sharing, self.workspace, raw, out)
        return out

    def alone(self, run: int) -> Passes:
        """Return the same for one of the runs."""
        one = Passes(self.model, [0], self.X.dtype)
        one.params = [np.ascontiguousarray(param[:, [run]]) for param in self.params]
        one.X, one.raw_gradient = self.X[[STREAMS[run]]], self.raw_gradient[:, [run]]
        return one


def _raw(index: tuple[int, ...]) -> str:
    return f"Raw prediction of output {index[0]}, run {index[1]}, example {index[2]}"


def _gradient(layer: int) -> Where:
    return lambda index: f"Gradient of layer {layer}, unit {index[0]}, run {index[1]}, input {index[2]}"


def shapes_are_as_stated(model: Model) -> None:
    """Parameters and raw predictions have the shapes that the model states."""
    passes = Passes(model)
    shapes = [param.shape for param in passes.params]
    stated = [(n_units, len(STREAMS), fan_in + 1) for n_units, fan_in in model.layer_sizes(N_FEATURES, N_OUTPUTS)]
    if shapes != stated:
        raise AssertionError(f"Expected parameters {stated}, got {shapes}.")
    if passes.raw().shape != (N_OUTPUTS, len(STREAMS), N_SAMPLES):
        raise AssertionError(
            f"Expected raw predictions {(N_OUTPUTS, len(STREAMS), N_SAMPLES)}, got {passes.raw().shape}."
        )


def each_run_has_its_own_start(model: Model) -> None:
    """The initial parameters of a run are drawn from its own generator, whoever is beside it."""
    rngs = [np.random.default_rng(seed) for seed in (1, 2, 3)]
    together = model.initial_params(N_FEATURES, N_OUTPUTS, rngs, np.float64)
    alone = model.initial_params(N_FEATURES, N_OUTPUTS, [np.random.default_rng(2)], np.float64)
    for layer, (ours, theirs) in enumerate(zip(together, alone, strict=True)):
        require_same(ours[:, [1]], theirs, lambda index, layer=layer: f"Layer {layer}, unit {index[0]}")  # type: ignore[misc]


def gradients_are_derivatives(model: Model) -> None:
    """The gradient of every parameter is the derivative of the raw predictions."""
    passes, step = Passes(model), 1e-4
    for layer, gradient in enumerate(passes.gradients()):
        numeric = np.empty_like(gradient)
        for unit, column in np.ndindex(gradient.shape[0], gradient.shape[2]):

            def total(n_steps: int, layer: int = layer, unit: int = unit, column: int = column) -> Array:
                moved = [param.copy("K") for param in passes.params]
                moved[layer][unit, :, column] += n_steps * step
                return np.sum(passes.raw(moved) * passes.raw_gradient, axis=(0, 2))

            numeric[unit, :, column] = (total(-2) - total(2) + 8 * (total(1) - total(-1))) / (12 * step)
        require_close(gradient, numeric, _gradient(layer), rtol=5e-6, atol=1e-8)


def a_stack_is_its_runs(model: Model) -> None:
    """In a stack every run gets the numbers that it gets alone."""
    passes = Passes(model)
    raw, gradients = passes.raw(), passes.gradients()
    for run in range(len(STREAMS)):
        alone = passes.alone(run)
        require_close(raw[:, [run]], alone.raw(), _raw, rtol=1e-12, atol=1e-13)
        for layer, (ours, theirs) in enumerate(zip(gradients, alone.gradients(), strict=True)):
            require_close(ours[:, [run]], theirs, _gradient(layer), rtol=1e-12, atol=1e-12)


def diverged_neighbours_change_nothing(model: Model) -> None:
    """A run is not touched by one beside it that is NaN."""
    passes, healthy = Passes(model), [0, 2, 3, 4]
    raw, gradients = passes.raw(), passes.gradients()
    for param in passes.params:
        param[:, 1] = np.nan
    passes.raw_gradient[:, 1] = np.nan
    require_same(passes.raw()[:, healthy], raw[:, healthy], _raw)
    for layer, (after, before) in enumerate(zip(passes.gradients(), gradients, strict=True)):
        require_same(after[:, healthy], before[:, healthy], _gradient(layer))


def passes_can_be_repeated(model: Model) -> None:
    """A second pass gives the numbers of the first, and features and parameters stay as they are."""
    passes = Passes(model)
    X, params = passes.X.copy(), [param.copy() for param in passes.params]
    raw, gradients = passes.raw(), passes.gradients()
    require_same(passes.raw(), raw, _raw)
    for layer, (second, first) in enumerate(zip(passes.gradients(), gradients, strict=True)):
        require_same(second, first, _gradient(layer))
    if not np.array_equal(X, passes.X):
        raise AssertionError("The features were changed.")
    if not all(np.array_equal(now, before) for now, before in zip(passes.params, params, strict=True)):
        raise AssertionError("The parameters were changed.")


def precision_is_kept(model: Model) -> None:
    """float32 gives the numbers of float64, to its own precision."""
    single, double = Passes(model, dtype=np.float32), Passes(model)
    if single.raw().dtype != np.float32:
        raise AssertionError(f"Expected raw predictions in float32, got {single.raw().dtype}.")
    require_close(single.raw(), double.raw(), _raw, rtol=1e-3, atol=1e-4)


LAWS: tuple[Callable[[Any], None], ...] = (
    shapes_are_as_stated,
    each_run_has_its_own_start,
    gradients_are_derivatives,
    a_stack_is_its_runs,
    diverged_neighbours_change_nothing,
    passes_can_be_repeated,
    precision_is_kept,
    survives_pickling,
)
