"""Tables larger than memory: the same rows, labels and features as when they are read as a whole."""

import dataclasses
import errno
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lossexp.datasets import NPY, Parquet, streaming
from lossexp.datasets.file import _table
from lossexp.datasets.preparation import Preparation
from lossexp.errors import DataError, StorageError
from lossexp.experiment import Experiment, Training
from lossexp.losses import BCE
from lossexp.rows import FileRows
from lossexp.stacking import Member
from lossexp.trained import TrainedModel
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
    with pytest.raises(DataError, match=r"'f3' has 1 .* in row 60 .*counted from row 640 of the file"):
        streamed(Parquet(path="d.parquet", target="target", missing=missing)).load(0)
    assert not list((folder / "cache").rglob("*.f32"))


def test_missing_values_become_the_mean():
    frame().assign(f3=np.where(np.arange(N) % 2, np.nan, 0.5)).to_parquet("d.parquet")
    data = streamed(Parquet(path="d.parquet", target="target")).load(0)
    assert "f3 is missing" in data.feature_names
    assert np.isfinite(data.train.X[0 : len(data.train)]).all()


def test_what_a_column_holds_is_decided_once_and_not_for_each_piece(folder):
    """Sorted files have pieces of one kind each; codes with a leading zero are no numbers."""
    third = np.arange(N) * 3 // N
    code = np.array(["01 ", "2", "x"])[third]
    flag = np.array([True, False, None], dtype=object)[third]
    label = np.array(["1", " 0", "no"])[third]
    table = frame().drop(columns=["target", "day"]).assign(code=code, flag=flag, label=label, y=Y == 1)
    table.to_parquet("d.parquet")
    for target in ("label", "y"):
        dataset = Parquet(path="d.parquet", target=target, split_seed=0)
        whole, pieces = dataset.load(0), streamed(dataset).load(0)
        assert pieces.class_names == whole.class_names
        assert pieces.feature_names == whole.feature_names
        ours, expected = pieces.train.X[0 : len(pieces.train)], whole.train.X.astype(np.float32)
        order, other = (np.lexsort(table.T[::-1]) for table in (ours, expected))
        np.testing.assert_allclose(ours[order], expected[other], rtol=1e-4, atol=1e-5)
    assert {"code=01", "code=2", "code=x", "flag", "flag is missing"} < set(pieces.feature_names)


