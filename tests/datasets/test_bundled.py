"""The bundled datasets, held equal to what scikit-learn returns."""

import subprocess
import sys

import numpy as np
import pytest
import sklearn.datasets

from lossexp.datasets import BreastCancer, Diabetes, Digits, Iris, Wine, bundled
from lossexp.errors import DataError

LOADERS = {
    BreastCancer: sklearn.datasets.load_breast_cancer,
    Digits: sklearn.datasets.load_digits,
    Iris: sklearn.datasets.load_iris,
    Wine: sklearn.datasets.load_wine,
}


@pytest.mark.parametrize("kind", LOADERS)
def test_numbers_and_names_equal_those_of_scikit_learn(kind):
    theirs = LOADERS[kind]()
    ours = kind().table(np.random.default_rng(0))
    np.testing.assert_array_equal(ours.X, theirs.data)
    np.testing.assert_array_equal(ours.y, theirs.target)
    assert ours.feature_names == tuple(theirs.feature_names)
    assert ours.class_names == tuple(map(str, theirs.target_names))
    assert ours.target.n_classes == len(theirs.target_names)


def test_diabetes_equals_that_of_scikit_learn():
    theirs = sklearn.datasets.load_diabetes()
    ours = Diabetes().table(np.random.default_rng(0))
    np.testing.assert_allclose(ours.X, theirs.data, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(ours.y, theirs.target)
    assert ours.feature_names == tuple(theirs.feature_names)


def test_digits_without_a_test_split_has_the_usual_1437_training_rows():
    assert len(Digits(test_fraction=0).load(0).train) == 1437


def test_scikit_learn_is_not_imported_to_read_its_files():
    load = "from lossexp.datasets import Digits; Digits().load(0)"
    program = f"{load}; import sys; assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_missing_file_is_named():
    with pytest.raises(DataError, match=r"Cannot read .*datasets.data.no_such\.csv.*install it again"):
        bundled.read_bundled("no_such.csv")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(bundled, "find_spec", lambda name: None)
    with pytest.raises(DataError, match="pip install scikit-learn"):
        bundled.read_bundled("iris-not-read-before.csv")
