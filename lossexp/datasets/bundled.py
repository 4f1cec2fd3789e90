"""The data files that scikit-learn carries, read without importing it, which takes longer than a run."""

from __future__ import annotations

import functools
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from lossexp.components import Array
from lossexp.errors import DataError


@functools.cache
def read_bundled(file: str, *, delimiter: str | None = ",", header_lines: int = 0) -> Array:
    """Return the numbers of one file of `sklearn/datasets/data`, `(n_samples, n_columns)`, read-only.

    Args:
        file: Name of the file; a `.gz` is unpacked.
        delimiter: What separates the columns; None for white space.
        header_lines: Number of lines before the first row.

    Raises:
        DataError: The file is not there.
    """
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise DataError("This dataset is read from scikit-learn, which is not installed: pip install scikit-learn")
    path = Path(package.origin).parent / "datasets" / "data" / file
    try:
        rows = np.loadtxt(path, delimiter=delimiter, skiprows=header_lines, ndmin=2)
    except OSError as error:
        raise DataError(
            f"Cannot read {path}: {error}. The installed scikit-learn is incomplete: install it again."
        ) from error
    rows.setflags(write=False)
    return rows


def read_bundled_classes(file: str, *, header_lines: int = 1) -> tuple[Array, Array]:
    """Return features `(n_samples, n_features)` and labels `(n_samples,)`; the last column is the label."""
    rows = read_bundled(file, header_lines=header_lines)
    return rows[:, :-1], rows[:, -1].astype(np.int64)
