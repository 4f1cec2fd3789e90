"""What a file holds, before anything is made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lossexp.datasets import conversion
from lossexp.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

FROM_ZERO = "features are numbered from 0, since there is a feature 0"
_COMMON = {"number": "float64", "date": "datetime64[us]", "category": "str"}
_KINDS = {"number": "numbers", "date": "dates", "category": "text"}


@dataclass(frozen=True)
class Content:
    """Rows of one file, or of several put together.

    Attributes:
        named: Columns with names: numbers, truth values, dates and text.
        inputs: The features, where the format keeps them apart: an array `(n_samples, n_features)` or a SciPy CSR
            matrix. Where it is None every named column may be one.
        notes: What was decided while reading.
    """

    named: pd.DataFrame
    inputs: Any = None
    notes: tuple[str, ...] = ()


Reader: TypeAlias = Callable[[Path], Content]
"""What reads a file of one format; equal readers read alike. Raises `DataError`."""


def joined(contents: list[Content], paths: list[Path]) -> Content:
    """Put the rows of several files below each other.

    Raises:
        DataError: They do not have the same columns, or these hold something else.
    """
    import numpy as np

    first = contents[0]
    named = first.named if len(contents) == 1 else _joined_columns([content.named for content in contents], paths)
    if first.inputs is None:
        return Content(named, notes=first.notes)
    if not isinstance(first.inputs, np.ndarray):
        inputs, notes = _joined_sparse([content.inputs for content in contents], paths)
        return Content(named, inputs, (*first.notes, *notes))
    if len(contents) == 1:
        return first
    widths = {content.inputs.shape[1] for content in contents}
    if len(widths) > 1:
        raise DataError(f"{', '.join(map(str, paths))} have {sorted(widths)} features. Expected: equally many.")
    return Content(named, np.concatenate([content.inputs for content in contents]), first.notes)


def _joined_columns(tables: list[pd.DataFrame], paths: list[Path]) -> pd.DataFrame:
    import pandas as pd

    names: list[Any] = list(tables[0].columns)
    for table, path in zip(tables[1:], paths[1:], strict=True):
        here, there = list(map(str, table.columns)), set(names)
        missing, extra = [n for n in names if n not in table], [n for n in here if n not in there]
        if missing or extra:
            told = [f"lacks {', '.join(missing[:10])}"] * bool(missing) + [f"also has {', '.join(extra[:10])}"] * bool(
                extra
            )
            raise DataError(f"{path} {' and '.join(told)}, compared with {paths[0]}. Expected: the same columns.")
    return pd.DataFrame({name: _joined_values([table[name] for table in tables], paths) for name in names}, copy=False)


def _joined_values(columns: list[pd.Series], paths: list[Path]) -> pd.Series:
    """Return one column of all files. On its own pandas would make objects of truth values and numbers, or text."""
    import pandas as pd

    filled = [(column, path) for column, path in zip(columns, paths, strict=True) if column.notna().any()]
    kinds = {conversion.kind(column.dtype): path for column, path in reversed(filled)}
    if len(kinds) > 1:
        told = " and ".join(f"{_KINDS[kind]} in {path}" for kind, path in reversed(kinds.items()))
        raise DataError(f"Column {columns[0].name!r} has {told}. Expected: values of one kind in all files.")
    if len({column.dtype for column in columns}) > 1:
        common: Any = _COMMON[next(iter(kinds))]
        columns = [column.astype(common) for column in columns]
    return pd.concat(columns, ignore_index=True)


def _joined_sparse(inputs: list[Any], paths: list[Path]) -> tuple[Any, tuple[str, ...]]:
    """Return the rows of sparse matrices below each other, without a feature 0 if no file has it."""
    from scipy import sparse

    width = max(X.shape[1] for X in inputs)
    for X in inputs:
        X.resize(X.shape[0], width)
    together = sparse.vstack(inputs, format="csr")
    if not together.nnz:
        raise DataError(f"{paths[0]} has no features that are not 0. Expected lines such as: 1 3:0.5 7:2")
    return (together, (FROM_ZERO,)) if together[:, 0].nnz else (together[:, 1:], ())
