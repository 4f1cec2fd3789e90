"""From columns to features: held equal to scikit-learn, learned on training rows alone, saved as JSON."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, StandardScaler

from lossexp.datasets.preparation import MAX_CATEGORIES, Preparation
from lossexp.errors import DataError

TRAIN = pd.DataFrame(
    {
        "age": [20, 30, 40, 50],
        "pay": [1.5, np.nan, 2.5, 8.0],
        "town": ["Rome", "Oslo", None, "Rome"],
        "day": pd.to_datetime(["2024-01-01", "2024-01-08", None, "2024-03-04"]),
    }
)


def learned(table=TRAIN, **settings):
    return Preparation.learned(table, list(table.columns), **{"standardize": True, **settings})


def test_numbers_and_categories_equal_those_of_scikit_learn():
    columns = ["age", "pay", "town"]
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    theirs = ColumnTransformer([("n", numbers, ["age", "pay"]), ("c", categories, ["town"])]).fit(
        TRAIN[columns].fillna({"town": "none"})
    )
    new = pd.DataFrame({"age": [25, 35], "pay": [np.nan, 3.0], "town": ["Oslo", "Bonn"]})
    expected = theirs.transform(new)
    ours = learned(TRAIN[columns])
    assert ours.feature_names == ("age", "pay", "pay is missing", "town is missing", "town=Oslo", "town=Rome")
    found = ours.transform(new)
    np.testing.assert_allclose(found[:, :2], expected[:, :2], rtol=1e-12)
    np.testing.assert_array_equal(found[:, 2:4], [[1, 0], [0, 0]])
    np.testing.assert_array_equal(found[:, 4:], expected[:, 2:4])


def test_dates_are_days_and_the_parts_that_vary():
    prepared = learned(TRAIN[["day"]], standardize=False)
    assert prepared.feature_names == ("day (days)", "day (month)", "day is missing")  # all are Mondays at midnight
    found = prepared.transform(pd.DataFrame({"day": ["1970-01-02 12:00", None]}))
    np.testing.assert_array_equal(found[0], [1.5, 1, 0])
    mean = (pd.to_datetime(["2024-01-01", "2024-01-08", "2024-03-04"]) - pd.Timestamp(0)).days.to_numpy().mean()
    np.testing.assert_allclose(found[1], [mean, 5 / 3, 1], rtol=1e-12)


def test_without_standardize_numbers_stay_as_they_are():
    found = learned(standardize=False).transform(TRAIN)
    np.testing.assert_array_equal(found[:, 0], TRAIN["age"])
    np.testing.assert_array_equal(found[:, 1], [1.5, 4.0, 2.5, 8.0])


def test_the_order_of_columns_does_not_matter():
    prepared = learned()
    np.testing.assert_array_equal(prepared.transform(TRAIN[TRAIN.columns[::-1]]), prepared.transform(TRAIN))


def test_it_survives_json():
    prepared = learned(unused=["target"])
    again = Preparation.from_dict(json.loads(json.dumps(prepared.to_dict())))
    assert again == prepared
    np.testing.assert_array_equal(again.transform(TRAIN), prepared.transform(TRAIN))


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, (7, 3), elements=st.floats(-1e9, 1e9) | st.just(np.nan)))
def test_an_array_and_a_table_are_prepared_alike_and_never_hold_a_missing_value(X):
    names = ["a", "b", "c"]
    of_array = Preparation.learned(X, names, standardize=True)
    table = pd.DataFrame(X, columns=names)
    of_table = learned(table)
    assert of_array == of_table
    np.testing.assert_array_equal(of_array.transform(X), of_table.transform(table))
    assert np.isfinite(of_array.transform(X)).all()


def test_the_rows_given_are_not_changed():
    X = np.array([[1.0, np.nan], [3.0, 4.0]])
    before, table = X.copy(), TRAIN.copy()
    Preparation.learned(X, ["a", "b"], standardize=True).transform(X)
    learned().transform(TRAIN)
    np.testing.assert_array_equal(X, before)
    pd.testing.assert_frame_equal(TRAIN, table)


def test_a_sparse_matrix_is_scaled_and_stays_sparse():
    X = sparse.random(200, 5, density=0.2, format="csr", rng=np.random.default_rng(0))
    prepared = Preparation.learned(X, list("abcde"), standardize=True)
    found = prepared.transform(X)
    assert sparse.issparse(found)
    assert found.nnz == X.nnz
    np.testing.assert_allclose(found.toarray(), MaxAbsScaler().fit_transform(X).toarray(), rtol=1e-12)
    np.testing.assert_allclose(prepared.transform(X.toarray()), found.toarray(), rtol=1e-12)


def test_unseen_categories_are_zeros_and_counted():
    new = TRAIN.assign(town=["Bonn", None, "Oslo", "Bern"])
    prepared = learned()
    one_hot = prepared.transform(new)[:, -2:]
    np.testing.assert_array_equal(one_hot, [[0, 0], [0, 0], [1, 0], [0, 0]])
    assert prepared.unseen(new) == {"town": 2}
    assert prepared.unseen(TRAIN) == {}


def test_whole_numbers_as_categories_are_the_same_as_integers_and_floats():
    prepared = learned(pd.DataFrame({"zip": ["1", "2", "x"]}))
    for values in ([1, 2], [1.0, 2.0], ["1", "2"]):
        np.testing.assert_array_equal(prepared.transform(pd.DataFrame({"zip": values})), [[1, 0, 0], [0, 1, 0]])


def test_white_space_around_a_category_does_not_make_another_one():
    """Files are read without it; a table that pandas has read from one may have it."""
    table = pd.DataFrame({"c": ["x", "y", "x"]})
    prepared, spaced = learned(table), pd.DataFrame({"c": [" x", "y\t", "x"]})
    np.testing.assert_array_equal(prepared.transform(spaced), prepared.transform(table))


def test_only_the_most_frequent_categories_have_a_feature():
    words = [f"w{place:03d}" for place in range(MAX_CATEGORIES + 5) for _ in range(1 + (place >= 5))]
    names = learned(pd.DataFrame({"word": words})).feature_names
    assert names == tuple(f"word=w{place:03d}" for place in range(5, MAX_CATEGORIES + 5))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (TRAIN.drop(columns="pay"), r"The data lacks pay\. Expected are the columns age, pay, town, day"),
        (TRAIN.assign(wage=1), r"The data has wage, not known from training\."),
        (TRAIN.rename(columns={"pay": "payy"}), r"lacks pay\. Did you mean payy\? It has payy, not known"),
        (TRAIN.assign(age="x"), r"Column 'age' has 4 values that are not a number, the first in row 0 .*: 'x'"),
        (TRAIN.assign(day="soon"), r"Column 'day' has 4 values that are not a date such as 2024-12-31"),
        (TRAIN.assign(pay=np.inf), r"column 'pay' has 4 missing or infinite values"),
        (np.zeros((2, 3)), r"An array with 3 columns was given; expected the columns age, pay, town, day"),
    ],
)
def test_rows_with_other_columns_or_values_are_refused_by_name(table, message):
    with pytest.raises(DataError, match=message):
        learned().transform(table)


def test_other_columns_of_the_file_may_be_there():
    prepared = learned(unused=["target", "weight"])
    np.testing.assert_array_equal(prepared.transform(TRAIN.assign(target=1)), prepared.transform(TRAIN))


def test_arrays_need_neither_pandas_nor_scikit_learn():
    program = "from lossexp.datasets import Digits; import sys; Digits().load(0); "
    program += "assert not {'pandas', 'sklearn', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
