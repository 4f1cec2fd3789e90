"""Files as datasets: what their columns become, who goes into which split, and how often a file is read."""

import gzip
import struct

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import dump_svmlight_file

from lossexp.datasets import CSV, IDX, NPY, NPZ, Feather, Parquet, SVMLight, file
from lossexp.datasets.splitting import blocks
from lossexp.errors import ConfigError
from lossexp.targets import Target, Task

from .toys import parts

N = 60
RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "size": RNG.standard_normal(N).round(3),
        "colour": np.array(["red", "green", "blue"])[np.arange(N) % 3],
        "count": np.arange(N) * 7 % 50,
        "price": (np.arange(N) * 1.5 + 0.25),
        "sold": np.array(["no", "yes"])[np.arange(N) % 2],
    }
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Return the current folder, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def csv(table=TABLE, path="goods.csv", **settings):
    """Write a table and return it as a dataset."""
    table.to_csv(path, index=False)
    return CSV(path=path, **{"target": "sold", **settings})


# --- columns and target -------------------------------------------------------------------------------------


def test_numbers_and_text_become_features():
    data = csv().load(0)
    assert data.feature_names == ("size", "count", "price", "colour=blue", "colour=green", "colour=red")
    assert (data.name, data.target_name, data.class_names) == ("goods", "sold", ("no", "yes"))
    assert data.target == Target(Task.BINARY, 2)
    np.testing.assert_allclose(data.train.X[:, :3].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_array_equal(data.train.X[:, 3:].sum(axis=1), 1)
    assert abs(data.val.X[:, :3].mean(axis=0)).max() > 1e-3  # by the training rows' numbers, not by their own


def test_rows_stay_together():
    data = csv(TABLE.assign(row=np.arange(N)), target="price", standardize=False).load(3)
    where = data.feature_names.index("row")
    for split in parts(data):
        np.testing.assert_array_equal(split.y, TABLE["price"].to_numpy()[split.X[:, where].astype(int)])
    assert sorted(np.concatenate([split.X[:, where] for split in parts(data)])) == list(range(N))


@pytest.mark.parametrize(
    ("values", "task", "class_names"),
    [
        (["b", "a"] * 30, Task.BINARY, ("a", "b")),
        ([True, False] * 30, Task.BINARY, ("False", "True")),
        ([2, 10, 1] * 20, Task.MULTICLASS, ("1", "2", "10")),
        ([0.0, 1.0] * 30, Task.BINARY, ("0", "1")),
        ([0.0, 0.5] * 30, Task.REGRESSION, ()),
        (list(range(20)) * 3, Task.REGRESSION, ()),  # three rows for each value: no classes
        (list(range(60)), Task.REGRESSION, ()),
    ],
)
def test_the_task_is_seen_from_the_target(values, task, class_names):
    data = csv(TABLE.assign(sold=values)).load(0)
    assert (data.target.task, data.class_names) == (task, class_names)


def test_the_task_can_be_said():
    numbers = TABLE.assign(sold=np.arange(N) % 4)
    assert csv(numbers).load(0).target == Target(Task.MULTICLASS, 4)
    data = csv(numbers, task="regression").load(0)
    assert data.target == Target(Task.REGRESSION)
    assert data.train.y.dtype == np.float64


def test_a_target_is_found_by_position_and_a_table_without_names_has_positions():
    assert csv(target=4).load(0).target_name == "sold"
    TABLE.to_csv("goods.csv", index=False, header=False)
    data = CSV(path="goods.csv", target=3).load(0)
    assert data.feature_names == ("0", "2", "1=blue", "1=green", "1=red", "4=no", "4=yes")
    assert (data.target_name, data.target.task) == ("3", Task.REGRESSION)


def test_columns_can_be_left_out():
    assert csv(drop=["colour", 2]).load(0).feature_names == ("size", "price")


def test_missing_features_are_filled_and_said():
    table = TABLE.assign(size=TABLE["size"].where(TABLE.index % 5 > 0))
    data = csv(table).load(0)
    indicator = data.train.X[:, data.feature_names.index("size is missing")]
    np.testing.assert_array_equal(data.train.X[indicator == 1, 0], 0)
    assert 0 < indicator.sum() < len(indicator)


def test_a_standardized_target_can_be_undone():
    plain, scaled = (csv(target="price", standardize_target=flag).load(0) for flag in (False, True))
    np.testing.assert_allclose(scaled.test.y * scaled.target_scale + scaled.target_mean, plain.test.y, rtol=1e-12)
    assert (plain.target_mean, plain.target_scale) == (0, 1)


# --- splits -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_splits_do_not_share_a_group(seed):
    data = csv(TABLE.assign(shop=np.arange(N) // 4, row=np.arange(N)), group="shop", standardize=False).load(seed)
    row = data.feature_names.index("row")
    shops = [set(split.X[:, row].astype(int) // 4) for split in parts(data)]
    assert all(not one & other for one, other in zip(shops, shops[1:] + shops[:1], strict=True))
    assert [len(split) for split in parts(data)] == [36, 12, 12]
    assert "shop" not in data.feature_names
    for split in parts(data):
        np.testing.assert_array_equal(split.groups, split.X[:, row].astype(int) // 4)


def test_time_goes_from_train_to_test_and_one_time_is_in_one_split():
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(N) * 37 % N // 3, unit="D")
    table = TABLE.assign(day=day, row=np.arange(N) * 37 % N // 3)
    data = csv(table, time="day", standardize=False).load(1)
    train, val, test = (split.X[:, data.feature_names.index("row")] for split in parts(data))
    assert train.max() < val.min()
    assert val.max() < test.min()
    for split, time in zip(parts(data), (train, val, test), strict=True):
        np.testing.assert_array_equal(split.groups, blocks(time))
    assert (len(train), len(val), len(test)) == (36, 12, 12)


def test_a_column_can_say_the_split():
    said = np.array(["train", "Validation", "TEST"])[np.minimum(np.arange(N) % 5, 2)]
    data = csv(TABLE.assign(part=said, row=np.arange(N)), split_column="part", standardize=False).load(0)
    row = data.feature_names.index("row")
    assert [set(split.X[:, row].astype(int) % 5) for split in parts(data)] == [{0}, {1}, {2, 3, 4}]


def test_files_can_be_the_splits():
    TABLE[40:].to_csv("test.csv", index=False)
    TABLE[30:40].to_csv("val.csv", index=False)
    given = csv(TABLE[:30], val_path="val.csv", test_path="test.csv").load(0)
    assert [len(split) for split in parts(given)] == [30, 10, 20]
    drawn = csv(TABLE[:30], test_path="test.csv").load(0)  # a fifth of the training rows is for validation
    assert [len(split) for split in parts(drawn)] == [24, 6, 20]


def test_weights_go_with_their_rows():
    data = csv(TABLE.assign(w=TABLE["price"] * 2), target="price", weight="w").load(0)
    for split in parts(data):
        np.testing.assert_array_equal(split.weight, split.y * 2)
    assert "w" not in data.feature_names
    assert csv(TABLE.assign(w=1.0), weight="w").load(0).fingerprint != csv().load(0).fingerprint


@pytest.mark.parametrize(
    "both",
    [
        {"group": "size", "time": "count"},
        {"split_column": "size", "test_path": "x"},
        {"split_column": 1, "val_path": "x"},
    ],
)
def test_two_ways_to_split_are_refused(both):
    with pytest.raises(ConfigError, match="both say which rows go where"):
        CSV(path="goods.csv", target="sold", **both)


# --- formats ------------------------------------------------------------------------------------------------


def test_parquet_and_feather_hold_what_csv_holds():
    expected = csv().load(0)
    TABLE.to_parquet("goods.parquet")
    TABLE.astype({"colour": "category"}).to_feather("goods.feather")
    for found in (Parquet(path="goods.parquet", target="sold"), Feather(path="goods.feather", target="sold")):
        data = found.load(0)
        assert data.fingerprint == expected.fingerprint
        assert data.feature_names == expected.feature_names
        assert data.preparation == expected.preparation


X = RNG.standard_normal((N, 4))
Y = (X[:, 0] > 0).astype(int)


def test_arrays_of_numpy():
    np.savez("a.npz", X=X, y=Y, w=np.arange(N) + 1.0, pictures=X.reshape(N, 2, 2))
    np.save("X.npy", X)
    np.save("y.npy", Y)
    np.save("Xy.npy", np.column_stack([X, Y]))
    expected = NPZ(path="a.npz").load(0)
    assert (expected.feature_names, expected.class_names) == (("x0", "x1", "x2", "x3"), ("0", "1"))
    same = (
        NPY(path="X.npy", target_path="y.npy"),
        NPY(path="Xy.npy", target=4),
        NPZ(path="a.npz", features="pictures"),
    )
    for dataset in same:
        assert dataset.load(0).fingerprint == expected.fingerprint
    weight = NPZ(path="a.npz", weight="w").load(0).train.weight
    assert sorted(weight.tolist()) == sorted(set(weight.tolist()) & set(range(1, N + 1)))


def test_a_file_of_targets_needs_its_partner():
    with pytest.raises(ConfigError, match=r"dataset\.test_path and dataset\.test_target_path belong together"):
        NPY(path="X.npy", target_path="y.npy", test_path="T.npy")


def test_idx_files_with_a_test_file():
    for name, part in (("train", slice(0, 40)), ("test", slice(40, N))):
        pixels, labels = (np.abs(X[part]) * 50).astype(np.uint8).reshape(-1, 2, 2), Y[part].astype(np.uint8)
        with gzip.open(f"{name}-images.gz", "wb") as images:
            images.write(struct.pack(">BBBBiii", 0, 0, 8, 3, *pixels.shape) + pixels.tobytes())
        with open(f"{name}-labels", "wb") as written:
            written.write(struct.pack(">BBBBi", 0, 0, 8, 1, len(labels)) + labels.tobytes())
    data = IDX(
        path="train-images.gz",
        target_path="train-labels",
        test_path="test-images.gz",
        test_target_path="test-labels",
    ).load(0)
    assert [split.X.shape for split in parts(data)] == [(32, 4), (8, 4), (20, 4)]
    assert np.bincount(data.test.y).tolist() == np.bincount(Y[40:]).tolist()


def test_svmlight_stays_sparse_and_is_only_scaled():
    rows = sparse.csr_array(np.where(np.abs(X) > 1, X, 0))
    dump_svmlight_file(rows, Y, "goods.svm", zero_based=False)
    data = SVMLight(path="goods.svm").load(0)
    assert data.class_names == ("0", "1")
    assert all(sparse.issparse(split.X) and split.X.format == "csr" for split in parts(data))
    assert data.train.X.dtype == np.float64
    np.testing.assert_array_equal(np.abs(data.train.X.toarray()).max(axis=0), 1)
    assert sum(split.X.nnz for split in parts(data)) == rows.nnz
    assert len(data.fingerprint) == 64


def test_svmlight_files_of_different_width_are_put_together():
    with open("a.svm", "w") as train, open("b.svm", "w") as test:
        train.writelines(f"{row % 2} 1:{row} 3:1\n" for row in range(20))
        test.writelines(f"{row % 2} 5:{row}\n" for row in range(10))
    data = SVMLight(path="a.svm", test_path="b.svm").load(0)
    assert [split.X.shape[1] for split in parts(data)] == [5, 5, 5]


# --- one file, many runs ------------------------------------------------------------------------------------


def test_a_file_is_read_once_for_all_runs_and_again_when_it_has_changed(monkeypatch):
    dataset = csv()
    read = []
    monkeypatch.setattr(
        file, "joined", lambda contents, paths, joined=file.joined: read.append(paths) or joined(contents, paths)
    )
    for seed in range(4):
        dataset.load(seed)
        csv_noisy = CSV(path="goods.csv", target="sold", label_noise=0.1, val_fraction=0.3)
        csv_noisy.load(seed)
    assert len(read) == 1
    csv(TABLE[:50]).load(0)
    assert len(read) == 2


def test_the_path_is_relative_to_the_current_folder(folder, monkeypatch):
    dataset = csv()
    expected = dataset.load(0).fingerprint
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    csv(TABLE[:30]).load(0)
    assert dataset.load(0).fingerprint != expected


@pytest.mark.parametrize(
    ("path", "name"),
    [("a/b.csv", "b"), ("b.csv.gz", "b"), ("b.2024.csv", "b.2024"), ("b", "b"), ("b.gz", "b"), (".csv", ".csv")],
)
def test_a_dataset_is_called_like_its_file(path, name):
    assert CSV(path=path, target="y").name == name


def test_penguins(shared_data):
    """344 penguins with missing values in numbers and in text; species is nearly separable (Horst et al., 2020)."""
    data = CSV(path=str(shared_data / "penguins" / "penguins.csv"), target="species").load(0)
    assert data.class_names == ("Adelie", "Chinstrap", "Gentoo")
    assert (data.card.rows, data.card.classes) == (344, {"Adelie": 152, "Chinstrap": 68, "Gentoo": 124})
    assert data.card.missing == {
        "bill_length_mm": 2,
        "bill_depth_mm": 2,
        "flipper_length_mm": 2,
        "body_mass_g": 2,
        "sex": 11,
    }


def test_adult(shared_data):
    """No names, a space after each comma, ? for missing; 24720 of 32561 earn at most 50K (adult.names)."""
    data = CSV(path=str(shared_data / "adult" / "adult-train.csv"), target=14).load(0)
    assert data.class_names == ("<=50K", ">50K")
    assert data.card.classes == {"<=50K": 24720, ">50K": 7841}
    assert data.card.missing == {"1": 1836, "6": 1843, "13": 583}
