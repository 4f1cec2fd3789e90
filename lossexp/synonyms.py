"""Names that other libraries use: what a component is called here."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from lossexp import building
from lossexp.errors import did_you_mean
from lossexp.losses import Loss
from lossexp.optimizers import Optimizer

_INTERFACES: dict[str, type[Loss] | type[Optimizer]] = {"loss": Loss, "optimizer": Optimizer}

_NOT_OURS = frozenset(
    {
        *("mape", "msle", "regsquaredlogerror", "expectile", "wing", "wingloss", "crossentropylambda"),
        *("accuracy", "arcface", "ctc", "dice", "diceloss", "multilabelmarginloss", "ntxent", "smoothlabels"),
        *("amsgrad", "optimisticgradientdescent", "sag", "saga"),
    }
)
"""What other libraries have and this one has not, in plain spelling, though the name is much like one of ours."""


def our_name(group: str, word: str) -> str | None:
    """Return the choice of a group that `word` names, in any spelling, or nearly names; None if there is none.

    Args:
        group: Such as `loss`.
        word: Such as `BinaryCrossentropy`, `binary_cross_entropy` or `bceloss`.
    """
    if group not in _INTERFACES or _plain(word) in _NOT_OURS:
        return None
    names = synonyms(_INTERFACES[group])
    close = difflib.get_close_matches(_plain(word), names, n=1, cutoff=0.8)
    return names[close[0]] if close else None


def unknown_choice(group: str, choice: str, options: Sequence[str]) -> str:
    """Say that there is no such choice, and what it is called here if another library knows it by that name."""
    known = our_name(group, choice)
    close = "" if _plain(choice) in _NOT_OURS else did_you_mean(choice, options)
    hint = f" Did you mean {known}?" if known in options else close
    suffix = choice.rpartition(".")[2]
    if group == "dataset" and suffix in options:  # the name of a file
        hint = f" Did you mean dataset={suffix} dataset.path={choice}?"
    return f"Unknown choice {group}={choice}.{hint} Known: {', '.join(options)}"


def synonyms(interface: type[Loss] | type[Optimizer]) -> dict[str, str]:
    """Return our name by every name, ours included, in plain spelling."""
    return {
        _plain(name): stem
        for stem, component in building.choices(interface).items()
        for name in (stem, component.__name__, *component.other_names)
    }


def _plain(name: str) -> str:
    """Return a name without case and punctuation."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