@pytest.mark.parametrize("role", ["group", "time", "split_column"])
def test_columns_that_say_which_rows_go_where(role):
    parts = np.array(["train", "val", "test"])[np.arange(N) % 3]
    values = {"group": np.arange(N) // 10, "time": np.arange(N), "split_column": parts}[role]
    frame().assign(role=values).to_parquet("d.parquet")
    dataset = Parquet(path="d.parquet", target="target", split_seed=0, **{role: "role"})
    whole, pieces = dataset.load(0), streamed(dataset).load(0)
    assert "role" not in pieces.feature_names
    for name in ("train", "val", "test"):
        ours, expected = getattr(pieces, name), getattr(whole, name)
        first = np.sort(expected.X[:, 0].astype(np.float32))
        np.testing.assert_allclose(np.sort(ours.X[0 : len(ours)][:, 0]), first, rtol=1e-4, atol=1e-5)
        if role == "group":
            assert sorted(ours.groups) == sorted(expected.groups)


def test_a_smaller_and_noisier_training_split_shares_the_features_of_the_others(folder):
    dataset = streamed(dataclasses.replace(npy_pair(), train_size=300))
    clean, noisy = dataset.load(0), dataclasses.replace(dataset, label_noise=0.2).load(0)
    assert len(clean.train) == 300
    assert np.mean(clean.train.y != noisy.train.y) == pytest.approx(0.2, abs=0.01)
    np.testing.assert_array_equal(clean.val.y, noisy.val.y)
    assert len(list((folder / "cache" / "streamed").glob("*.lock"))) == 1


def test_a_standardized_continuous_target():
    np.save("y.npy", 1000 + 50 * X[:, 0])
    np.save("X.npy", X)
    dataset = NPY(path="X.npy", target_path="y.npy", split_seed=0, standardize_target=True)
    whole, pieces = dataset.load(0), streamed(dataset).load(0)
    assert pieces.target_mean == pytest.approx(whole.target_mean)
    assert pieces.target_scale == pytest.approx(whole.target_scale)
    np.testing.assert_allclose(np.sort(pieces.train.y), np.sort(whole.train.y), rtol=1e-6)


def test_what_was_left_half_written_is_written_again(folder):
    dataset = streamed(npy_pair())
    whole = dataset.load(0)
    (features,) = (folder / "cache" / "streamed").glob("*/split_0.f32")
    expected = features.read_bytes()
    features.write_bytes(expected[:-100])
    part = features.parent.with_suffix(".part")
    part.mkdir()
    (part / "split_0.f32").write_bytes(b"half")
    _table.cache_clear()  # as in another process
    assert dataset.load(0).fingerprint == whole.fingerprint
    assert features.read_bytes() == expected
    assert not part.exists()


def test_several_processes_at_once(folder):
    """All find the features that the first of them writes."""
    dataset = streamed(npy_pair())
    with ProcessPoolExecutor(4, multiprocessing.get_context("fork")) as pool:
        found = [pool.submit(_fingerprint, dataset) for _ in range(4)]
        assert {one.result() for one in found} == {dataset.load(0).fingerprint}
    assert len(list((folder / "cache" / "streamed").glob("*.f32"))) == 0
    assert len(list((folder / "cache" / "streamed").glob("*/split_0.f32"))) == 1


def _fingerprint(dataset):
    return dataset.load(0).fingerprint


@pytest.mark.parametrize("change", ["mtime", "shorter"])
def test_a_file_that_changes_while_it_is_read(folder, monkeypatch, change):
    dataset, original = streamed(npy_pair()), Preparation.transform

    def slow(self, table):
        if change == "mtime":
            os.utime("X.npy", (1, 1))
        else:
            Path("X.npy").write_bytes(b"another")
        return original(self, np.array(table))

    monkeypatch.setattr(Preparation, "transform", slow)
    monkeypatch.setattr(streaming, "PIECE_ROWS", 2000)  # what is mapped is read before it is changed
    with pytest.raises(DataError, match=r"X\.npy was changed while it was read"):
        dataset.load(0)
    assert not list((folder / "cache").rglob("*.f32"))


def test_a_disk_that_is_full(folder, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(streaming.os, "fsync", full)
    with pytest.raises(StorageError, match=r"cannot be written: No space left on device\. Free some space"):
        streamed(npy_pair()).load(0)
    assert not list((folder / "cache").rglob("*.f32"))


def test_a_value_that_is_not_of_its_kind_is_found_in_its_piece(monkeypatch):
    monkeypatch.setattr(streaming, "LEARNING_ROWS", 100)
    odd = np.where(np.arange(N) == 701, "abc", " 1")
    frame().assign(odd=odd).to_parquet("d.parquet")
    with pytest.raises(DataError, match=r"'odd' has 1 values that are not a number.*'abc'.*from row 640 of"):
        streamed(Parquet(path="d.parquet", target="target")).load(0)


def test_a_trained_model_predicts_for_new_rows():
    dataset = parquet()
    member = Member(Experiment(streamed(dataset), BCE(), training=Training(epochs=3)), streamed(dataset).load(0))
    (finished,) = trained(member)
    model = TrainedModel.of(member.experiment, member.data, finished.params)
    found = model.predict("d.parquet")
    assert np.mean(found == Y.astype(str)) > 0.6
    np.testing.assert_array_equal(model.predict(frame()[:5].drop(columns="target")), found[:5])


def test_columns_of_lists_are_left_out_and_that_is_said():
    frame().assign(places=[[1, 2]] * N).to_parquet("d.parquet")
    data = streamed(Parquet(path="d.parquet", target="target")).load(0)
    assert "places" not in data.feature_names
    assert any(note.startswith("places is left out: it holds list<") for note in data.card.decisions)


def test_a_cache_that_cannot_be_written_is_said(folder):
    (folder / "cache").write_text("a file")
    with pytest.raises(StorageError, match=r"larger than dataset\.max_memory is streamed from .*cannot be written"):
        streamed(npy_pair()).load(0)


@pytest.mark.parametrize("values", [X[:, 0].astype(np.float64), np.array(["u", "v"])[Y]], ids=["numbers", "text"])
def test_what_is_missing_only_in_rows_that_are_not_learned_from_has_its_feature(values, monkeypatch):
    """Otherwise a missing value would be taken for an ordinary one, as new data would that has one."""
    monkeypatch.setattr(streaming, "LEARNING_ROWS", 100)
    part = np.array(["train", "val", "test"])[np.repeat([0, 1, 2], [800, 100, 100])]
    holed = pd.Series(values).where(np.arange(N) != 401)  # of 800 training rows, every eighth is learned from
    held_out = pd.Series(X[:, 4]).where(np.arange(N) != 850)
    frame().assign(f3=holed, f4=held_out, part=part).to_parquet("d.parquet")
    data = streamed(Parquet(path="d.parquet", target="target", split_column="part")).load(0)
    features = data.train.X[0 : len(data.train)]
    np.testing.assert_array_equal(features[:, data.feature_names.index("f3 is missing")], np.arange(800) == 401)
    assert "f4 is missing" not in data.feature_names  # only a validation row lacks it
    assert np.isfinite(features).all()
