"""Small grey pictures in the four files of MNIST and of the datasets that took over its form."""

from __future__ import annotations

import functools
from abc import ABC
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from lossexp.components import Array, Positive
from lossexp.datasets.base import Dataset
from lossexp.datasets.downloads import Publication
from lossexp.datasets.idx_format import read_idx
from lossexp.datasets.table import PARTS, Table
from lossexp.errors import DataError

_SHAPE = (28, 28)
_ROWS = {"train": 60_000, "test": 10_000}
_PIXELS = tuple(f"pixel_{row}_{column}" for row in range(_SHAPE[0]) for column in range(_SHAPE[1]))


@dataclass(frozen=True, kw_only=True)
class IdxImages(Dataset, ABC):
    """60000 training and 10000 test pictures of 28 x 28 pixels of 0 to 255; validation rows are drawn from the former.

    A subclass states what is published, the digest of the uncompressed content of each file, and the names of its
    classes.

    Attributes:
        root: Folder with the four files, gzipped or not; None for the cache, where missing ones are downloaded to.
        white: Pixels are divided by it. Where they are standardized too it makes no difference.
    """

    root: str | None = None
    white: Positive = 255.0
    standardize: bool = False

    publication: ClassVar[Publication]
    content: ClassVar[tuple[str, ...]]
    classes: ClassVar[tuple[str, ...]]

    def table(self, rng: np.random.Generator) -> Table:
        """Return all pictures, the training ones first."""
        X, y = _read(*self.publication.files(self.root), content=self.content)
        part = np.repeat([PARTS.index(name) for name in _ROWS], list(_ROWS.values()))
        return Table(X, y, _PIXELS, self.classes, target_name="label", part=part, unit=float(self.white))


@functools.lru_cache(maxsize=1)  # all runs of a sweep read the same
def _read(*paths: Path, content: tuple[str, ...]) -> tuple[Array, Array]:
    """Return the pixels `(70000, 784)` as bytes and the labels `(70000,)` of all pictures, both read-only.

    Args:
        paths: Images and labels of the training split, then those of the test split.
        content: Digest of the uncompressed content of each.
    """
    pixels, labels = [], []
    for (images, names), n in zip(zip(paths[::2], paths[1::2], strict=True), _ROWS.values(), strict=True):
        pixels.append(_checked(images, (n, *_SHAPE), content[paths.index(images)]).reshape(n, -1))
        labels.append(_checked(names, (n,), content[paths.index(names)]))
        if (counts := np.bincount(labels[-1], minlength=10)).min() == 0 or len(counts) > 10:
            raise DataError(f"{names} does not have the labels 0 to 9, each at least once. Download it again.")
    X, y = np.concatenate(pixels), np.concatenate(labels).astype(np.int64)
    X.setflags(write=False)
    y.setflags(write=False)
    return X, y


def _checked(path: Path, shape: tuple[int, ...], digest: str) -> Array:
    array = read_idx(path, digest)
    if array.shape != shape or array.dtype != np.uint8:
        raise DataError(
            f"{path} has an array {array.shape} of {array.dtype}; expected {shape} of bytes. Is it the right file?"
        )
    return array
