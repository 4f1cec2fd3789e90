"""The examples of a stack: laid out in memory, or read in pieces, and handed out in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from lossexp.components import Array
from lossexp.datasets.base import Split
from lossexp.rows import WINDOW_BYTES, FileRows, Window, lay_out, taken, windows
from lossexp.targets import Target, encode

GATHERED_ELEMENTS = 2**18
"""Examples are gathered in their shuffled order this many numbers at a time, then cut into batches by slicing. Larger
pieces are given back to the operating system, and getting the next one page by page costs more than copying."""

LAID_OUT_ELEMENTS = 2**20
"""So many numbers are laid out at a time where they are not in memory."""


class Batch(NamedTuple):
    """Examples as the runs of a stack see them.

    Attributes:
        X: Features with a last column of ones, `(n_streams, n, n_features + 1)`.
        encoded: Targets, `(n_outputs, n_streams, n)`.
        weight: How much each example counts, `(1, n_streams, n)`; None where all count alike.
    """

    X: Array
    encoded: Array
    weight: Array | None

    @property
    def n_samples(self) -> int:
        """Number of examples."""
        return self.X.shape[1]

    def cut(self, samples: slice) -> Batch:
        """Return some of the examples, as views."""
        weight = None if self.weight is None else self.weight[:, :, samples]
        return Batch(self.X[:, samples], self.encoded[:, :, samples], weight)

    def take(self, samples: Array) -> Batch:
        """Return examples `(n_streams, n)` of each stream, as copies."""
        # One index into the examples of all streams: with a second one for the streams it takes NumPy twice as long.
        rows = samples + self.n_samples * np.arange(len(samples))[:, None]
        X = self.X.reshape(-1, self.X.shape[-1]).take(rows, axis=0)
        encoded = self.encoded.reshape(len(self.encoded), -1).take(rows, axis=1)
        weight = None if self.weight is None else self.weight.reshape(1, -1).take(rows, axis=1)
        return Batch(X, encoded, weight)


class StackedSplit:
    """One split as the runs of a stack see it.

    Arrays are laid out in memory once. Where the features of a split are in a file or sparse, every piece is laid out
    when it is asked for.

    Args:
        splits: The split of each stream; all of one length.
        target: What is predicted.
        n_outputs: Number of outputs of the model.
        dtype: Type of what is handed out.

    Attributes:
        n_samples: Number of examples.
        n_columns: Number of features, and one for the ones.
        at_once: About so many examples may be cut at once without taking much memory.
        variance: Variance of the targets of each stream, `(n_streams,)`; used for R² only.
    """

    def __init__(self, splits: Sequence[Split], target: Target, n_outputs: int, dtype: np.dtype[Any]) -> None:
        self._splits, self._target, self._n_outputs, self._dtype = splits, target, n_outputs, dtype
        self.n_samples, self.n_columns = len(splits[0]), splits[0].X.shape[1] + 1
        self.variance = np.array([_variance(split) for split in splits])
        self._mean_weight = [_mean_weight(split) for split in splits]
        in_memory = all(isinstance(split.X, np.ndarray) for split in splits)
        self.whole = self._piece([slice(0, self.n_samples)] * len(splits)) if in_memory else None
        laid_out = max(LAID_OUT_ELEMENTS // (len(splits) * self.n_columns), 1)
        self.at_once = max(self.n_samples, 1) if in_memory else laid_out

    def cut(self, samples: slice) -> Batch:
        """Return consecutive examples."""
        return self._piece([samples] * len(self._splits)) if self.whole is None else self.whole.cut(samples)

    def shuffled(self, rngs: Sequence[np.random.Generator], batch_size: int) -> Iterator[Batch]:
        """Yield all batches in random order, the order of each stream drawn from its own generator."""
        is_file = isinstance(self._splits[0].X, FileRows)
        for piece in self._windows(rngs, batch_size) if is_file else self._gathered(rngs, batch_size):
            for first in range(0, piece.n_samples, batch_size):
                yield piece.cut(slice(first, first + batch_size))

    def _gathered(self, rngs: Sequence[np.random.Generator], batch_size: int) -> Iterator[Batch]:
        """Yield pieces in a random order over all examples."""
        order = np.stack([rng.permutation(self.n_samples) for rng in rngs])
        n_elements = LAID_OUT_ELEMENTS if self.whole is None else GATHERED_ELEMENTS
        at_once = batch_size * max(n_elements // (len(order) * self.n_columns * batch_size), 1)
        for start in range(0, self.n_samples, at_once):
            some = order[:, start : start + at_once]
            yield self._piece(list(some)) if self.whole is None else self.whole.take(some)

    def _windows(self, rngs: Sequence[np.random.Generator], batch_size: int) -> Iterator[Batch]:
        """Yield pieces of a file, each in random order."""
        shape = self.n_samples, self.n_columns - 1
        for rows in zip(*(windows(shape, batch_size, rng) for rng in rngs), strict=True):
            yield self._piece(rows)

    def _piece(self, rows: Sequence[slice | Array | Window]) -> Batch:
        """Lay out some examples of each stream, as many of each."""
        parts = [(taken(split.X, some), taken(split.y, some)) for split, some in zip(self._splits, rows, strict=True)]
        n_streams, n_samples = len(parts), len(parts[0][1])
        X = np.zeros((n_streams, n_samples, self.n_columns), dtype=self._dtype)
        X[:, :, -1] = 1
        encoded = np.empty((self._n_outputs, n_streams, n_samples), dtype=self._dtype)
        is_weighted = any(split.weight is not None for split in self._splits)
        weight = np.ones((1, n_streams, n_samples), dtype=self._dtype) if is_weighted else None
        for stream, (features, y) in enumerate(parts):
            lay_out(features, X[stream, :, :-1])
            encoded[:, stream] = encode(y, self._target, self._n_outputs, self._dtype)
            own = self._splits[stream].weight
            if weight is not None and own is not None:
                weight[0, stream] = taken(own, rows[stream]) / self._mean_weight[stream]
        return Batch(X, encoded, weight)


def held_bytes(split: Split, n_outputs: int, n_streams: int, dtype: np.dtype[Any], at_once: int = 0) -> int:
    """Estimate the memory that the examples of a split take while they are trained on.

    An array is laid out for each stream, and copied in its shuffled order. Of a file there is a window three times, as
    it is read, put together and shuffled; of sparse rows there are the rows themselves and two pieces laid out.

    Args:
        split: The split of one stream.
        n_outputs: Number of outputs of the model.
        n_streams: Number of streams.
        dtype: Type of what is laid out.
        at_once: Examples that a step takes at once; 0 for a split that is only measured, which takes next to nothing.
    """
    n_samples, n_features = split.X.shape
    row = n_streams * (n_features + 1 + n_outputs) * dtype.itemsize
    if isinstance(split.X, np.ndarray):
        return 2 * n_samples * row
    if isinstance(split.X, FileRows):
        window = min(WINDOW_BYTES // (n_features * split.X.dtype.itemsize), n_samples)
        stored, laid_out = 0, max(3 * window, 2 * at_once) * row
    else:
        stored = sum(array.nbytes for array in (split.X.data, split.X.indices, split.X.indptr))
        laid_out = max(2 * min(LAID_OUT_ELEMENTS * dtype.itemsize, n_samples * row), at_once * row)
    return n_streams * (split.y.nbytes + stored) + (laid_out if at_once else 0)


def _mean_weight(split: Split) -> float:
    return 1.0 if split.weight is None or not len(split) else float(np.mean(split.weight))


def _variance(split: Split) -> float:
    if not len(split):
        return float("nan")
    mean = np.average(split.y, weights=split.weight)
    return float(np.average(np.square(split.y - mean), weights=split.weight))
