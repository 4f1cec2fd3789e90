"""Multiplying with shared features against a plain loop over the runs, for any pattern of streams."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossexp.sharing import Sharing


def numbered(streams):
    """Number streams in the order in which they first appear."""
    order = list(dict.fromkeys(streams))
    return [order.index(stream) for stream in streams]


patterns = st.one_of(
    st.lists(st.integers(0, 3), min_size=1, max_size=9),
    st.builds(
        lambda repeats, n_streams, each: repeats * [s for s in range(n_streams) for _ in range(each)],
        *3 * [st.integers(1, 4)],
    ),
).map(numbered)
sizes = st.integers(1, 4)


@settings(max_examples=300)
@given(stream_of_run=patterns, a=sizes, b=sizes, c=sizes, run_axis=st.sampled_from([0, 1]))
def test_multiply(stream_of_run, a, b, c, run_axis):
    """Both products of a layer: with the features transposed, and with a view of them as they are."""
    rng, sharing = np.random.default_rng(0), Sharing(stream_of_run)
    rows = rng.standard_normal((len(stream_of_run), a, b))
    X = rng.standard_normal((sharing.n_streams, c, b)).swapaxes(1, 2)
    expected = np.stack([run @ X[stream] for run, stream in zip(rows, stream_of_run, strict=True)])
    if run_axis == 1:
        rows, expected = np.ascontiguousarray(rows.swapaxes(0, 1)), expected.swapaxes(0, 1)
    for features in (X, np.ascontiguousarray(X)):
        out = np.full(expected.shape, np.nan)
        sharing.multiply(rows, features, out, run_axis)
        np.testing.assert_allclose(out, expected, rtol=1e-13, atol=1e-14)


@given(stream_of_run=patterns, n=sizes, m=sizes)
def test_spread(stream_of_run, n, m):
    sharing = Sharing(stream_of_run)
    per_stream = np.random.default_rng(0).standard_normal((n, sharing.n_streams, m))
    result = sharing.spread(per_stream, np.full((n, len(stream_of_run), m), np.nan))
    np.testing.assert_array_equal(np.broadcast_to(result, (n, len(stream_of_run), m)), per_stream[:, stream_of_run])


@given(stream_of_run=patterns)
def test_tiles_cover_every_run_once(stream_of_run):
    sharing = Sharing(stream_of_run)
    runs, streams = np.arange(len(stream_of_run)), np.arange(sharing.n_streams)
    assert sorted(run for tile in sharing.tiles for run in runs[tile.runs]) == runs.tolist()
    for tile in sharing.tiles:
        unfolded = np.asarray(stream_of_run)[tile.runs].reshape(tile.pattern)
        np.testing.assert_array_equal(unfolded, np.broadcast_to(streams[tile.streams, None], tile.pattern))


@pytest.mark.parametrize(
    ("stream_of_run", "n_calls"),
    [
        ([0], 1),
        ([0, 0, 0], 1),
        ([0, 1, 2], 1),
        ([0, 0, 1, 1], 1),
        ([0, 1, 0, 1], 1),
        ([0, 0, 1, 1, 0, 0, 1, 1], 1),
        ([0, 0, 1], 2),
        ([0, 1, 1, 0], 3),
    ],
)
def test_a_regular_pattern_is_one_call(stream_of_run, n_calls):
    assert len(Sharing(stream_of_run).tiles) == n_calls
