"""Which format a file has, by the ending of its name."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from lossexp.datasets.idx_format import read_idx
from lossexp.datasets.preparation import Rows
from lossexp.datasets.reading import arrays, arrow
from lossexp.datasets.reading.compression import ENDINGS
from lossexp.datasets.reading.delimited import Delimited
from lossexp.datasets.reading.files import stamp
from lossexp.errors import DataError


def read_rows(path: str | Path, delimited: Delimited, as_text: Collection[str] = ()) -> Rows:
    """Return the rows of a file: a data frame, an array or a sparse matrix, as `Preparation.transform` takes them.

    Args:
        path: The file.
        delimited: How to read it if it has one row per line.
        as_text: Names of columns that are text even if all of it could be read as numbers or truth values.

    Raises:
        DataError: It cannot be read, or its ending is not known.
    """
    readers: dict[str, Callable[[Path], Rows]] = {
        **dict.fromkeys((".csv", ".tsv", ".txt", ".data"), lambda path: delimited(path, as_text).named),
        ".parquet": lambda path: arrow.read_parquet(path, as_text).named,
        **dict.fromkeys((".feather", ".arrow"), lambda path: arrow.read_feather(path, as_text).named),
        ".npy": lambda path: arrays.as_features(arrays.read_npy(path), path),
        ".npz": lambda path: arrays.read_npz(path, "X"),
        **dict.fromkeys((".svmlight", ".libsvm", ".svm"), lambda path: arrays.read_svmlight(path).inputs),
        "-ubyte": lambda path: arrays.as_features(read_idx(path), path),
    }
    file = stamp(str(path), "data").path
    name = file.name.lower()
    plain = name.removesuffix(next(filter(name.endswith, ENDINGS), ""))
    for ending, read in readers.items():
        if plain.endswith(ending):
            return read(file)
    raise DataError(f"data={path}: its format is not known. Expected a name that ends in {', '.join(readers)}.")
