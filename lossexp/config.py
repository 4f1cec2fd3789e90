"""From the composed YAML to objects: each group becomes a component, and all of them a job."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from lossexp import building
from lossexp.components import Component, InvalidValueError, as_typed, refuse_unknown
from lossexp.datasets.base import Dataset
from lossexp.datasets.file import FileDataset
from lossexp.datasets.openml import OpenML
from lossexp.early_stopping import EarlyStopping
from lossexp.errors import ConfigError, did_you_mean
from lossexp.experiment import Experiment, Sweep, Training
from lossexp.losses import Loss
from lossexp.models import Model
from lossexp.optimizers import Optimizer
from lossexp.schedules import Schedule
from lossexp.trackers import Tracker

GROUPS: dict[str, type[Component]] = {
    "dataset": Dataset,
    "model": Model,
    "loss": Loss,
    "optimizer": Optimizer,
    "schedule": Schedule,
    "early_stopping": EarlyStopping,
    "training": Training,
    "tracker": Tracker,
    "sweep": Sweep,
}
VALUES = ("seed", "runs_dir")
_NOT_THE_RUN = ("tracker", "sweep", "hydra")
_WHOLE = {"experiment", "grid"}
"""Groups whose YAML files are about the whole configuration."""


@dataclass(frozen=True)
class Job:
    """One run as it was asked for.

    Attributes:
        experiment: What decides its curves.
        tracker: Where its curves go besides the run folder.
        sweep: How the sweep is done that it is part of.
        runs_dir: Where everything is written.
        choices: The choice of each group, such as `{"loss": "bce"}`; of a dataset in a file or
            of OpenML its own name.
        overrides: Settings given on the command line, as typed.
        tree: The composed config as plain Python values, interpolations unresolved, so that secrets stay out of it.
    """

    experiment: Experiment
    tracker: Tracker
    sweep: Sweep
    runs_dir: str
    choices: Mapping[str, str]
    overrides: tuple[str, ...]
    tree: Mapping[str, Any]

    @property
    def name(self) -> str:
        """A short readable name: the loss, the learning rate, the seed, what else was set."""
        silent = {*GROUPS, *VALUES, "experiment", "grid", "optimizer.lr", "dataset.path", "dataset.target"}
        silent |= {"dataset.root", "dataset.max_memory", "training.max_stack", "training.measure_test"}
        typed = {override.lstrip("+~").partition("=")[0]: override.lstrip("+") for override in self.overrides}
        others = [o for key, o in typed.items() if key not in silent and key.partition(".")[0] not in _NOT_THE_RUN]
        chosen = [
            self.choices[group]
            for group in ("model", "optimizer", "schedule", "early_stopping")
            if f"{group}={self.choices[group]}" in self.overrides
        ]
        lr, seed = f"lr={self.experiment.optimizer.lr:g}", f"seed={self.experiment.seed}"
        # The seed before the others: where there is little room, runs of a sweep can still be told apart.
        return " ".join([self.choices["loss"], *chosen, lr, seed, *others])

    @functools.cached_property
    def yaml(self) -> str:
        """The composed config as YAML."""
        import yaml

        # The C emitter, where PyYAML has it, takes a tenth of the time; a sweep writes thousands of configs.
        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        return str(yaml.dump(dict(self.tree), Dumper=dumper, sort_keys=False, allow_unicode=True))

    def params(self) -> dict[str, str]:
        """Return every setting as flat dotted text, interpolations unresolved."""
        settings = {key: str(value) for key, value in _flat(self.tree) if not key.endswith("_target_")}
        return {**{group: choice for group, choice in self.choices.items() if group in GROUPS}, **settings}


def build(
    tree: Mapping[str, Any],
    choices: Mapping[str, str],
    overrides: tuple[str, ...] = (),
    known: dict[str, Component] | None = None,
) -> Job:
    """Turn a composed config into a job, checking every key and value.

    Args:
        tree: The composed config as plain Python values, interpolations unresolved.
        choices: The choice of each group.
        overrides: Settings given on the command line, as typed.
        known: Components already built, by group and values; those of a sweep are mostly the same.

    Raises:
        ConfigError: A key is unknown, a value is missing or out of range, or a `_target_` is not a component.
    """
    if several := [group for group in GROUPS if group in tree and group not in choices]:
        raise ConfigError(
            f"{several[0]} is a list of choices: expected one. For a sweep over several, with -m: {several[0]}=A,B"
        )
    if misplaced := tree.keys() & _WHOLE:
        raise ConfigError(
            f"{min(misplaced)} is no setting. A YAML file that is about the whole configuration begins with the line "
            "# @package _global_"
        )
    refuse_unknown("", tree, [*GROUPS, *VALUES])
    named = {group: f"{group}={choice}: " for group, choice in choices.items() if f"{group}={choice}" in overrides}
    values = _resolved(tree, named)
    known = {} if known is None else known
    parts = {}
    for group, interface in GROUPS.items():
        key = f"{group}={values.get(group)!r}"
        if key not in known:
            try:
                known[key] = building.component(group, values.get(group), interface)
            except ConfigError as error:
                raise _as_written(error, group, tree, named.get(group, "")) from error
        parts[group] = known[key]
    seed = values["seed"]
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise ConfigError(f"seed={as_typed(tree['seed'])} is not allowed: expected a whole number at least 0.")
    if isinstance(values["runs_dir"], (list, Mapping)):
        raise ConfigError(f"runs_dir={as_typed(tree['runs_dir'])} is not allowed: expected a folder.")
    tracker, sweep, dataset = parts.pop("tracker"), parts.pop("sweep"), parts["dataset"]
    assert isinstance(tracker, Tracker)
    assert isinstance(sweep, Sweep)
    return Job(
        experiment=Experiment(**parts, seed=seed),  # type: ignore[arg-type]
        tracker=tracker,
        sweep=sweep,
        runs_dir=str(values["runs_dir"]),
        choices={**choices, "dataset": dataset.name} if isinstance(dataset, (FileDataset, OpenML)) else choices,
        overrides=overrides,
        tree=tree,
    )


def setting_name(override: str) -> str:
    """Return the name of the setting that an override sets."""
    return override.lstrip("+~").partition("=")[0]


def _as_written(error: ConfigError, group: str, tree: Mapping[str, Any], choice: str) -> ConfigError:
    """Return an error about a setting of a group with the choice that was typed, and its value as it was written.

    What an interpolation stands for may be a secret, so it is not repeated.
    """
    cause, settings = error.__cause__, tree.get(group)
    if not isinstance(cause, InvalidValueError) or not isinstance(settings, Mapping):
        return ConfigError(f"{choice}{error}")
    written = str(settings.get(cause.field))
    if "${" not in written:
        return ConfigError(f"{choice}{error}")
    hint = ' It gives text; a number: "${oc.decode:...}"' if isinstance(cause.value, str) else ""
    return ConfigError(f"{choice}{group}.{cause.field}={written} is not allowed: expected {cause.expected}.{hint}")


def _resolved(tree: Mapping[str, Any], named: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the tree with interpolations resolved and nothing missing; `named` are the choices that were typed."""
    leaves = {**dict.fromkeys(VALUES), **dict(_flat(tree))}
    for key, value in leaves.items():
        if value == "???" or (key in VALUES and value in (None, "")):
            raise ConfigError(f"{named.get(key.partition('.')[0], '')}{key} has no value yet. Set it: {key}=VALUE")
    if not any(isinstance(value, str) and "${" in value for value in leaves.values()):
        return tree
    try:
        resolved = OmegaConf.to_container(OmegaConf.create(dict(tree)), resolve=True)
    except OmegaConfBaseException as error:
        where = getattr(error, "full_key", None) or "The configuration"
        raise ConfigError(f"{where} cannot be read: {str(error).splitlines()[0]}.") from error
    assert isinstance(resolved, dict)
    return {str(key): value for key, value in resolved.items()}


def unknown_key(key: str, tree: Mapping[str, Any]) -> ConfigError:
    """Return the error for an override of a key that is not in the composed config, with the closest one that is."""
    *path, name = key.split(".")
    place, prefix = tree, ""
    for part in path:
        if not isinstance(place.get(part), Mapping):
            break
        place, prefix = place[part], f"{prefix}{part}."
    known = [name for name, _ in _flat(tree)] + list(tree)
    owners = building.elsewhere(path[0], GROUPS[path[0]]) if len(path) == 1 and path[0] in GROUPS else {}
    closest = did_you_mean(key, {part: name for name in known for part in (name.rpartition(".")[2], name)})
    listed = ", ".join(f"{prefix}{name}" for name in place if name != "_target_")
    return ConfigError(f"Unknown override {key}.{owners.get(name, closest)} Known: {listed}")


def _flat(tree: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(tree, Mapping) and tree:
        for key, value in tree.items():
            yield from _flat(value, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, tree
