"""The training loop: yields epochs, knows nothing of logging."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from lossexp import randomness
from lossexp.checkpoints import Checkpoints, Ending
from lossexp.components import Array
from lossexp.early_stopping import Watcher
from lossexp.evaluation import Evaluator
from lossexp.models import Params
from lossexp.stacking import Stack
from lossexp.stepping import Stepper, taken
from lossexp.verdict import Evidence

DIVERGENCE_FACTOR = 1e3
"""A training loss this many times that of the initial model counts as diverged, before it overflows."""


@dataclass(frozen=True)
class Finished:
    """A run that has left the stack.

    Attributes:
        run: Its index in the stack that training started with.
        ending: How it ended.
        epoch: The epoch whose weights it keeps.
        params: Those weights, one array `(n_units, fan_in + 1)` per layer.
        metrics: What is measured once at the end: the test split, and ranking metrics.
        evidence: What a verdict is based on; None where there is no validation split.
    """

    run: int
    ending: Ending
    epoch: int
    params: list[Array]
    metrics: dict[str, float]
    evidence: Evidence | None = None


@dataclass(frozen=True)
class Epoch:
    """What is known at the end of an epoch.

    Attributes:
        number: 0 before any training.
        runs: Indices of the runs measured, `(n_measured,)`, in the stack that training started with.
        metrics: Curves at this epoch, each `(n_measured,)`.
        finished: Runs that end with this epoch.
        time: When it ended, in milliseconds since 1970.
    """

    number: int
    runs: Array
    metrics: dict[str, Array]
    finished: list[Finished] = field(default_factory=list)
    time: int = field(default_factory=lambda: time.time_ns() // 1_000_000)


def train(stack: Stack) -> Iterator[Epoch]:
    """Train all runs of a stack.

    Yields:
        One `Epoch` before the first step and one after each epoch, until every run has finished. Curves of both splits
        are measured at the same weights. Without a validation split there are those of the training split alone.
    """
    with np.errstate(all="ignore"):
        trainer = _Trainer(stack)
        epoch = trainer.end_epoch()
    yield epoch
    while len(trainer.runs):
        yield trainer.next_epoch()


class _Trainer:
    """What changes between epochs: the parameters, and who is still in the stack."""

    def __init__(self, stack: Stack) -> None:
        seeds = [member.experiment.seed for member in stack.members]
        init = [randomness.stream(seed, "init") for seed in seeds]
        self.number = 0
        self.runs = np.arange(stack.n_runs)
        self.params = stack.model.initial_params(stack.n_features, stack.n_outputs, init, stack.dtype)
        self.last_finite, self.best = _copies(self.params), _copies(self.params)
        self.best_epoch = np.zeros(stack.n_runs, dtype=int)
        self.watchers: list[Watcher] = [member.experiment.early_stopping.watch() for member in stack.members]
        self.initial_loss = np.full(stack.n_runs, np.inf)
        self.checkpoints = Checkpoints(stack)
        orders = {member.stream: randomness.stream(member.order_seed, "order") for member in stack.streams}
        self._lay_out(stack, Stepper(stack, self.params, orders))

    def _lay_out(self, stack: Stack, stepper: Stepper) -> None:
        self.stack, self.stepper = stack, stepper
        splits = {"train": stack.train, "val": stack.val}
        self.evaluators = {name: Evaluator(stack, split, name) for name, split in splits.items() if split.n_samples}

    @np.errstate(all="ignore")  # what overflows is found at the end of the epoch
    def next_epoch(self) -> Epoch:
        """Take every step of an epoch, then measure."""
        self.number += 1
        self.stepper.run_epoch(self.number)
        return self.end_epoch()

    def end_epoch(self) -> Epoch:
        """Measure, let finished runs go, and remember the weights."""
        self.checkpoints.begin(self.number, self.runs)
        metrics = self.evaluators["train"].measure(self.params)
        if "val" in self.evaluators:
            metrics |= self.evaluators["val"].measure(self.params, keep=self.checkpoints)
            metrics["gap"] = metrics["val/loss"] - metrics["train/loss"]
        self.checkpoints.take_train_loss(metrics["train/loss"])
        if self.number == 0:
            self.initial_loss = metrics["train/loss"]
        diverged = self._diverged(metrics)
        endings = [
            "diverged" if bad else self._ending(run, {name: float(values[run]) for name, values in metrics.items()})
            for run, bad in enumerate(diverged.tolist())
        ]
        for kept, param in zip(self.last_finite, self.params, strict=True):
            np.copyto(kept, param, where=~diverged[None, :, None])
        finished = self._finish(endings)
        healthy = ~diverged
        epoch = Epoch(
            self.number,
            self.runs[healthy],
            {name: values[healthy] for name, values in metrics.items()},
            finished,
        )
        if finished:
            self._keep(np.array([run for run, ending in enumerate(endings) if ending is None], dtype=int))
        return epoch

    def _diverged(self, metrics: dict[str, Array]) -> Array:
        """Tell which runs have left all bounds, `(n_runs,)`."""
        bound = np.where(self.initial_loss > 0, DIVERGENCE_FACTOR * self.initial_loss, np.inf)
        # A sum is finite only where every term is.
        total = sum(np.add.reduce(param, axis=(0, 2)) for param in self.params)
        # A gap is finite only where both losses are.
        measured = np.isfinite(metrics.get("gap", metrics["train/loss"]))
        healthy = np.isfinite(total) & measured & ~(metrics["train/loss"] > bound)
        return ~healthy

    def _ending(self, run: int, metrics: dict[str, float]) -> Ending | None:
        """Consult early stopping, note a best epoch, and say how the run ends here, if it does."""
        if self.number > 0:
            decision = self.watchers[run].see(metrics)
            if decision.is_best and self.stack.members[run].experiment.early_stopping.restore_best:
                self.best_epoch[run] = self.number
                for kept, param in zip(self.best, self.params, strict=True):
                    kept[:, run] = param[:, run]
                self.checkpoints.note_best(int(self.runs[run]))
            if decision.stop and self.number < self.stack.training.epochs:
                return "stopped early"
        return "completed" if self.number >= self.stack.training.epochs else None

    def _finish(self, endings: list[Ending | None]) -> list[Finished]:
        leaving = [run for run, ending in enumerate(endings) if ending is not None]
        if not leaving:
            return []
        last_epoch, kept_epoch = {}, {}
        params = [np.empty_like(param[:, leaving]) for param in self.params]
        for place, run in enumerate(leaving):
            restored = self.stack.members[run].experiment.early_stopping.restore_best and self.best_epoch[run] > 0
            source = self.best if restored else self.last_finite
            last_epoch[run] = self.number - (endings[run] == "diverged")
            kept_epoch[run] = int(self.best_epoch[run]) if restored else max(last_epoch[run], 0)
            for final, param in zip(params, source, strict=True):
                final[:, place] = param[:, run]
        metrics = final_metrics(self.stack.select(leaving), params)
        return [
            Finished(
                run=int(self.runs[run]),
                ending=ending,
                epoch=kept_epoch[run],
                params=[param[:, place].copy() for param in params],
                metrics={name: float(values[place]) for name, values in metrics.items()},
                evidence=self.checkpoints.evidence(int(self.runs[run]), last_epoch[run], kept_epoch[run], ending),
            )
            for place, run in enumerate(leaving)
            if (ending := endings[run]) is not None
        ]

    def _keep(self, runs: Array) -> None:
        """Go on with some of the runs; the others cost nothing from here on."""
        self.runs, self.best_epoch, self.initial_loss = (
            values[runs] for values in (self.runs, self.best_epoch, self.initial_loss)
        )
        if not len(runs):
            return
        self.params, self.last_finite, self.best = (
            [taken(param, runs) for param in params] for params in (self.params, self.last_finite, self.best)
        )
        self.watchers = [self.watchers[run] for run in runs]
        stack = self.stack.select(runs.tolist())
        self._lay_out(stack, self.stepper.keep(stack, self.params, runs))


def final_metrics(stack: Stack, params: Params) -> dict[str, Array]:
    """Return what is measured once, at the end: the test split and ranking metrics, each `(n_runs,)`."""
    ranked = Evaluator(stack, stack.val, "val").measure_ranking(params)
    if not stack.training.measure_test or not stack.test.n_samples:
        return ranked
    test = Evaluator(stack, stack.test, "test")
    return {**ranked, **test.measure(params), **test.measure_ranking(params)}


def _copies(params: Params) -> Params:
    return [param.copy("K") for param in params]
