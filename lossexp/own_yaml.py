"""YAML files of the user's own, looked at before Hydra reads them: some would take it minutes or all memory."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from lossexp import CONFIG_DIR
from lossexp.errors import ConfigError

if TYPE_CHECKING:
    from yaml import Node

MAX_BYTES = 2**20
MAX_VALUES = 10_000
"""Values of one file, those counted again that an alias such as `*a` stands for: ten of ten of ten grow fast."""


def refuse_huge(folder: Path) -> None:
    """Refuse choices in a folder of YAML files that are too large to be settings. Nothing else in it is looked at.

    Raises:
        ConfigError: There is one.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    groups = [path.name for path in CONFIG_DIR.iterdir() if path.is_dir()]
    for path in sorted(path for group in groups for path in (folder / group).rglob("*.yaml")):
        if (size := path.stat().st_size) > MAX_BYTES:
            raise ConfigError(f"{path} has {size} bytes: expected settings, in at most {MAX_BYTES} bytes.")
        with contextlib.suppress(yaml.YAMLError, UnicodeDecodeError):  # told by Hydra, if it reads the file at all
            root = yaml.compose(path.read_text(encoding="utf-8"), Loader=loader)
            if root and _n_values(root, {}) > MAX_VALUES:
                raise ConfigError(f"{path} has more than {MAX_VALUES} values, with its aliases written out.")


def _n_values(node: Node, known: dict[int, int]) -> int:
    """Count the values below a node, aliases written out; a node inside itself counts as too many."""
    if id(node) not in known:
        known[id(node)] = MAX_VALUES + 1
        inside: list[Node] = []
        for item in [] if isinstance(node.value, str) else node.value:
            inside += item if isinstance(item, tuple) else [item]  # key and value of a mapping, or item of a list
        known[id(node)] = 1 + sum(_n_values(part, known) for part in inside)
    return known[id(node)]
