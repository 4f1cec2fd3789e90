"""Examples in pieces: from a file or sparse they are the same as in memory."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from lossexp import rows
from lossexp.batching import StackedSplit
from lossexp.datasets import Split
from lossexp.experiment import Training
from lossexp.losses import CCE, MSE
from lossexp.models import MLP, Linear
from lossexp.optimizers import GD, SGD
from lossexp.rows import FileRows, taken, windows

from .trainings import REGRESSION, THREE_CLASSES, drawn, member, trained

RNG = np.random.default_rng(0)
X = RNG.standard_normal((50, 3)).round(1) * (RNG.random((50, 3)) < 0.5)
Y = RNG.integers(3, size=50)
WEIGHT = RNG.random(50)


@pytest.fixture
def in_file(tmp_path):
    """Return what writes an array into a file behind a header and gives its rows."""

    def write(array):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.bin"
        path.write_bytes(b"header" + np.ascontiguousarray(array).tobytes())
        return FileRows(path, 6, array.shape, array.dtype)

    return write


def stacked(features, weight=WEIGHT, n_streams=2):
    splits = [Split(features, Y, weight)] + [Split(features, Y)] * (n_streams - 1)
    return StackedSplit(splits, THREE_CLASSES, 3, np.dtype(np.float64))


@pytest.mark.parametrize("kind", ["file", "sparse"])
def test_consecutive_examples_are_those_in_memory(kind, in_file):
    other = stacked(in_file(X) if kind == "file" else csr_array(X))
    assert other.whole is None
    for samples in (slice(0, 50), slice(7, 20), slice(45, 60)):
        for ours, expected in zip(other.cut(samples), stacked(X).cut(samples), strict=True):
            np.testing.assert_array_equal(ours, expected)


def test_few_examples_of_many_sparse_features_are_laid_out_at_once():
    """A thousand rows of a million features would be 8 GB."""
    wide = csr_array((np.ones(1000), (np.arange(1000), np.arange(1000) * 1000)), shape=(1000, 10**6))
    split = StackedSplit([Split(wide, np.zeros(1000))], REGRESSION, 1, np.dtype(np.float64))
    assert split.cut(slice(0, split.at_once)).X.nbytes < 2**24
    assert split.cut(slice(7, 8)).X[0, 0].nonzero()[0].tolist() == [7000, 10**6]


def test_equal_places_of_a_sparse_row_add_up():
    twice = csr_array((np.array([1.0, 2.0, 4.0]), np.array([1, 1, 0]), np.array([0, 2, 3])), shape=(2, 3))
    split = StackedSplit([Split(twice, np.zeros(2))], REGRESSION, 1, np.dtype(np.float64))
    np.testing.assert_array_equal(split.cut(slice(0, 2)).X[0], [[0, 3, 0, 1], [4, 0, 0, 1]])


def test_sparse_rows_are_shuffled_as_those_in_memory():
    def batches(features):
        return list(stacked(features).shuffled([np.random.default_rng(s) for s in (1, 2)], 8))

    for ours, expected in zip(batches(csr_array(X)), batches(X), strict=True):
        for one, other in zip(ours, expected, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("batch_size", [1, 4, 7, 50])
def test_an_epoch_over_a_file_has_each_example_once_in_whole_batches(monkeypatch, in_file, batch_size):
    monkeypatch.setattr(rows, "CHUNK_ROWS", 4)
    monkeypatch.setattr(rows, "WINDOW_BYTES", 4 * 3 * 4 * 3)
    numbered = np.arange(50.0)[:, None]
    split = StackedSplit([Split(in_file(numbered), np.arange(50.0))], REGRESSION, 1, np.dtype(np.float64))
    batches = list(split.shuffled([np.random.default_rng(0)], batch_size))
    assert [batch.n_samples for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
    seen = np.concatenate([batch.X[0, :, 0] for batch in batches])
    np.testing.assert_array_equal(np.sort(seen), np.arange(50))
    np.testing.assert_array_equal(np.concatenate([batch.encoded[0, 0] for batch in batches]), seen)
    again = np.concatenate([batch.X[0, :, 0] for batch in split.shuffled([np.random.default_rng(1)], batch_size)])
    assert not np.array_equal(again, seen)


def test_windows_of_a_file_are_bounded_and_full_but_for_the_last():
    sizes = [len(window.order) for window in windows((100_000, 28), 32, np.random.default_rng(0))]
    assert sum(sizes) == 100_000
    assert all(size % 32 == 0 for size in sizes[:-1])
    assert max(sizes) * 28 * 4 <= max(rows.WINDOW_BYTES, 2 * rows.CHUNK_ROWS * 28 * 4)


def test_a_file_reads_the_rows_asked_for(in_file):
    features = in_file(X.astype(np.float32))
    assert len(features) == 50
    np.testing.assert_array_equal(taken(features, slice(48, 99)), X[48:].astype(np.float32))
    assert taken(features, slice(60, 70)).shape == (0, 3)


@pytest.mark.parametrize("kind", ["file", "sparse"])
@pytest.mark.parametrize("model", [Linear(), MLP(hidden=(4,))], ids=["linear", "mlp"])
def test_gradient_descent_does_not_depend_on_where_the_features_are(kind, model, in_file):
    data = drawn(THREE_CLASSES)
    moved = data.__class__(
        **vars(data)
        | {
            name: Split(in_file(s.X) if kind == "file" else csr_array(s.X), s.y)
            for name, s in (("train", data.train), ("val", data.val), ("test", data.test))
        }
    )
    parts = {"model": model, "optimizer": GD(), "training": Training(epochs=5, dtype="float64")}
    ours, expected = (trained(member(d, CCE(), **parts))[0] for d in (moved, data))
    for name, curve in expected.curves.items():
        np.testing.assert_allclose(ours.curves[name], curve, rtol=1e-12, err_msg=name)
    assert ours.finished.metrics == pytest.approx(expected.finished.metrics)


def test_sgd_over_a_file_learns(in_file):
    data = drawn(REGRESSION, n=200)
    moved = data.__class__(**vars(data) | {"train": Split(in_file(data.train.X), data.train.y)})
    ours = trained(member(moved, MSE(), optimizer=SGD(lr=0.05), training=Training(epochs=30, dtype="float64")))[0]
    alone = trained(member(data, MSE(), optimizer=SGD(lr=0.05), training=Training(epochs=30, dtype="float64")))[0]
    assert ours.curves["val/r2"][-1] == pytest.approx(alone.curves["val/r2"][-1], abs=0.01)
