"""Hydra's error messages in words of this program, with what was probably meant."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lossexp.errors import LossexpError


def readable(error: Exception, config_dir: Path, arguments: Sequence[str]) -> str:
    """Return one message for a user.

    Args:
        error: What was raised: ours, Hydra's or OmegaConf's.
        config_dir: Where the YAML files are.
        arguments: The command line.
    """
    text = str(error).strip()
    if found := re.search(r"Could not override '([^']+)'", text):
        return _unknown_key(found[1], config_dir, arguments)
    if found := re.search(r"Ambiguous value for argument '([^']+)'", text):
        # An experiment may be a sweep without -m, which Hydra forgets where a key is unknown: that comes first.
        if unknown := _unknown_key_among(config_dir, arguments):
            return _unknown_key(unknown, config_dir, arguments)
        return f"{found[1]} is a list. For a sweep over it add -m; for one list as a value: KEY=[...]"
    if found := re.search(r"Could not find '([^'/]+)/([^']*)'", text):
        from lossexp.synonyms import unknown_choice

        options = re.findall(r"^\t(\S+)$", text, re.M) or _choices(config_dir / found[1])
        return unknown_choice(found[1], found[2], options)
    cause = str(error.__cause__).strip().splitlines()[0] if error.__cause__ else ""
    first = text.splitlines()[0] if text else type(error).__name__
    if isinstance(error, LossexpError):
        return text
    return f"The command line cannot be understood: {first} {cause}".strip() + _quoting(arguments)


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
    choices = [argument for argument in arguments if argument.partition("=")[0] in groups and "," not in argument]
    GlobalHydra.instance().clear()
    tree: Any = {}
    with contextlib.suppress(Exception), initialize_config_dir(str(config_dir), version_base="1.3"):
        tree = OmegaConf.to_container(compose("config", choices, return_hydra_config=True), resolve=False)
    if not key.startswith("hydra"):
        tree.pop("hydra", None)
    return str(unknown_key(key, tree))


def _choices(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.yaml"))
