"""Which format a file has, by the ending of its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lossexp.datasets.idx_format import read_idx
from lossexp.datasets.preparation import Rows
from lossexp.datasets.reading import arrays, arrow
from lossexp.datasets.reading.delimited import Delimited
from lossexp.datasets.reading.files import stamp
from lossexp.errors import DataError


def read_rows(path: str | Path, text: Delimited) -> Rows:
    """Return the rows of a file: a data frame, an array or a sparse matrix, as `Preparation.transform` takes them.

    Args:
        path: The file.
        text: How to read it if it has one row per line.

    Raises:
        DataError: It cannot be read, or its ending is not known.
    """
    readers: dict[str, Callable[[Path], Rows]] = {
        **dict.fromkeys((".csv", ".tsv", ".txt", ".data"), lambda path: text(path).named),
        ".parquet": lambda path: arrow.read_parquet(path).named,
        **dict.fromkeys((".feather", ".arrow"), lambda path: arrow.read_feather(path).named),
        ".npy": lambda path: arrays.as_features(arrays.read_npy(path), path),
        **dict.fromkeys((".svmlight", ".libsvm"), lambda path: arrays.read_svmlight(path).inputs),
        "-ubyte": lambda path: arrays.as_features(read_idx(path), path),
    }
    file = stamp(str(path), "data").path
    for ending, read in readers.items():
        if file.name.removesuffix(".gz").endswith(ending):
            return read(file)
    raise DataError(f"data={path}: its format is not known. Expected a name that ends in {', '.join(readers)}.")
