"""What a file holds, before anything is made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lossexp.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


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
        DataError: They do not have the same columns.
    """
    import numpy as np
    import pandas as pd

    first = contents[0]
    if len(contents) == 1:
        return first
    for content, path in zip(contents[1:], paths[1:], strict=True):
        here, there = list(content.named.columns), list(first.named.columns)
        if set(here) != set(there):
            missing, extra = [n for n in there if n not in here], [n for n in here if n not in there]
            told = [f"lacks {', '.join(missing[:10])}"] * bool(missing) + [f"also has {', '.join(extra[:10])}"] * bool(
                extra
            )
            raise DataError(f"{path} {' and '.join(told)}, compared with {paths[0]}. Expected: the same columns.")
    named = pd.concat([content.named[list(first.named.columns)] for content in contents], ignore_index=True)
    if first.inputs is None:
        return Content(named, notes=first.notes)
    if isinstance(first.inputs, np.ndarray):
        widths = {content.inputs.shape[1] for content in contents}
        if len(widths) > 1:
            raise DataError(f"{', '.join(map(str, paths))} have {sorted(widths)} features. Expected: equally many.")
        return Content(named, np.concatenate([content.inputs for content in contents]), first.notes)
    from scipy import sparse

    width = max(content.inputs.shape[1] for content in contents)
    for content in contents:
        content.inputs.resize(content.inputs.shape[0], width)
    return Content(named, sparse.vstack([content.inputs for content in contents], format="csr"), first.notes)
