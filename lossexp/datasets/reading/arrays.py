"""Files of arrays: NPY, NPZ, IDX and SVMLight. Nothing is unpickled."""

from __future__ import annotations

import bisect
import codecs
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lossexp.components import Array
from lossexp.datasets.reading.compression import refuse_large_members, uncompressed
from lossexp.datasets.reading.content import Content
from lossexp.errors import DataError, did_you_mean

MOST_FEATURES = 2**21
"""Of sparse rows; features are numbered, and one wrong number would ask for a model that fits no memory."""
_VALUES = "biufUM"
"""Kinds of the types of NumPy that a column may have: truth values, integers, floats, text and dates."""
LABELS = "label"
"""What the target of a file is called whose format has no names."""


@dataclass(frozen=True)
class Npz:
    """Reads one array of features and the others as named columns.

    Attributes:
        features: Name of the array of features.
    """

    features: str

    def __call__(self, path: Path) -> Content:
        """Read an archive.

        Raises:
            DataError: It is damaged, holds Python objects, or has no such array.
        """
        import pandas as pd

        arrays = _loaded(path)
        if isinstance(arrays, np.ndarray):
            raise DataError(f"{path} is an NPY file, not an NPZ archive. Use dataset=npy.")
        if self.features not in arrays:
            hint = did_you_mean(self.features, arrays)
            raise DataError(
                f"{path} has no array {self.features!r}.{hint} It has {', '.join(arrays) or 'none'}. Say which one "
                "has the features: dataset.features=NAME"
            )
        inputs = as_features(arrays.pop(self.features), path)
        columns = {name: array.ravel() for name, array in arrays.items() if _is_column(array, len(inputs))}
        notes = [
            f"{name} is left out: its shape is {array.shape}, not ({len(inputs)},)"
            if array.dtype.kind in _VALUES
            else f"{name} is left out: it holds {array.dtype}, no numbers, truth values, dates or text"
            for name, array in arrays.items()
            if name not in columns
        ]
        return Content(pd.DataFrame(columns, index=range(len(inputs))), inputs, tuple(notes))


def _is_column(array: Array, n_rows: int) -> bool:
    return array.shape in ((n_rows,), (n_rows, 1)) and array.dtype.kind in _VALUES


def as_features(array: Array, path: Path) -> Array:
    """Return numbers as `(n_samples, n_features)`: a vector is one column, pictures are rows of pixels.

    Raises:
        DataError: They are not numbers, or there are no rows.
    """
    if array.dtype.kind not in "biuf" or not array.ndim or not array.size:
        raise DataError(f"{path}: features of type {array.dtype} and shape {array.shape}; expected rows of numbers.")
    return array.reshape(len(array), -1)


@dataclass(frozen=True)
class Paired:
    """Reads features from one file, and their targets from another if there is one.

    Without, the columns are called by their position, from 0, and one of them is the target.

    Attributes:
        array: Reads the one array of a file.
        targets: Where the targets are of each file of features.
    """

    array: Callable[[Path], Array]
    targets: Mapping[Path, Path]

    def __call__(self, path: Path) -> Content:
        """Read a file and its partner.

        Raises:
            DataError: They cannot be read, or do not have equally many rows.
        """
        import pandas as pd

        features = as_features(self.array(path), path)
        if path not in self.targets:
            names = [str(place) for place in range(features.shape[1])]
            return Content(pd.DataFrame(features, columns=names, copy=False))
        partner = self.targets[path]
        targets = self.array(partner)
        if not _is_column(targets, len(features)):
            raise DataError(
                f"{path} has {len(features)} rows, but {partner} has the shape {targets.shape} and the type "
                f"{targets.dtype}; expected one number or text for each row."
            )
        return Content(pd.DataFrame({LABELS: targets.ravel()}), features)


def read_npy(path: Path) -> Array:
    """Return the array of an NPY file, which stays on disk until it is needed.

    Raises:
        DataError: It is none, is cut off, or holds Python objects.
    """
    array = _loaded(path)
    if isinstance(array, dict):
        raise DataError(f"{path} is an NPZ archive of several arrays. Use dataset=npz.")
    return array


