"""MNIST and Fashion-MNIST: their files, their official test split, their pixels."""

import numpy as np
import pytest

from lossexp.datasets import MNIST, FashionMNIST, images
from lossexp.errors import DataError

from .idx_files import write_idx
from .toys import parts

NAMES = [name.removesuffix(".gz") for name in MNIST.publication.digests]


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder with files in the form of MNIST of 60 training and 20 test pictures, whose first pixel counts them."""
    monkeypatch.setattr(images, "_ROWS", {"train": 60, "test": 20})
    monkeypatch.setattr(FashionMNIST, "content", (None,) * 4)
    for (pictures, labels), n, first in zip((NAMES[:2], NAMES[2:]), (60, 20), (0, 60), strict=True):
        pixels = np.random.default_rng(first).integers(0, 256, (n, 28, 28), dtype=np.uint8)
        pixels[:, 0, 0] = first + np.arange(n)
        write_idx(tmp_path / pictures, pixels)
        write_idx(tmp_path / f"{labels}.gz", (np.arange(n) % 10).astype(np.uint8))
    return tmp_path


def loaded(root, seed=0, **settings):
    return FashionMNIST(root=str(root), **settings).load(seed)


def numbers(split):
    """Return which pictures a split has."""
    return np.rint(split.X[:, 0] * 255).astype(int).tolist()


def test_the_test_split_is_the_official_one_and_validation_rows_come_from_training(root):
    for seed in (0, 1):
        train, val, test = parts(loaded(root, seed))
        assert sorted(numbers(test)) == list(range(60, 80))
        assert sorted(numbers(train) + numbers(val)) == list(range(60))
        assert len(val) == 12
        for split in (train, val, test):
            np.testing.assert_array_equal(split.y, np.array(numbers(split)) % 10)
    assert set(numbers(loaded(root, 0).val)) != set(numbers(loaded(root, 1).val))


def test_pixels_are_divided_by_white_and_keep_little_memory(root):
    (train, _, _), (by_256, _, _) = parts(loaded(root)), parts(loaded(root, white=256))
    assert train.X.dtype == np.float32
    assert train.X.max() == 1
    assert train.X.min() == 0
    np.testing.assert_allclose(by_256.X, train.X * (255 / 256), rtol=1e-6)


def test_standardized_pixels_do_not_depend_on_white(root):
    one, other = (loaded(root, standardize=True, white=white).train.X for white in (255, 1))
    np.testing.assert_allclose(one, other, rtol=1e-6)
    np.testing.assert_allclose(one.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(one.std(axis=0), 1, rtol=1e-5)


def test_new_pictures_are_divided_by_white_as_well(root):
    data = loaded(root)
    new = np.full((1, 784), 51, dtype=np.uint8)
    np.testing.assert_allclose(data.preparation.transform(new), 0.2, rtol=1e-6)


def test_names(root):
    data = loaded(root)
    assert data.feature_names[:2] == ("pixel_0_0", "pixel_0_1")
    assert data.feature_names[-1] == "pixel_27_27"
    assert (data.name, data.target_name, data.class_names[9]) == ("fashion_mnist", "label", "Ankle boot")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        (NAMES[0], np.zeros((60, 28, 27), np.uint8), r"expected \(60, 28, 28\) of bytes"),
        (NAMES[2], np.zeros((60, 28, 28), np.uint8), r"expected \(20, 28, 28\) of bytes"),
        (NAMES[1], np.zeros(60, np.int32), r"\(60,\) of int32; expected"),
        (NAMES[1], np.zeros(60, np.uint8), "does not have the labels 0 to 9"),
        (NAMES[3], np.arange(20, dtype=np.uint8), "does not have the labels 0 to 9"),
    ],
)
def test_the_wrong_file_is_refused(root, name, array, message):
    (root / f"{name}.gz").unlink(missing_ok=True)
    write_idx(root / name, array)
    with pytest.raises(DataError, match=message):
        loaded(root)


@pytest.mark.parametrize("dataset", [MNIST, FashionMNIST])
def test_other_pictures_are_refused(root, monkeypatch, dataset):
    monkeypatch.undo()
    with pytest.raises(DataError, match="train-images-idx3-ubyte has other content than was published"):
        dataset(root=str(root)).load(0)


def test_mnist_is_not_taken_for_clothes(shared_data):
    with pytest.raises(DataError, match="other content than was published"):
        FashionMNIST(root=str(shared_data / "mnist")).load(0)


def test_mnist(shared_data):
    """The first labels as anybody's picture of them shows, and the number of test pictures of each digit."""
    folder = shared_data / "mnist"
    train, val, test = parts(MNIST(root=str(folder)).load(0))
    assert (len(train), len(val), len(test)) == (48_000, 12_000, 10_000)
    assert np.bincount(test.y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    table = MNIST(root=str(folder)).table(np.random.default_rng(0))
    assert table.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert table.X[:60_000].mean() / 255 == pytest.approx(0.1307, abs=5e-5)  # known from many a normalisation
