"""A sweep before it starts: all jobs checked, and grouped into the stacks that will train them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossexp import compatibility
from lossexp.checkpoints import MAX_EXAMPLES
from lossexp.config import Job
from lossexp.datasets.base import Data, Dataset
from lossexp.errors import ConfigError, IncompatibleError
from lossexp.evaluation import CACHE_BYTES
from lossexp.experiment import Sweep
from lossexp.stacking import Member, arrange, stack_key
from lossexp.verdict import checkpoint_epochs

SHOWN = 5
"""How many of many like problems a message spells out."""


@dataclass(frozen=True)
class Plan:
    """What a sweep is going to train.

    Attributes:
        jobs: The jobs that fit, each once.
        members: What is trained for each job.
        stacks: Indices of the jobs in each stack, in the order of the run axis.
        reason: In words, what keeps the stacks apart.
        skipped: Why jobs were left out.
    """

    jobs: list[Job]
    members: list[Member]
    stacks: list[list[int]]
    reason: str
    skipped: list[str]

    @property
    def n_epochs(self) -> int:
        """Epochs of all runs together."""
        return sum(job.experiment.training.epochs for job in self.jobs)

    def stack_bytes(self, stack: Sequence[int]) -> int:
        """Estimate the memory of training a stack: data, parameters and copies, activations, losses of examples."""
        member = self.members[stack[0]]
        data, training = member.data, member.experiment.training
        n_outputs = member.loss.n_outputs(data.target)
        sizes = member.experiment.model.layer_sizes(data.n_features, n_outputs)
        n_streams = len({self.members[index].stream for index in stack})
        n_examples = len(data.train) + len(data.val)
        batch = min(member.experiment.optimizer.examples_per_step or len(data.train), len(data.train))
        numbers = (
            2 * n_streams * n_examples * (data.n_features + 1 + n_outputs)
            + 6 * len(stack) * sum(n_units * (fan_in + 1) for n_units, fan_in in sizes)
            + 4 * len(stack) * batch * sum(n_units for n_units, _ in sizes)
        )
        # Measuring both splits: raw predictions and temporaries, and for hidden layers sums, activations and slopes.
        measuring = (4 if len(sizes) == 1 else 12) * CACHE_BYTES
        kept = 8 * len(stack) * len(checkpoint_epochs(training.epochs)) * min(len(data.val), MAX_EXAMPLES)
        return numbers * np.dtype(training.dtype).itemsize + measuring + kept


def refuse_too_many(n_runs: int, settings: Sweep) -> None:
    """Refuse more runs than a sweep may have.

    Raises:
        ConfigError: There are more.
    """
    if n_runs > settings.max_runs:
        raise ConfigError(
            f"This sweep has {n_runs} runs, more than sweep.max_runs={settings.max_runs}. "
            f"If you mean it: sweep.max_runs={n_runs}"
        )


def plan(jobs: Sequence[Job], settings: Sweep) -> Plan:
    """Check all jobs and group them.

    Raises:
        ConfigError: The jobs are to be written to different places.
        IncompatibleError: Parts of some jobs do not fit together, and `settings.on_illegal` is error.
    """
    for name in ("sweep", "tracker", "runs_dir"):
        if any(job.tree[name] != jobs[0].tree[name] for job in jobs):  # as written: ${now:...} moves on
            raise ConfigError(f"{name} is not the same for all runs of this sweep. Choose one value of it for all.")
    loaded: dict[tuple[Dataset, int], Data] = {}
    kept: dict[str, tuple[Job, Member]] = {}
    illegal: dict[str, list[str]] = {}
    for job in jobs:
        experiment = job.experiment
        key = experiment.dataset, experiment.seed
        if key not in loaded:
            loaded[key] = experiment.dataset.load(experiment.seed)
        try:
            compatibility.check(experiment, loaded[key], job.choices)
        except IncompatibleError as error:
            illegal.setdefault(str(error), []).append(job.name)
        else:
            kept.setdefault(repr(job.tree), (job, Member(experiment, loaded[key])))
    skipped = [f"{len(names)} of {len(jobs)} runs do not fit: {message}" for message, names in illegal.items()]
    if illegal and (settings.on_illegal == "error" or not kept):
        hint = "" if settings.on_illegal == "skip" else "\nTo run only the others: sweep.on_illegal=skip"
        raise IncompatibleError("\n".join(skipped[:SHOWN]) + hint)
    members = [member for _, member in kept.values()]
    stacks, reason = _stacks(members)
    return Plan([job for job, _ in kept.values()], members, stacks, reason, skipped)


def _stacks(members: Sequence[Member]) -> tuple[list[list[int]], str]:
    """Group members that can be trained together, and cut groups that are too large."""
    groups: dict[tuple[tuple[str, object], ...], list[int]] = {}
    for index, member in enumerate(members):
        groups.setdefault(stack_key(member), []).append(index)
    stacks = [stack for group in groups.values() for stack in _cut(group, members)]
    names = [name for name, _ in next(iter(groups))]
    differing = [name for place, name in enumerate(names) if len({key[place] for key in groups}) > 1]
    reason = f"apart by {', '.join(differing)}" if differing else "all alike but for what may differ in a stack"
    if len(stacks) > len(groups):
        reason += "; cut at training.max_stack"
    return stacks, reason


def _cut(group: Sequence[int], members: Sequence[Member]) -> list[list[int]]:
    """Cut runs that can be trained together into stacks of at most `training.max_stack`, each in its order.

    Runs that see the same examples stay together where they can: they share the work of reading them.
    """
    limit = members[group[0]].experiment.training.max_stack
    even = len(group) / -(-len(group) // limit)
    streams: dict[Any, list[int]] = {}
    for index in group:
        streams.setdefault(members[index].stream, []).append(index)
    stacks: list[list[int]] = [[]]
    for runs in streams.values():
        for part in np.array_split(np.array(runs), -(-len(runs) // limit)):
            # Where an even cut falls into a stream, the stack ends on the side that is nearer.
            n_before = sum(map(len, stacks))
            is_full = n_before + len(part) / 2 > even * len(stacks) + 1e-9
            if stacks[-1] and (is_full or len(stacks[-1]) + len(part) > limit):
                stacks.append([])
            stacks[-1] += part.tolist()
    return [[stack[place] for place in arrange([members[index] for index in stack])] for stack in stacks]