def read_npz(path: Path, name: str) -> Array:
    """Return the features of an NPZ archive: its only array, or the one with a name.

    Raises:
        DataError: It is none, has no such array, is cut off, or holds Python objects.
    """
    arrays = _loaded(path)
    if isinstance(arrays, np.ndarray):
        return as_features(arrays, path)
    if len(arrays) != 1 and name not in arrays:
        raise DataError(f"{path} has the arrays {', '.join(arrays)}; expected one, or one called {name}.")
    return as_features(arrays.get(name, next(iter(arrays.values()))), path)


def _loaded(path: Path) -> Any:
    """Return the array of an NPY file, or those of an NPZ archive by name.

    Raises:
        DataError: It is neither, is cut off, or holds Python objects, which could execute anything.
    """
    try:
        with path.open("rb") as file:
            is_archive = file.read(2) == b"PK"
        if is_archive:
            refuse_large_members(path)  # of a damaged one, NumPy would leave the file open
        opened = np.load(path, allow_pickle=False, mmap_mode="r")
        if isinstance(opened, np.ndarray):
            return _native(opened)
        with opened:
            found = {name: opened[name] for name in opened.files}
            # What is no NPY file comes as bytes.
            return {name: _native(array) for name, array in found.items() if isinstance(array, np.ndarray)}
    except DataError:
        raise
    except Exception as error:  # whatever the readers of its headers and of ZIP come across in a file that lies
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if "allow_pickle" in reason or "Python objects" in reason:
            reason = "it holds no arrays, or Python objects, which are not loaded since they could execute anything"
        raise DataError(
            f"{path} cannot be read: {reason}. Expected arrays of numbers, truth values or text, as written by "
            "numpy.save or numpy.savez."
        ) from error


def _native(array: Array) -> Array:
    """Return numbers whose bytes are in the order of this machine, as pandas needs them, and text as text."""
    return array.astype(array.dtype.newbyteorder("=") if array.dtype.kind != "S" else "U", copy=False)


def read_svmlight(path: Path) -> Content:
    """Read lines such as `1 3:0.5 7:2`, a target and the features that are not 0, compressed or not.

    The features are numbered from 1 or from 0: the first column here is that of feature 0.

    Raises:
        DataError: A line is something else.
    """
    import pandas as pd

    text = uncompressed(path).removeprefix(codecs.BOM_UTF8)
    try:
        X, y, query = _sparse(text)
    except (ValueError, OverflowError) as error:
        raise DataError(
            f"{path} cannot be read as SVMLight, in line {_first_bad_line(text)}: {str(error).rstrip('.')}. "
            "Expected lines such as: 1 3:0.5 7:2"
        ) from error
    if not X.shape[0]:
        raise DataError(f"{path} has no rows. Expected lines such as: 1 3:0.5 7:2")
    if X.shape[1] > MOST_FEATURES:
        raise DataError(
            f"{path} has features up to number {X.shape[1] - 1}; expected at most {MOST_FEATURES}, since a model has "
            "weights for all. Number those that occur from 1, or hash them into fewer."
        )
    named = pd.DataFrame({LABELS: y})
    if query.size and query.any():
        named["qid"] = query
    return Content(named, X)


def _sparse(text: bytes) -> tuple[Any, Array, Array]:
    """Return features, targets and queries of SVMLight."""
    from sklearn.datasets import load_svmlight_file

    X, y, query = load_svmlight_file(io.BytesIO(text), zero_based=True, query_id=True)
    return X, y, query


def _first_bad_line(text: bytes) -> int:
    """Return the number of the first line, from 1, with which SVMLight cannot be read."""
    lines = text.splitlines(keepends=True)

    def is_bad(n_lines: int) -> bool:
        try:
            _sparse(b"".join(lines[:n_lines]))
        except (ValueError, OverflowError):
            return True
        return False

    return bisect.bisect_left(range(len(lines)), True, key=is_bad)
