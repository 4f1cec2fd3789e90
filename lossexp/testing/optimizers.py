"""What every optimizer promises."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from lossexp.components import Array
from lossexp.optimizers import Optimizer
from lossexp.optimizers.base import Searcher, State
from lossexp.stacking import merge
from lossexp.stepping import taken
from lossexp.testing.checks import Check, require_close, require_same, run_all, survives_pickling, variants

N_RUNS, N_STEPS = 3, 20
SHAPES = ((4, 6), (2, 5))
"""(n_units, fan_in + 1) of two layers."""


def check_optimizer(optimizer: Optimizer) -> None:
    """Check everything that an optimizer promises.

    Raises:
        AssertionError: A law does not hold.
    """
    run_all(optimizer_checks(optimizer))


def optimizer_checks(optimizer: Optimizer) -> list[Check]:
    """Return the checks of an optimizer."""
    laws = SEARCHER_LAWS if isinstance(optimizer, Searcher) else LAWS
    return [Check(law, optimizer) for law in (*laws, survives_pickling)]


class Descent:
    """Parameters that walk down f(w) = sum of curvature · w²/2, each run from a place of its own.

    Args:
        optimizer: What moves them.
        runs: Which of the runs; the walk of a run does not depend on which others there are.
        dtype: Precision.
    """

    def __init__(
        self, optimizer: Optimizer, runs: Sequence[int] = range(N_RUNS), dtype: DTypeLike = np.float64
    ) -> None:
        self.optimizer, self.n_steps = optimizer, 0
        rng = np.random.default_rng(0)
        starts = [rng.normal(1, 2, (n_units, N_RUNS, width)).astype(dtype) for n_units, width in SHAPES]
        self.params = [start[:, list(runs)] for start in starts]
        self.curvature = [rng.uniform(0.5, 1.5, (n_units, 1, width)).astype(dtype) for n_units, width in SHAPES]
        self.state: State = optimizer.init(self.params)

    def go(self, n_steps: int) -> None:
        """Take some steps, with a learning rate that changes."""
        for _ in range(n_steps):
            self.n_steps += 1
            lr = self.optimizer.lr * (1 + 0.5 * float(np.cos(self.n_steps)))
            factor = np.asarray(self.optimizer.gradient_factor(lr), dtype=self.params[0].dtype)
            gradients = [curve * param * factor for curve, param in zip(self.curvature, self.params, strict=True)]
            self.optimizer.step(self.params, gradients, self.state, lr)

    def value(self) -> Array:
        """Return f, `(n_runs,)`."""
        return sum(
            (
                np.sum(curve * param**2, axis=(0, 2)) / 2
                for curve, param in zip(self.curvature, self.params, strict=True)
            ),
            start=np.zeros(()),
        )

    def require(self, other: Descent, what: str, *, rtol: float = 0.0) -> None:
        """Require the same parameters as another walk."""
        for layer, (ours, theirs) in enumerate(zip(self.params, other.params, strict=True)):

            def where(index: tuple[int, ...], layer: int = layer) -> str:
                return f"{what}: layer {layer}, run {index[1]}, after {self.n_steps} steps"

            require_close(ours, theirs, where, rtol=rtol, atol=rtol)


def it_descends(optimizer: Optimizer) -> None:
    """It goes downhill on a quadratic."""
    walk = Descent(optimizer)
    before = walk.value()
    walk.go(100)
    if not np.all(walk.value() < before):
        raise AssertionError(f"Expected less than {before.round(6)} after 100 steps, got {walk.value().round(6)}.")


def learning_rate_0_stays(optimizer: Optimizer) -> None:
    """With learning rate 0 nothing moves."""
    walk, start = (Descent(dataclasses.replace(optimizer, lr=0.0)) for _ in range(2))
    walk.go(N_STEPS)
    walk.require(start, "With lr=0")


def biases_do_not_decay(optimizer: Optimizer) -> None:
    """weight_decay pulls the weights towards 0 and leaves the biases alone."""
    walk, start = (Descent(dataclasses.replace(optimizer, weight_decay=0.1, lr=0.01)) for _ in range(2))
    walk.curvature = [0 * curve for curve in walk.curvature]
    walk.go(N_STEPS)
    for moved, before in zip(walk.params, start.params, strict=True):
        require_same(moved[..., -1], before[..., -1], lambda index: f"Bias of run {index[1]}, with a gradient of 0")
        if not np.all(np.sum(moved[..., :-1] ** 2, axis=(0, 2)) < np.sum(before[..., :-1] ** 2, axis=(0, 2))):
            raise AssertionError("Expected smaller weights after steps with weight_decay=0.1 and a gradient of 0.")


def hyperparameters_may_differ(optimizer: Optimizer) -> None:
    """In a stack every run has its own hyperparameters, and takes the steps it takes alone."""
    for name, optimizers in variants(dataclasses.replace(optimizer, weight_decay=0.01)):
        together = Descent(merge(optimizers, np.dtype(float)), range(len(optimizers)))
        together.go(N_STEPS)
        for run, one in enumerate(optimizers):
            alone = Descent(one, [run])
            alone.go(N_STEPS)
            together_one = Descent(one, [run])
            together_one.params, together_one.n_steps = [param[:, [run]] for param in together.params], N_STEPS
            together_one.require(alone, f"With {name}={getattr(one, name):g} in a stack", rtol=1e-12)


def diverged_neighbours_change_nothing(optimizer: Optimizer) -> None:
    """A run is not touched by one beside it that is NaN."""
    beside, alone = Descent(optimizer), Descent(optimizer, [0])
    for param in beside.params:
        param[:, 1:] = np.nan
    beside.go(N_STEPS)
    alone.go(N_STEPS)
    beside.params = [param[:, :1] for param in beside.params]
    beside.require(alone, "Beside NaN")


def runs_go_on_without_the_others(optimizer: Optimizer) -> None:
    """When other runs have ended, a run goes on exactly as it would have."""
    kept = np.array([0, 2])
    for dtype in (np.float64, np.float32):
        walk, all_along = (Descent(optimizer, dtype=dtype) for _ in range(2))
        walk.go(7)
        walk.params, walk.state = ([taken(array, kept) for array in arrays] for arrays in (walk.params, walk.state))
        walk.go(7)
        all_along.go(14)
        all_along.params = [param[:, kept] for param in all_along.params]
        walk.require(all_along, f"Without the others, in {np.dtype(dtype)}")


def precision_is_kept(optimizer: Optimizer) -> None:
    """float32 parameters take the steps of float64 ones, to their own precision."""
    single, double = Descent(optimizer, dtype=np.float32), Descent(optimizer)
    single.go(N_STEPS)
    double.go(N_STEPS)
    if any(array.dtype != np.float32 for array, _ in zip(single.state, single.params, strict=False)):
        raise AssertionError("Expected state arrays of the type of the parameters, got others.")
    single.require(double, "In float32", rtol=1e-4)


def search_finds_the_minimum(searcher: Searcher) -> None:
    """It finds the minimum of a quadratic, and leaves the parameters where they were."""
    walk, start = Descent(searcher, [0]), Descent(searcher, [0])
    gradients = [np.empty_like(param) for param in walk.params]

    def evaluate() -> float:
        for gradient, curve, param in zip(gradients, walk.curvature, walk.params, strict=True):
            np.multiply(curve, param, out=gradient)
        return float(walk.value()[0])

    for _ in range(5):
        before = [param.copy() for param in walk.params]
        searcher.search(walk.params, gradients, walk.state, evaluate)
        for param, untouched in zip(walk.params, before, strict=True):
            require_same(param, untouched, lambda index: f"Parameter {index} after the search")
        searcher.step(walk.params, gradients, walk.state, 1.0)
    start.params = [0 * param for param in start.params]
    walk.require(start, "Minimum", rtol=1e-6)


LAWS: tuple[Callable[[Any], None], ...] = (
    it_descends,
    learning_rate_0_stays,
    biases_do_not_decay,
    hyperparameters_may_differ,
    diverged_neighbours_change_nothing,
    runs_go_on_without_the_others,
    precision_is_kept,
)
SEARCHER_LAWS: tuple[Callable[[Any], None], ...] = (search_finds_the_minimum,)
