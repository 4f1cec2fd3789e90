"""Which runs of a stack see the same examples, and the matrix multiply that makes use of it.

A *stream* is a sequence of batches. Runs with the same data and the same seed read the same stream, so the layer that
reads the features can be one matrix multiply for all of them. `Sharing` knows the stream of every run and multiplies in
as few calls as the order of the runs allows, always on views.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lossexp.components import Array

_OUTPUTS_LAST_BUT_ONE = (1, 2, 3, 0, 4)
"""Turns `(outputs, repeats, streams, runs, n)` into a matrix `(outputs, n)` per run."""

_STREAMS_FIRST = (2, 0, 1, 3, 4)
"""Turns the same into the rows of all outputs and runs of each stream."""


@dataclass(frozen=True)
class Tile:
    """Consecutive runs in a regular pattern: `repeats` times (`n_streams` streams of `runs_per_stream` runs)."""

    runs: slice
    streams: slice
    repeats: int
    n_streams: int
    runs_per_stream: int

    @property
    def pattern(self) -> tuple[int, int, int]:
        """Return the shape that the run axis unfolds to."""
        return self.repeats, self.n_streams, self.runs_per_stream


class Sharing:
    """The stream of every run of a stack.

    Args:
        stream_of_run: Stream index of each run, streams numbered in the order in which they first appear.
    """

    def __init__(self, stream_of_run: Sequence[int]) -> None:
        self.n_runs = len(stream_of_run)
        self.n_streams = max(stream_of_run) + 1
        self.tiles = _tiles(np.asarray(stream_of_run), self.n_streams)

    def multiply(self, rows: Array, X: Array, out: Array, run_axis: int) -> None:
        """Write rows @ X into `out`, where each run multiplies with the X of its stream.

        Args:
            rows: `(n_runs, a, b)`, or `(a, n_runs, b)` for run axis 1; contiguous.
            X: `(n_streams, b, c)`.
            out: `rows` with c in place of b; contiguous.
            run_axis: 0 or 1.
        """
        if self.n_streams == 1:
            np.matmul(rows.reshape(-1, rows.shape[-1]), X[0], out=out.reshape(-1, out.shape[-1]))
            return
        for tile in self.tiles:
            if run_axis == 0:
                # The units of all runs of a stream are the rows of one matrix.
                shape = (tile.repeats, tile.n_streams, 1, tile.runs_per_stream * rows.shape[1])
                a, b = (array[tile.runs].reshape(*shape, array.shape[-1]) for array in (rows, out))
                np.matmul(a, X[tile.streams, None], out=b)
                continue
            shape = (rows.shape[0], *tile.pattern)
            a, b = (array[:, tile.runs].reshape(*shape, array.shape[-1]) for array in (rows, out))
            if tile.repeats == tile.runs_per_stream == 1:
                np.matmul(
                    a.transpose(_OUTPUTS_LAST_BUT_ONE), X[tile.streams, None], out=b.transpose(_OUTPUTS_LAST_BUT_ONE)
                )
            else:
                # One matrix per stream, of all outputs of all its runs: packing it costs less than small multiplies.
                packed = a.transpose(_STREAMS_FIRST).reshape(tile.n_streams, -1, a.shape[-1])
                product = packed @ X[tile.streams]
                b.transpose(_STREAMS_FIRST)[...] = product.reshape(b.transpose(_STREAMS_FIRST).shape)

    def spread(self, per_stream: Array, out: Array) -> Array:
        """Return values per stream `(n, n_streams, m)` as values per run `(n, n_runs, m)`, written into `out`.

        Where all runs share one stream it is returned as it is, to be broadcast.
        """
        if self.n_streams == 1:
            return per_stream
        for tile in self.tiles:
            shape = (out.shape[0], *tile.pattern, out.shape[-1])
            out[:, tile.runs].reshape(shape)[...] = per_stream[:, None, tile.streams, None]
        return out


def _tiles(stream_of_run: Array, n_streams: int) -> tuple[Tile, ...]:
    """Return one tile where the whole run axis is a regular pattern, else one per stretch of equal streams."""
    n_runs = len(stream_of_run)
    starts = np.flatnonzero(np.r_[True, stream_of_run[1:] != stream_of_run[:-1]])
    stretch = n_runs if len(starts) == 1 else int(starts[1])
    pattern = np.repeat(np.arange(n_streams), stretch)
    if n_runs % len(pattern) == 0 and np.array_equal(np.resize(pattern, n_runs), stream_of_run):
        return (Tile(slice(0, n_runs), slice(0, n_streams), n_runs // len(pattern), n_streams, stretch),)
    ends = np.r_[starts[1:], n_runs]
    return tuple(
        Tile(slice(a, b), slice(stream_of_run[a], stream_of_run[a] + 1), 1, 1, b - a)
        for a, b in zip(starts.tolist(), ends.tolist(), strict=True)
    )
