"""What a data card says, found out from the columns of a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lossexp.components import Array
from lossexp.datasets.card import DataCard
from lossexp.datasets.conversion import kind
from lossexp.datasets.labels import Labels
from lossexp.datasets.preparation import Rows

if TYPE_CHECKING:
    import pandas as pd

_MOST_CELLS = 5_000_000
"""Equal rows are not looked for in tables with more values than this."""
_MOST_COLUMNS = 1000
"""Nor in tables with more columns."""
_MOST_SUSPECTS = 500
"""Only so many columns, the first, are suspected ..."""
_MOST_WITNESSES = 10_000
"""... on the strength of so many rows at most, of fewer where there are many columns ..."""
_MOST_LOOKS = 2_000_000
"""... so that no more values than these are looked at. Of so few rows nothing can be said:"""
_FEWEST_WITNESSES = 30
_PERFECT = 0.99
_PLAIN = re.compile(r"(?!(?:true|false|null|nan|inf)$)[a-z_][\w ./+-]*|\d+", re.ASCII | re.IGNORECASE)
"""Names that Hydra reads as they are."""


def describe(
    source: str, target_name: str, found: Labels, X: Rows, names: Sequence[str], decisions: Sequence[str]
) -> DataCard:
    """Return the card of a file.

    Args:
        source: What is described.
        target_name: What is predicted.
        found: The target.
        X: The features before they are prepared; of a matrix only the size is told if it is sparse or large.
        names: Their names.
        decisions: What was decided before.
    """
    import pandas as pd

    counts = np.bincount(found.y).tolist() if found.class_names else []
    values = f"{len(counts)} classes" if counts else f"numbers from {found.y.min():.4g} to {found.y.max():.4g}"
    is_array = isinstance(X, np.ndarray)
    if is_array and X.size <= _MOST_CELLS:
        X = pd.DataFrame(X, columns=list(names), copy=False)
    known = _looked_at(X, found, is_array) if isinstance(X, pd.DataFrame) else {"columns": {"numbers": names}}
    if known.get("missing"):
        decisions = [
            *decisions,
            "missing features become the training mean, with a feature that says so (dataset.missing)",
        ]
    classes = dict(zip(found.class_names, counts, strict=True))
    return DataCard(source, len(found.y), f"{target_name}, {values}", classes, decisions=decisions, **known)


def _looked_at(columns: pd.DataFrame, found: Labels, is_array: bool) -> dict[str, Any]:
    """Return what can be seen of a table."""
    kinds = {"number": "numbers", "date": "dates", "category": "categories"}
    names: dict[str, list[str]] = {plural: [] for plural in kinds.values()}
    for name, dtype in columns.dtypes.items():
        names[kinds[kind(dtype)]].append(str(name))
    numbers, others = columns[names["numbers"]], columns[names["dates"] + names["categories"]]
    constant = {*numbers.columns[numbers.min() == numbers.max()], *others.columns[others.nunique() == 1]}
    return {
        "columns": names,
        "missing": {str(name): int(count) for name, count in columns.isna().sum().items() if count},
        "constant": [str(name) for name in columns.columns if name in constant],
        "duplicates": _duplicates(columns, found.y),
        "suspects": _suspects(columns, found, is_array),
    }


def _duplicates(columns: pd.DataFrame, y: Array) -> int | None:
    if columns.size > _MOST_CELLS or columns.shape[1] > _MOST_COLUMNS:
        return None
    return int(columns.assign(**{"\0target": y}).duplicated().sum())


def _suspects(columns: pd.DataFrame, found: Labels, is_array: bool) -> list[str]:
    """Return why columns may give the target away."""
    n = len(columns)
    if n < _FEWEST_WITNESSES:
        return []
    n_witnesses = min(_MOST_WITNESSES, _MOST_LOOKS // columns.shape[1])
    witnesses = np.random.default_rng(0).permutation(n)[: max(n_witnesses, _FEWEST_WITNESSES)]
    y, reasons = found.y[witnesses], []
    for name in columns.columns[:_MOST_SUSPECTS]:
        values = columns[name]
        advice = "leave it out of the array" if is_array else f"'dataset.drop=[{_typed(name)}]'"
        if _numbers_the_rows(values):
            reasons.append(f"{name} numbers the rows. If that is all: {advice}")
        elif _gives_away(values.iloc[witnesses], y, len(found.class_names)):
            reasons.append(f"{name} alone tells the target. If it is not known beforehand: {advice}")
    return reasons


def _typed(name: str) -> str:
    """Return a name as Hydra reads it in a list: in quotes, where it is not plainly text or a position."""
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', r"\"") + '"'


def _numbers_the_rows(values: pd.Series) -> bool:
    return values.dtype.kind in "iu" and values.max() - values.min() == len(values) - 1 and values.is_unique


def _gives_away(values: pd.Series, y: Array, n_classes: int) -> bool:
    """Tell whether rows that are neighbours in one column have the same target.

    Rows are in random order before they are sorted by the column, so that among equal values chance decides.

    Source: von Neumann (1941), the mean square of successive differences.
    """
    import pandas as pd

    codes, different = pd.factorize(values, sort=True)
    if len(different) < 2:
        return False
    neighbours = y[np.argsort(codes, kind="stable")]
    if n_classes:
        changes = int((neighbours[1:] != neighbours[:-1]).sum())
        return changes <= n_classes - 1 + (1 - _PERFECT) * len(y) / 2
    return float(np.mean(np.diff(neighbours) ** 2)) < (1 - _PERFECT) * 2 * float(np.var(y))
