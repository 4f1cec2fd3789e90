"""Tables larger than memory: the same rows, labels and features as when they are read as a whole."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from lossexp.datasets import NPY, Parquet, streaming
from lossexp.errors import DataError, StorageError
from lossexp.experiment import Experiment, Training
from lossexp.losses import BCE
from lossexp.rows import FileRows
from lossexp.stacking import Member
from tests.trainings import trained

N = 1000
RNG = np.random.default_rng(0)
X = RNG.standard_normal((N, 140)).astype(np.float32)
Y = (X[:, 0] + RNG.standard_normal(N) > 0).astype(np.int64)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Pieces of 64 rows, and a cache of its own."""
    monkeypatch.setattr(streaming, "PIECE_ROWS", 64)
    monkeypatch.setattr(streaming, "cache", lambda: tmp_path / "cache")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def frame():
    table = pd.DataFrame(X, columns=[f"f{place}" for place in range(X.shape[1])])
    kind = pd.Series(["red", "green", "blue"]).take(np.arange(N) % 3).to_numpy()
    return table.assign(kind=kind, day=pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(N), "D"), target=Y)


def npy_pair():
    np.save("X.npy", X)
    np.save("y.npy", Y)
    return NPY(path="X.npy", target_path="y.npy", split_seed=0)


def npy_one():
    np.save("both.npy", np.column_stack([Y, X]))
    return NPY(path="both.npy", target=0, split_seed=0)


def parquet():
    frame().to_parquet("d.parquet")
    return Parquet(path="d.parquet", target="target", split_seed=0)


def streamed(dataset):
    return dataclasses.replace(dataset, max_memory=1)


@pytest.mark.parametrize("make", [npy_pair, npy_one, parquet])
def test_a_streamed_table_has_the_splits_of_one_in_memory(make):
    dataset = make()
    whole, pieces = dataset.load(0), streamed(dataset).load(0)
    assert isinstance(pieces.train.X, FileRows)
    assert pieces.feature_names == whole.feature_names
    assert pieces.class_names == whole.class_names == ("0", "1")
    for name in ("train", "val", "test"):
        ours, expected = getattr(pieces, name), getattr(whole, name)
        rows, features = ours.X[0 : len(ours)], expected.X.astype(np.float32)
        # The rows of a split are in the order of the file, those in memory in random order.
        order, other = (np.lexsort(table.T[::-1]) for table in (rows, features))
        np.testing.assert_allclose(rows[order], features[other], rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(ours.y[order], expected.y[other])


def test_features_are_written_once_for_equal_data(folder):
    data = streamed(npy_pair()).load(0)
    written = {path: path.stat().st_mtime_ns for path in (folder / "cache").rglob("*.f32")}
    assert len(written) == 3
    again = streamed(npy_pair()).load(0)  # written anew, so the table is read again; but not this time its features
    assert again.fingerprint == data.fingerprint
    np.save("y.npy", 1 - Y)
    assert streamed(NPY(path="X.npy", target_path="y.npy", split_seed=0)).load(0).fingerprint != data.fingerprint


def test_all_seeds_share_one_table_and_one_order():
    dataset = streamed(npy_pair())
    assert dataset.load(0) is dataset.load(1)
    first, second = (Member(Experiment(dataset, BCE(), seed=seed), dataset.load(seed)) for seed in (0, 1))
    assert first.stream == second.stream


def test_a_run_over_a_streamed_table_equals_itself_alone():
    dataset = streamed(npy_pair())
    members = [
        Member(Experiment(dataset, BCE(), training=Training(epochs=2, dtype="float64"), seed=seed), dataset.load(seed))
        for seed in range(3)
    ]
    for one, ours in zip(members, trained(*members), strict=True):
        (alone,) = trained(one)
        np.testing.assert_allclose(ours.params[0], alone.params[0], rtol=1e-10)
        assert ours.curves["val/accuracy"][-1] > 0.6


def test_weights_are_read_whole():
    frame().assign(w=np.arange(N)).to_parquet("d.parquet")
    data = streamed(Parquet(path="d.parquet", target="target", weight="w")).load(0)
    rows = np.sort(np.concatenate([data.train.weight, data.val.weight, data.test.weight]))
    np.testing.assert_array_equal(rows, np.arange(N))
    assert "w" not in data.feature_names


@pytest.mark.parametrize(("value", "missing"), [(np.nan, "error"), (np.inf, "impute")])
def test_a_bad_value_in_any_piece_is_refused_and_nothing_stays(value, missing, folder):
    frame().assign(f3=np.where(np.arange(N) == 700, value, 0.5)).to_parquet("d.parquet")
    with pytest.raises(DataError, match=r"'f3' has 1 .* among the rows from 640 on"):
        streamed(Parquet(path="d.parquet", target="target", missing=missing)).load(0)
    assert not list((folder / "cache").rglob("*.f32"))


def test_missing_values_become_the_mean():
    frame().assign(f3=np.where(np.arange(N) % 2, np.nan, 0.5)).to_parquet("d.parquet")
    data = streamed(Parquet(path="d.parquet", target="target")).load(0)
    assert "f3 is missing" in data.feature_names
    assert np.isfinite(data.train.X[0 : len(data.train)]).all()


def test_a_cache_that_cannot_be_written_is_said(folder):
    (folder / "cache").write_text("a file")
    with pytest.raises(StorageError, match=r"larger than dataset\.max_memory is streamed from .*cannot be written"):
        streamed(npy_pair()).load(0)
