"""Composing the jobs of a sweep: once per distinct choice of groups, the plain values put on top."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from hydra.conf import HydraConf
from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from lossexp.components import Component
from lossexp.config import Job, build, unknown_key
from lossexp.errors import ConfigError
from lossexp.losses.sum import written_out

Composed: TypeAlias = tuple[dict[str, Any], dict[str, str], HydraConf | None]
"""A tree, the choice of each group, and what `${hydra:...}` reads."""


TRIED = 100
"""So many jobs are tried to find one that can be built: a mistake that all have in common is reported at once."""


class JobComposer:
    """Turns lists of overrides into jobs.

    Hydra takes about a tenth of a second to compose a config. The jobs of a sweep differ in few choices of groups and
    in many plain values, so each distinct set of choices is composed by Hydra and plain values are set on a copy.

    Args:
        loader: Hydra's config loader.
        master: The config that the sweep was started with.
    """

    def __init__(self, loader: ConfigLoader, master: DictConfig) -> None:
        self.loader, self.master = loader, master
        self.parser = OverridesParser.create(config_loader=loader)
        self._parsed: dict[str, Override] = {}
        self._is_group: dict[str, bool] = {}
        self._composed: dict[tuple[str, ...], Composed] = {}
        self._components: dict[str, Component] = {}
        self.losses = LossChoices(loader)

    def first(self, job_overrides: Sequence[Sequence[str]]) -> Job:
        """Return the first job that can be built.

        Raises:
            ConfigError: Not one of the first `TRIED` can be: it is no matter of how settings are combined.
        """
        problems = []
        for overrides in job_overrides[:TRIED]:
            try:
                return self.job(overrides)
            except ConfigError as error:
                problems.append(error)
        raise problems[0]

    def jobs(self, job_overrides: Sequence[Sequence[str]]) -> tuple[list[Job], Counter[str]]:
        """Return the jobs that can be built, and for how many there is what reason why they cannot."""
        jobs: list[Job] = []
        reasons: Counter[str] = Counter()
        for overrides in job_overrides:
            try:
                jobs.append(self.job(overrides))
            except ConfigError as error:
                reasons[str(error)] += 1
        return jobs, reasons

    def job(self, overrides: Sequence[str]) -> Job:
        """Return the job of one list of overrides.

        Raises:
            ConfigError: A key is unknown or a value is out of range.
        """
        parsed = [self._parse(override) for override in overrides]
        is_plain = [self._is_plain(override) for override in parsed]
        structure = (text for text, plain in zip(overrides, is_plain, strict=True) if not plain)
        tree, choices, HydraConfig.instance().cfg = self._compose(tuple(structure))
        for override, plain in zip(parsed, is_plain, strict=True):
            if plain:
                tree = with_value(tree, override.key_or_group, override.value(), may_be_new=_may_be_new(override))
        return build(with_named_terms(tree, self.losses), choices, tuple(overrides), self._components)

    def _parse(self, override: str) -> Override:
        if override not in self._parsed:
            (self._parsed[override],) = self.parser.parse_overrides([override])
        return self._parsed[override]

    def _is_plain(self, override: Override) -> bool:
        """Tell whether an override sets one value, rather than choosing a YAML file, merging or deleting something."""
        key = override.key_or_group
        if key not in self._is_group:
            self._is_group[key] = bool(self.loader.get_group_options(key))
        is_hydra = key.partition(".")[0] == "hydra"
        sets = override.type in (OverrideType.CHANGE, OverrideType.FORCE_ADD)
        merges = isinstance(override.value(), dict) or any(map(str.isdigit, key.split(".")))
        return sets and not (is_hydra or merges or override.package or self._is_group[key])

    def _compose(self, overrides: tuple[str, ...]) -> Composed:
        if overrides not in self._composed:
            composed = self.loader.load_sweep_config(self.master, list(overrides))
            choices = {str(group): str(choice) for group, choice in composed.hydra.runtime.choices.items()}
            tree = OmegaConf.to_container(composed, resolve=False)
            assert isinstance(tree, dict)
            HydraConfig.instance().set_config(composed)
            settings = {str(key): value for key, value in tree.items() if key != "hydra"}
            self._composed[overrides] = settings, choices, HydraConfig.instance().cfg
        return self._composed[overrides]


class LossChoices(Mapping[str, dict[str, Any]]):
    """What `loss=NAME` stands for, by name: the settings, composed by Hydra when they are asked for."""

    def __init__(self, loader: ConfigLoader) -> None:
        self._loader = loader
        self._names: list[str] = loader.get_group_options("loss")
        self._composed: dict[str, dict[str, Any]] = {}

    def __getitem__(self, name: str) -> dict[str, Any]:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._composed:
            composed = self._loader.load_configuration(None, [f"+loss={name}"], RunMode.RUN)
            settings = OmegaConf.to_container(composed.loss, resolve=False)
            assert isinstance(settings, dict)
            self._composed[name] = {str(key): value for key, value in settings.items()}
        return self._composed[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def with_named_terms(tree: Mapping[str, Any], losses: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return a tree in which a sum of losses says what the names of its terms stand for.

    Raises:
        ConfigError: There is no such name.
    """
    loss = tree.get("loss")
    return {**tree, "loss": written_out(loss, losses, "loss")} if isinstance(loss, Mapping) else tree


def _may_be_new(override: Override) -> bool:
    """Tell whether an override may add a key: where it says so, and in the loss, which may have names of its own."""
    return override.type is OverrideType.FORCE_ADD or override.key_or_group.startswith("loss.")


def with_value(tree: dict[str, Any], key: str, value: Any, *, may_be_new: bool = False) -> dict[str, Any]:
    """Return a copy of the tree with the value at a dotted key changed; what does not change is shared.

    Raises:
        ConfigError: There is no such key, and it may not be new.
    """
    path = key.split(".")
    branches = [tree]
    for name in path[:-1]:
        branch = branches[-1].get(name)
        if not isinstance(branch, dict):
            raise unknown_key(key, tree)
        branches.append(branch)
    old = branches[-1]
    if path[-1] not in old and not may_be_new:
        raise unknown_key(key, tree)
    for branch, name in zip(reversed(branches), reversed(path), strict=True):
        value = {**branch, name: value}
    changed: dict[str, Any] = value
    return changed
