"""Stacks: runs trained together as one NumPy computation.

Fields that are equal stay as they are; fields declared `Scalar` that differ become a column `(n_runs, 1)`, also those
of components inside; different losses or optimizers each apply to their own slice of the run axis. A single run is a
stack of one.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from lossexp.batching import StackedSplit
from lossexp.components import Component, Scalar, may_differ_in_stack
from lossexp.datasets.base import Data, Split
from lossexp.experiment import Experiment
from lossexp.losses import Loss
from lossexp.optimizers import Optimizer
from lossexp.optimizers.base import Searcher
from lossexp.rows import FileRows
from lossexp.sharing import Sharing
from lossexp.targets import Target

C = TypeVar("C", bound=Component)


@dataclass(frozen=True)
class Part(Generic[C]):
    """A component and the slice of the run axis it applies to."""

    component: C
    runs: slice


@dataclass(frozen=True)
class Member:
    """One run of a stack: its experiment and the data it was given."""

    experiment: Experiment
    data: Data

    @functools.cached_property
    def loss(self) -> Loss:
        """The loss, settled on the target and the training split."""
        target, train = self.data.target, self.data.train
        loss = self.experiment.loss.on(target)
        if not target.task.is_classes:
            return loss
        return loss.fitted(np.bincount(train.y, weights=train.weight, minlength=target.n_classes))

    @property
    def order_seed(self) -> int:
        """The seed of the order of examples: that of the run, but rows of a file are read once for all runs."""
        return 0 if isinstance(self.data.train.X, FileRows) else self.experiment.seed

    @property
    def stream(self) -> tuple[int, int]:
        """What is equal for runs that see the same examples in the same order."""
        return id(self.data), self.order_seed


class Stack:
    """Runs that share model shape, epochs, batch size and precision, in the order of the run axis.

    Args:
        members: The runs, already in an order made by `arrange`.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = tuple(members)
        first = members[0]
        self.target: Target = first.data.target
        self.n_features = first.data.n_features
        self.n_outputs = first.loss.n_outputs(self.target)
        self.model = first.experiment.model
        self.training = first.experiment.training
        self.dtype = np.dtype(self.training.dtype)
        self.losses: list[Part[Loss]] = parts([member.loss for member in members], self.dtype)
        self.optimizers: list[Part[Optimizer]] = parts([m.experiment.optimizer for m in members], self.dtype)
        self.stream_of_run = _ranks([member.stream for member in members])
        self.streams = tuple(members[self.stream_of_run.index(s)] for s in range(max(self.stream_of_run) + 1))
        self.sharing = Sharing(self.stream_of_run)

    @property
    def n_runs(self) -> int:
        """Number of runs."""
        return len(self.members)

    @functools.cached_property
    def train(self) -> StackedSplit:
        """The training split."""
        return self._stacked([stream.data.train for stream in self.streams])

    @functools.cached_property
    def val(self) -> StackedSplit:
        """The validation split."""
        return self._stacked([stream.data.val for stream in self.streams])

    @functools.cached_property
    def test(self) -> StackedSplit:
        """The test split: for the end only."""
        return self._stacked([stream.data.test for stream in self.streams])

    def _stacked(self, splits: Sequence[Split]) -> StackedSplit:
        return StackedSplit(splits, self.target, self.n_outputs, self.dtype)

    def select(self, runs: Iterable[int]) -> Stack:
        """Return the stack of some of the runs, in the same order."""
        stack = Stack([self.members[run] for run in runs])
        if [member.stream for member in stack.streams] == [member.stream for member in self.streams]:
            # The data is the same: hand over what has been laid out already.
            vars(stack).update({name: split for name, split in vars(self).items() if name in ("train", "val", "test")})
        return stack


def stack_key(member: Member) -> tuple[tuple[str, Any], ...]:
    """Return, with names, what must be equal for two runs to be trained in one stack."""
    experiment, data = member.experiment, member.data
    n_outputs = member.loss.n_outputs(data.target)
    splits = tuple(len(split) for split in (data.train, data.val, data.test))
    return (
        ("dataset", (data.name, data.target, splits, data.n_features)),
        ("model", experiment.model),
        ("number of outputs", n_outputs),
        ("batch size", experiment.optimizer.examples_per_step),
        ("an optimizer that does not stack", id(member) if isinstance(experiment.optimizer, Searcher) else None),
        ("training", experiment.training),
    )


def arrange(members: Sequence[Member]) -> list[int]:
    """Return the order of the run axis: by optimizer, loss, then stream, so that each is a slice where it can be."""
    optimizers = _ranks([alike(member.experiment.optimizer) for member in members])
    losses = _ranks([alike(member.loss) for member in members])
    streams = _ranks([member.stream for member in members])
    return sorted(range(len(members)), key=lambda run: (optimizers[run], losses[run], streams[run], run))


def _ranks(keys: Sequence[Any]) -> list[int]:
    """Number equal keys alike, in the order in which they first appear."""
    first = {key: rank for rank, key in enumerate(dict.fromkeys(keys))}
    return [first[key] for key in keys]


def alike(component: Component) -> tuple[Any, ...]:
    """Return what must be equal for two components to be computed as one: the class and its fixed fields.

    Of a field that holds components it is what must be equal for those.
    """
    varying = may_differ_in_stack(type(component))
    fixed = (f.name for f in dataclasses.fields(component) if f.name not in varying)
    return (type(component), *((name, _alike_inside(getattr(component, name))) for name in fixed))


def _alike_inside(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_alike_inside, value))
    return alike(value) if isinstance(value, Component) else value


def parts(components: Sequence[C], dtype: np.dtype[Any]) -> list[Part[C]]:
    """Merge neighbours that are alike into one component each."""
    keys = [alike(component) for component in components]
    starts = [run for run in range(len(keys)) if run == 0 or keys[run] != keys[run - 1]]
    ends = [*starts[1:], len(keys)]
    return [
        Part(merge(components[start:end], dtype), slice(start, end)) for start, end in zip(starts, ends, strict=True)
    ]


def merge(components: Sequence[C], dtype: np.dtype[Any]) -> C:
    """Return one component that computes them all: differing hyperparameters as columns `(n_runs, 1)`."""
    varying = may_differ_in_stack(type(components[0]))
    changed = {}
    for field in dataclasses.fields(components[0]):
        values = [getattr(component, field.name) for component in components]
        if len(set(values)) > 1:
            changed[field.name] = column(values, dtype) if field.name in varying else _merged_inside(values, dtype)
    return dataclasses.replace(components[0], **changed) if changed else components[0]


def _merged_inside(values: Sequence[Any], dtype: np.dtype[Any]) -> Any:
    """Merge what differs in a fixed field: components inside it, or it would not be alike."""
    if isinstance(values[0], tuple):
        return tuple(_merged_inside(items, dtype) for items in zip(*values, strict=True))
    return merge(values, dtype) if isinstance(values[0], Component) else values[0]


def column(values: Sequence[float], dtype: np.dtype[Any]) -> Scalar:
    """Return the values as a column `(n_runs, 1)`, or as one number where there is only one."""
    return float(values[0]) if len(values) == 1 else np.array(values, dtype=dtype)[:, None]
