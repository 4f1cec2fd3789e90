"""A sweep before it starts: all jobs checked, and grouped into the stacks that will train them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossexp import compatibility
from lossexp.batching import held_bytes
from lossexp.checkpoints import MAX_EXAMPLES
from lossexp.config import Job
from lossexp.datasets.base import Data, Dataset
from lossexp.errors import ConfigError, IncompatibleError
from lossexp.evaluation import CACHE_BYTES
from lossexp.experiment import Sweep
from lossexp.stacking import Member, arrange, stack_key
from lossexp.stepping import block_size
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
        n_activations = len(stack) * sum(n_units for n_units, _ in sizes)
        n_read = 0 if isinstance(data.train.X, np.ndarray) else n_streams * (data.n_features + 1)
        batch = member.experiment.optimizer.examples_per_step or len(data.train)
        at_once = min(batch, len(data.train), block_size(n_activations, n_read))
        dtype = np.dtype(training.dtype)
        examples = held_bytes(data.train, n_outputs, n_streams, dtype, at_once)
        examples += held_bytes(data.val, n_outputs, n_streams, dtype)
        n_params = len(stack) * sum(n_units * (fan_in + 1) for n_units, fan_in in sizes)
        numbers = 6 * n_params + 4 * at_once * n_activations
        # Measuring both splits: raw predictions and temporaries, and for hidden layers sums, activations and slopes.
        measuring = (4 if len(sizes) == 1 else 12) * CACHE_BYTES
        kept = 8 * len(stack) * len(checkpoint_epochs(training.epochs)) * min(len(data.val), MAX_EXAMPLES)
        return examples + numbers * dtype.itemsize + measuring + kept


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


def plan(jobs: Sequence[Job], settings: Sweep, impossible: Mapping[str, int] | None = None) -> Plan:
    """Check all jobs and group them.

    Args:
        jobs: The jobs.
        settings: How the sweep is done.
        impossible: How many more jobs there were that could not be built, by reason.

    Raises:
        ConfigError: The jobs are to be written to different places.
        StorageError: They cannot be tracked as that is set up.
        IncompatibleError: Parts of some jobs do not fit together, and `settings.on_illegal` is error.
    """
    for name in ("sweep", "tracker", "runs_dir"):
        if any(job.tree[name] != jobs[0].tree[name] for job in jobs):  # as written: ${now:...} moves on
            raise ConfigError(f"{name} is not the same for all runs of this sweep. Choose one value of it for all.")
    jobs[0].tracker.check()
    loaded: dict[tuple[Dataset, int], Data] = {}
    kept: dict[str, tuple[Job, Member]] = {}
    illegal = Counter(impossible or {})
    for job in jobs:
        experiment = job.experiment
        key = experiment.dataset, experiment.seed
        if key not in loaded:
            loaded[key] = experiment.dataset.load(experiment.seed)
        try:
            compatibility.check(experiment, loaded[key], job.choices)
        except IncompatibleError as error:
            illegal[str(error)] += 1
        else:
            # By what is run, not as it is written: 1 and 1.0 are the same learning rate.
            kept.setdefault(repr((experiment, job.choices)), (job, Member(experiment, loaded[key])))
    n_jobs = len(jobs) + sum((impossible or {}).values())
    skipped = _told(illegal, n_jobs)
    if illegal and (settings.on_illegal == "error" or not kept):
        hint = "" if settings.on_illegal == "skip" else "\nTo run only the others: sweep.on_illegal=skip"
        raise IncompatibleError("\n".join(skipped) + hint)
    if n_repeated := n_jobs - illegal.total() - len(kept):
        skipped.append(f"{n_repeated} of {n_jobs} runs repeat others.")
    members = [member for _, member in kept.values()]
    stacks, reason = _stacks(members)
    return Plan([job for job, _ in kept.values()], members, stacks, reason, skipped)


def _told(illegal: Mapping[str, int], n_jobs: int) -> list[str]:
    """Return the reasons why runs do not fit: the first line of some that have the others in common, then those."""
    alike: dict[str, list[str]] = {}
    for reason, count in illegal.items():
        first, _, others = reason.partition("\n")
        alike.setdefault(others, []).append(f"{count} of {n_jobs} runs do not fit: {first}")
    told: list[str] = []
    for others, lines in alike.items():
        told += lines[:SHOWN]
        told += [f"... and {len(lines) - SHOWN} more such reasons."] if len(lines) > SHOWN else []
        told[-1] += f"\n{others}" if others else ""
    return told


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
