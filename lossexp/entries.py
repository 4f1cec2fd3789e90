"""What a comparison compares: from the overrides of a sweep to the losses, their settings and the learning rates."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from lossexp.config import Job, setting_name
from lossexp.errors import ConfigError
from lossexp.targets import Task
from lossexp.tuning import TUNABLE

Overrides: TypeAlias = tuple[str, ...]

Compose: TypeAlias = Callable[[Sequence[str]], Job]
"""Turns the overrides of one job into it."""

USUAL_LOSSES = {
    Task.REGRESSION: ("mse", "mae", "huber"),
    Task.BINARY: ("bce", "mse", "hinge"),
    Task.MULTICLASS: ("cce", "mse", "crammer_singer"),
}
"""What is compared where no losses are given; the first is the reference."""

RATE, SEED = "optimizer.lr", "seed"
HALF_DECADE = 10**0.5
N_RATES = 9
"""Half decades over four decades, the composed learning rate in the middle."""


@dataclass(frozen=True)
class Entry:
    """A loss on a dataset, before anything is tried.

    Attributes:
        dataset: The choice of the group `dataset`.
        loss: The choice of the group `loss`.
        variants: Overrides without learning rate and seed, for each combination of the swept settings of the loss.
    """

    dataset: str
    loss: str
    variants: tuple[Overrides, ...]


@dataclass(frozen=True)
class Entries:
    """All losses on all datasets, and what is the same for them.

    Attributes:
        entries: The losses, in the order in which they were given, dataset by dataset.
        rates: The learning rates that each is tried at, in ascending order.
        seed: The seed that was given; those of the comparison count from it.
    """

    entries: tuple[Entry, ...]
    rates: tuple[float, ...]
    seed: int

    @classmethod
    def of_sweep(cls, job_overrides: Sequence[Sequence[str]], compose: Compose) -> Entries:
        """Read the overrides of the jobs of a sweep.

        Raises:
            ConfigError: Something else than losses and what may be tuned is swept, there are not two losses, or a
                value is not allowed.
        """
        _refuse_what_must_not_differ(job_overrides)
        listed = [tuple(overrides) for overrides in job_overrides]
        if not any(setting_name(override) == "loss" for override in listed[0]):
            listed = [(*one, f"loss={loss}") for one in listed for loss in _usual_losses(one, compose)]
        fitting = _without_settings_of_other_losses(listed, compose)
        variants: dict[tuple[str, str], dict[Overrides, None]] = {}
        rates = set()
        for overrides in fitting:
            job = compose(overrides)
            rates.add(float(job.experiment.optimizer.lr))
            variant = tuple(one for one in overrides if setting_name(one) not in (RATE, SEED))
            variants.setdefault((job.choices["dataset"], job.choices["loss"]), {})[variant] = None
        entries = tuple(Entry(*key, tuple(found)) for key, found in variants.items())
        _require_two_losses(entries)
        grid = sorted(rates) if len(rates) > 1 else half_decades_around(*rates)
        return cls(entries, tuple(grid), compose(fitting[0]).experiment.seed)

    def on(self, dataset: str) -> list[Entry]:
        """Return the losses on a dataset."""
        return [entry for entry in self.entries if entry.dataset == dataset]

    def only(self, fitting: Collection[tuple[str, str]]) -> Entries:
        """Return those whose dataset and loss fit together.

        Raises:
            ConfigError: There are not two losses on each dataset.
        """
        kept = tuple(entry for entry in self.entries if (entry.dataset, entry.loss) in fitting)
        _require_two_losses(kept)
        return dataclasses.replace(self, entries=kept)

    @property
    def datasets(self) -> tuple[str, ...]:
        """The datasets, in the order in which they were given."""
        return tuple(dict.fromkeys(entry.dataset for entry in self.entries))


def half_decades_around(rate: float) -> list[float]:
    """Return learning rates around one, which is in the middle."""
    return [_rounded(rate * HALF_DECADE**step) for step in range(-(N_RATES // 2), N_RATES // 2 + 1)]


def longer(rates: Sequence[float], *, below: int = 0, above: int = 0) -> list[float]:
    """Return more learning rates in the steps of the first and the last two: so many below, so many above."""
    added = [rates[0] * (rates[0] / rates[1]) ** step for step in range(below, 0, -1) if rates[0] > 0]
    if rates[-2] > 0:
        added += [rates[-1] * (rates[-1] / rates[-2]) ** step for step in range(1, above + 1)]
    return [_rounded(rate) for rate in added]


def _rounded(rate: float) -> float:
    return float(f"{rate:.3g}")


def _require_two_losses(entries: Sequence[Entry]) -> None:
    """Refuse a dataset with one loss.

    Raises:
        ConfigError: There is one.
    """
    for dataset in dict.fromkeys(entry.dataset for entry in entries):
        losses = [entry.loss for entry in entries if entry.dataset == dataset]
        if len(losses) < 2:
            raise ConfigError(
                f"dataset={dataset} has one loss, {losses[0]}, and a comparison needs two: loss={losses[0]},OTHER. "
                "Variants of one loss are compared as YAML files of your own: --config-dir my_conf loss=mine,other."
            )


def may_differ(name: str) -> bool:
    """Tell whether a setting may be swept in a comparison; seeds it has of its own."""
    return name in ("dataset", "loss") or name.startswith(TUNABLE)


def _refuse_what_must_not_differ(job_overrides: Sequence[Sequence[str]]) -> None:
    values: dict[str, set[str]] = {}
    for overrides in job_overrides:
        for override in overrides:
            values.setdefault(setting_name(override), set()).add(override)
    swept = [name for name, found in values.items() if len(found) > 1]
    if SEED in swept:
        raise ConfigError(
            "seed is swept, but a comparison has seeds of its own: some to tune on, and fresh ones to compare on. "
            "Say how many: sweep.tuning_seeds=3 sweep.seeds=10; seed=N is where they start."
        )
    for name in swept:
        if not may_differ(name):
            raise ConfigError(
                f"{name} is swept, but only dataset, loss, and the settings that are tuned for each loss (loss.*, "
                f"optimizer.*) may differ in a comparison. Choose one {name} for all."
            )


def _usual_losses(overrides: Overrides, compose: Compose) -> tuple[str, ...]:
    experiment = compose(overrides).experiment
    return USUAL_LOSSES[experiment.dataset.load(experiment.seed).target.task]


def _without_settings_of_other_losses(listed: Sequence[Overrides], compose: Compose) -> list[Overrides]:
    """Leave out of each job the settings that only other losses of the comparison have.

    Raises:
        ConfigError: No loss has such a setting, or a value is not allowed.
    """
    fitting: dict[Overrides, None] = {}
    problems: dict[str, ConfigError] = {}
    for overrides in listed:
        try:
            compose(overrides)
            fitting[overrides] = None
        except ConfigError as error:
            kept = _known_to_the_loss(overrides, compose, error)
            problems |= {one: error for one in overrides if one not in kept}
            fitting[kept] = None
    used = {override for overrides in fitting for override in overrides}
    for override, problem in problems.items():
        if override not in used:
            raise problem
    return list(fitting)


def _known_to_the_loss(overrides: Overrides, compose: Compose, problem: ConfigError) -> Overrides:
    """Return the overrides without the settings that this loss does not have; if there is none, that was no reason."""
    others = tuple(one for one in overrides if not setting_name(one).startswith("loss."))
    if others == overrides:
        raise problem
    try:
        loss = compose(others).experiment.loss
    except ConfigError:
        raise problem from None
    known = {f"loss.{field.name}" for field in dataclasses.fields(loss)}
    kept = tuple(one for one in overrides if one in others or setting_name(one) in known)
    if kept == overrides:
        raise problem
    compose(kept)
    return kept
