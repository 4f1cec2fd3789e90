"""Names that other libraries use: what a component is called here."""

from __future__ import annotations

import difflib
import importlib
import re

from lossexp.losses import Loss
from lossexp.optimizers import Optimizer

_INTERFACES: dict[str, type[Loss] | type[Optimizer]] = {"loss": Loss, "optimizer": Optimizer}


def our_name(group: str, word: str) -> str | None:
    """Return the choice of a group that `word` names, in any spelling, or nearly names; None if there is none.

    Args:
        group: Such as `loss`.
        word: Such as `BinaryCrossentropy`, `binary_cross_entropy` or `bceloss`.
    """
    if group not in _INTERFACES:
        return None
    names = synonyms(_INTERFACES[group])
    close = difflib.get_close_matches(_plain(word), names, n=1, cutoff=0.8)
    return names[close[0]] if close else None


def synonyms(interface: type[Loss] | type[Optimizer]) -> dict[str, str]:
    """Return our name by every name, ours included, in plain spelling."""
    package = importlib.import_module(interface.__module__.rpartition(".")[0])
    classes = [value for value in vars(package).values() if isinstance(value, type) and issubclass(value, interface)]
    stems = {component: component.__module__.rpartition(".")[2] for component in classes if component is not interface}
    return {
        _plain(name): stem
        for component, stem in stems.items()
        for name in (stem, component.__name__, *component.other_names)
    }


def _plain(name: str) -> str:
    """Return a name without case and punctuation."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
