"""Hydra's error messages in words of this program, with what was probably meant."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lossexp.errors import LossexpError, did_you_mean


def readable(error: Exception, config_dir: Path, arguments: Sequence[str]) -> str:
    """Return one message for a user.

    Args:
        error: What was raised: ours, Hydra's, OmegaConf's or PyYAML's, or that memory or a disk is full.
        config_dir: Where the YAML files are.
        arguments: The command line.
    """
    import yaml

    text = str(error).strip()
    if isinstance(error, LossexpError):
        return text
    if isinstance(error, MemoryError):
        return f"There is not enough memory. {text}".strip()
    if isinstance(error, OSError) and error.strerror:
        where = f" ({error.filename})" if error.filename else ""
        return f"A file cannot be read or written: {error.strerror}{where}. What was written before is kept."
    if isinstance(error, (yaml.YAMLError, UnicodeDecodeError)):
        return f"A YAML file cannot be read: {' '.join(text.split())}"
    if not __debug__ and isinstance(error, AttributeError):
        return "Hydra reads range(), choice() and mappings by assertions: start Python without -O and PYTHONOPTIMIZE."
    if isinstance(error, RecursionError):
        return "YAML files choose each other in their defaults lists, in a circle."
    mistake = _of_choice(text, config_dir, arguments) or _of_file(text)
    if mistake := mistake or _of_key(error, text, config_dir, arguments) or _of_value(text):
        return mistake
    cause = str(error.__cause__).strip().splitlines()[0] if error.__cause__ else ""
    first = text.splitlines()[0] if text else type(error).__name__
    return f"The command line cannot be understood: {first} {cause}".strip() + _quoting(arguments)


def _of_file(text: str) -> str | None:
    """Return the message about a YAML file of a user's own that cannot be composed."""
    if found := re.search(r"@(experiment|grid)\b", text):
        return (
            f"A YAML file of the group {found[1]} overrides a choice of its own. To override one of the whole "
            "configuration, begin it with the line # @package _global_"
        )
    if found := re.match(r"In '(?!config')([^']+)': (?:\w+ raised while composing config:\n)?(.*)", text):
        return f"The YAML file {found[1]}.yaml cannot be used: {found[2]}"
    return None


def _of_key(error: Exception, text: str, config_dir: Path, arguments: Sequence[str]) -> str | None:
    """Return the message about a key that does not exist, exists already, or is swept without -m."""
    if found := re.search(r"Could not override '([^']+)'", text):
        if found[1].startswith("hydra.sweeper.params"):
            return f"{found[1]} is a new key, which takes a plus: +{found[1]}=..."
        inside = re.search(r"full_key: (\S+)", str(error.__cause__))  # where a mapping was given
        return _unknown_key((inside or found)[1], config_dir, arguments)
    if found := re.search(r"An item is already at '([^']+)'", text):
        return f"{found[1]} exists already: set it without the plus, {found[1]}=VALUE"
    if found := re.search(r"(?:Ambiguous value for argument|Sweep parameters) '([^']+)'", text):
        # An experiment may be a sweep without -m, which Hydra forgets where a key is unknown: that comes first.
        if unknown := _unknown_key_among(config_dir, arguments):
            return _unknown_key(unknown, config_dir, arguments)
        return f"{found[1]} is a list. For a sweep over it add -m; for one list as a value: KEY=[...]"
    return None


def _of_choice(text: str, config_dir: Path, arguments: Sequence[str]) -> str | None:
    """Return the message about a choice that does not exist."""
    import yaml

    from lossexp.synonyms import unknown_choice

    if found := re.search(r"Could not find '((?:hydra/)?[^'/]+)/([^']*)'", text):
        options = re.findall(r"^\t(\S+)$", text, re.M) or _choices(config_dir / found[1])
        return unknown_choice(found[1], found[2], options)
    if "Config group override must be a string" in text:
        for group, _, values in (argument.partition("=") for argument in arguments):
            for value in values.split(","):
                if group and (config_dir / group).is_dir() and not isinstance(yaml.safe_load(value), str):
                    return f"{group}={value} is no choice. Known: {', '.join(_choices(config_dir / group))}"
    return None


def _of_value(text: str) -> str | None:
    """Return the message about something that is no setting, or calls a function that does not exist."""
    if found := re.search(r"Error parsing override '(.*)'\nmissing EQUAL", text):
        return f"{found[1]} is no setting: expected KEY=VALUE, such as loss=mse"
    if found := re.search(r"Unknown function '(\w+)'\nAvailable: (\S+)", text):
        hint = did_you_mean(found[1], found[2].split(","))
        if hint:
            return f"There is no function {found[1]}.{hint} Known: {found[2].replace(',', ', ')}"
    return None


def _quoting(arguments: Sequence[str]) -> str:
    """Say how to write the first value that Hydra cannot read, if that is for the sake of special characters."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = OverridesParser.create()
    for argument in arguments:
        key, _, value = argument.partition("=")
        if not value or value[0] in "[{":  # quotes belong inside
            continue
        text = value.replace('"', '\\"')
        quoted = f'{key}="{text}"'
        try:
            parser.parse_overrides([argument])
        except HydraException:
            with contextlib.suppress(HydraException):
                parser.parse_overrides([quoted])
                return f"\nText with special characters is quoted twice: {shlex.quote(quoted)}"
    return ""


def _unknown_key_among(config_dir: Path, arguments: Sequence[str]) -> str | None:
    """Return the first key that does not exist among the arguments that are no lists."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException

    GlobalHydra.instance().clear()
    single = [argument for argument in arguments if "=" in argument and not argument.startswith("-")]
    try:
        with initialize_config_dir(str(config_dir), version_base="1.3"):
            compose("config", [argument for argument in single if "," not in argument])
    except HydraException as error:
        found = re.search(r"Could not override '([^']+)'", str(error))
        return found[1] if found else None
    return None


def _unknown_key(key: str, config_dir: Path, arguments: Sequence[str]) -> str:
    """Say that a key does not exist, and which one is closest among those that the other choices bring."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from omegaconf import OmegaConf

    from lossexp.config import unknown_key

    groups = {path.name for path in config_dir.iterdir() if path.is_dir()}
    choices = [argument for argument in arguments if argument.partition("=")[0] in groups]
    choices = [choice for choice in choices if not set(",[{") & set(choice)]
    GlobalHydra.instance().clear()
    tree: Any = {}
    with contextlib.suppress(Exception), initialize_config_dir(str(config_dir), version_base="1.3"):
        tree = OmegaConf.to_container(compose("config", choices, return_hydra_config=True), resolve=False)
    if not key.startswith("hydra"):
        tree.pop("hydra", None)
    return str(unknown_key(key, tree))


def _choices(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.yaml"))
