"""One epoch of steps for a stack: batches in, gradients through the model, parameters moved."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lossexp.batching import Batch, StackedSplit
from lossexp.components import Array, Scalar
from lossexp.metrics import total
from lossexp.models import Params, Size
from lossexp.optimizers.base import Searcher, State
from lossexp.stacking import Stack

BLOCK_ELEMENTS = 2**23
"""A batch with more activations, or features that are read from elsewhere, is taken in blocks; gradients add up."""


class Stepper:
    """Moves the parameters of a stack, in place.

    Args:
        stack: The runs.
        params: Their parameters, `(n_units, n_runs, fan_in + 1)` each.
        orders: The generator of each stream's order of examples, by `Member.stream`.
        states: Optimizer states, one per part of `stack.optimizers`; made anew where missing.
    """

    def __init__(
        self,
        stack: Stack,
        params: Params,
        orders: Mapping[Any, np.random.Generator],
        states: list[State] | None = None,
    ) -> None:
        self.stack, self.params, self.orders = stack, params, orders
        self.n_examples = stack.train.n_samples
        per_step = stack.members[0].experiment.optimizer.examples_per_step
        self.is_shuffled = per_step is not None
        self.batch_size = min(per_step or self.n_examples, self.n_examples)
        self.steps_per_epoch = -(-self.n_examples // self.batch_size)
        self.n_epochs = stack.training.epochs
        experiments = [member.experiment for member in stack.members]
        self._lr = np.array([experiment.optimizer.lr for experiment in experiments])
        self._schedules = list(dict.fromkeys(experiment.schedule for experiment in experiments))
        self._schedule_of_run = [self._schedules.index(experiment.schedule) for experiment in experiments]
        self.gradients = [np.empty_like(param) for param in params]
        self.states = states or [part.component.init(_runs(params, part.runs)) for part in stack.optimizers]
        n_units = sum(n_units for n_units, _ in stack.model.layer_sizes(stack.n_features, stack.n_outputs))
        n_read = 0 if stack.train.whole else len(stack.streams) * stack.train.n_columns
        self.block = block_size(n_units * stack.n_runs, n_read)
        self._workspaces: dict[int, tuple[Any, Array]] = {}
        self._moves = [
            (part.component, _runs(params, part.runs), _runs(self.gradients, part.runs), state)
            for part, state in zip(stack.optimizers, self.states, strict=True)
        ]

    def keep(self, stack: Stack, params: Params, runs: Array) -> Stepper:
        """Return the stepper of some of the runs, which goes on where this one is."""
        states = []
        for part, state in zip(self.stack.optimizers, self.states, strict=True):
            inside = runs[(runs >= part.runs.start) & (runs < part.runs.stop)] - part.runs.start
            if len(inside):
                states.append([taken(array, inside) for array in state])
        return Stepper(stack, params, self.orders, states)

    def run_epoch(self, number: int) -> None:
        """Take every step of epoch `number` (from 1)."""
        weights, learning_rates = self._factors(number)
        for step, batch in enumerate(self._batches()):
            searcher, *_, state = self._moves[0]
            if isinstance(searcher, Searcher):
                evaluate = functools.partial(self._evaluate, batch, weights[step])
                searcher.search(self.params, self.gradients, state, evaluate)
            else:
                self._write_gradients(batch, weights[step])
            for (optimizer, params, gradients, state), lr in zip(self._moves, learning_rates, strict=True):
                optimizer.step(params, gradients, state, lr[step])

    def _factors(self, number: int) -> tuple[list[Scalar], list[list[Scalar]]]:
        """Return per step what the loss gradient is multiplied with, and each optimizer's learning rate.

        The first is 1 / batch size times the optimizer's `gradient_factor`. Both are numbers in a stack of one and
        columns `(n_runs, 1)` else.
        """
        first = (number - 1) * self.steps_per_epoch
        steps = np.arange(first, first + self.steps_per_epoch)
        factors = [schedule.factor(steps, self.steps_per_epoch, self.n_epochs) for schedule in self._schedules]
        lr = np.stack(factors, axis=1)[:, self._schedule_of_run] * self._lr
        sizes = np.full((self.steps_per_epoch, 1), self.batch_size)
        sizes[-1] = self.n_examples - self.batch_size * (self.steps_per_epoch - 1)
        weight = np.empty_like(lr)
        for part in self.stack.optimizers:
            weight[:, part.runs] = part.component.gradient_factor(lr[:, part.runs])
        return self._columns(weight / sizes), [self._columns(lr[:, part.runs]) for part in self.stack.optimizers]

    def _columns(self, per_step: Array) -> list[Scalar]:
        """Turn `(n_steps, n_runs)` into what each step is given."""
        if self.stack.n_runs == 1:
            return per_step[:, 0].tolist()
        return list(per_step.astype(self.stack.dtype)[:, :, None])

    def _batches(self) -> Iterator[Batch | StackedSplit]:
        if not self.is_shuffled:
            return iter([self.stack.train.whole or self.stack.train])
        orders = [self.orders[member.stream] for member in self.stack.streams]
        return self.stack.train.shuffled(orders, self.batch_size)

    def _evaluate(self, batch: Batch | StackedSplit, factor: Scalar) -> float:
        """Return the mean loss of a batch in a stack of one, and write its gradients."""
        sums = 0.0
        for start in range(0, batch.n_samples, self.block):
            part = batch.cut(slice(start, start + self.block))
            workspace, _ = self._workspace(part.n_samples)
            raw = self.stack.model.forward(self.params, part.X, self.stack.sharing, workspace)
            value = self.stack.losses[0].component.value(raw, part.encoded)
            sums += float(total(value, None if part.weight is None else part.weight[0])[0])
        self._write_gradients(batch, factor)
        return sums / batch.n_samples

    def _write_gradients(self, batch: Batch | StackedSplit, factor: Scalar) -> None:
        """Write the gradient of the mean loss of a batch, times the optimizers' factors, into `gradients`."""
        self._backpropagate(batch.cut(slice(0, self.block)), factor, self.gradients)
        for start in range(self.block, batch.n_samples, self.block):
            more = [np.empty_like(gradient) for gradient in self.gradients]
            self._backpropagate(batch.cut(slice(start, start + self.block)), factor, more)
            for gradient, addend in zip(self.gradients, more, strict=True):
                np.add(gradient, addend, out=gradient)

    def _backpropagate(self, batch: Batch, factor: Scalar, out: Params) -> None:
        stack = self.stack
        workspace, spread = self._workspace(batch.n_samples)
        raw = stack.model.forward(self.params, batch.X, stack.sharing, workspace)
        encoded = stack.sharing.spread(batch.encoded, spread)
        if batch.weight is not None:
            factor = factor * stack.sharing.spread(batch.weight, np.empty_like(raw[:1]))[0]
        if len(stack.losses) == 1:
            stack.losses[0].component.weighted_gradient(raw, encoded, factor, raw)
        else:
            for part in stack.losses:
                # Every pass over a slice that is not contiguous takes several times as long as copying it does.
                some, target = raw[:, part.runs].copy(), encoded if len(encoded[0]) == 1 else encoded[:, part.runs]
                part.component.weighted_gradient(some, target, factor[part.runs], some)  # type: ignore[index]
                raw[:, part.runs] = some
        stack.model.backward(self.params, batch.X, stack.sharing, workspace, raw, out)

    def _workspace(self, n_samples: int) -> tuple[Any, Array]:
        if n_samples not in self._workspaces:
            stack = self.stack
            size = Size(stack.n_features, stack.n_outputs, stack.n_runs, n_samples, stack.dtype)
            spread = np.empty((stack.n_outputs, stack.n_runs, n_samples), dtype=stack.dtype)
            self._workspaces[n_samples] = stack.model.workspace(size), spread
        return self._workspaces[n_samples]


def block_size(n_activations: int, n_read: int) -> int:
    """Return how many examples of a batch are taken at once.

    Args:
        n_activations: Numbers that all runs compute for an example.
        n_read: Numbers that are read of it, in all streams; 0 where features are in memory.
    """
    return max(BLOCK_ELEMENTS // max(n_activations, n_read), 1)


def _runs(arrays: Params, runs: slice) -> Params:
    return [array[:, runs] for array in arrays]


def taken(array: Array, runs: Array) -> Array:
    """Return some of the runs of `(n, n_runs, m)`, laid out in memory as before."""
    some = np.empty_like(array[:, : len(runs)])
    np.copyto(some, array[:, runs])
    return some
