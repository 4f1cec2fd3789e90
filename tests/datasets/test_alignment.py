"""New rows come as tables, lists and arrays, with names and without."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from lossexp.datasets.alignment import aligned
from lossexp.datasets.preparation import Preparation
from lossexp.errors import DataError

ROWS = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [5.0, 6.0, 9.0], "colour": ["red", "blue", "red"]})
NAMED = Preparation.learned(ROWS, ["a", "b", "colour"], standardize=True, unused=("y",))
NUMBERS = Preparation.learned(ROWS[["a", "b"]].to_numpy(), ["a", "b"], standardize=True, unused=("y",))
UNNAMED = Preparation.learned(ROWS.set_axis(["0", "2", "3"], axis=1), ["0", "2", "3"], standardize=True, unused="14")
"""Of five columns without names, that at 1 is the target and that at 4 was left out."""


def same(rows, preparation):
    expected = ROWS if preparation is NAMED else ROWS.set_axis(["0", "2", "3"], axis=1)
    np.testing.assert_array_equal(preparation.transform(aligned(rows, preparation)), preparation.transform(expected))


@pytest.mark.parametrize(
    "rows",
    [
        ROWS,
        ROWS[["colour", "b", "a"]].assign(y=1),
        ROWS.astype(object),
        ROWS.convert_dtypes(),
        ROWS.convert_dtypes(dtype_backend="pyarrow"),
        ROWS.astype({"colour": "category"}),
        ROWS.set_index([[7, 5, 3]]),
        ROWS.to_dict("list"),
        ROWS.to_dict("records"),
        ROWS.to_numpy(),
        ROWS.to_numpy().tolist(),
        ROWS.to_numpy().astype(str),
    ],
)
def test_a_table_however_it_is_held(rows):
    same(rows, NAMED)


def test_what_is_missing_in_a_list_of_rows_is_missing():
    training = pd.DataFrame({"a": [1.0, 2.0, np.nan], "code": [1, np.nan, 2], "colour": ["red", None, "nan"]})
    training["code"] = training["code"].map({1: "1", 2: "2"})
    preparation = Preparation.learned(training, list(training), standardize=True)
    rows = [[1.0, 1.0, "red"], [np.nan, None, None], (2, 2, np.nan)]
    expected = pd.DataFrame({"a": [1.0, np.nan, 2.0], "code": ["1", None, "2"], "colour": ["red", None, None]})
    found = preparation.transform(aligned(rows, preparation))
    np.testing.assert_array_equal(found, preparation.transform(expected))


def test_one_record_is_no_table():
    with pytest.raises(DataError, match=r"The rows are no table.*of one record, a list: \[record\]"):
        aligned({"a": 1.0, "b": 5.0, "colour": "red"}, NAMED)


def test_arrays_of_numbers_stay_as_they_are():
    array = ROWS[["a", "b"]].to_numpy()
    assert aligned(array, NUMBERS) is array
    assert aligned(array.tolist(), NUMBERS).tolist() == array.tolist()
    matrix = sparse.csr_matrix(array)
    assert aligned(matrix, NUMBERS) is matrix


def test_without_names_positions_are_those_of_the_training_rows():
    whole = ROWS.assign(target=7, left_out=8)[["a", "target", "b", "colour", "left_out"]]
    for rows in (whole, ROWS):
        same(rows.to_numpy(), UNNAMED)
        same(rows.set_axis(range(rows.shape[1]), axis=1), UNNAMED)
        same(rows.to_numpy().tolist(), UNNAMED)


@pytest.mark.parametrize(
    ("rows", "preparation", "message"),
    [
        (ROWS.iloc[0], NAMED, r"Rows of the shape \(3,\) were given; expected a table"),
        (None, NAMED, r"Rows of the shape \(\) were given"),
        ([[1, 2], [3]], NAMED, "The rows are no table: .*Expected rows of equal length"),
        ({"a": [1], "b": [2, 3]}, NAMED, "The rows are no table: .*Expected columns of equal length"),
        (pd.concat([ROWS, ROWS[["a"]]], axis=1), NAMED, "has the column 'a' more than once"),
        (ROWS.set_axis(range(3), axis=1), NAMED, "lacks a, b, colour.* has 0, 1, 2, not known from training"),
        (ROWS[["a", "b"]].to_numpy(), NAMED, "An array with 2 columns was given; expected the columns a, b, colour"),
        (np.zeros((2, 4)), UNNAMED, "has 4 columns without names; expected the 5 of the training rows, or the 3 that"),
        (pd.DataFrame(np.zeros((2, 4))), UNNAMED, "which are at 0, 2, 3, counted from 0"),
        (ROWS.assign(a="abc"), NAMED, "Column 'a' has 3 values that are not a number, the first in row 0"),
        (ROWS.assign(a=pd.Timestamp("2024-01-01")), NAMED, "Column 'a' has 3 values that are not a number"),
        (ROWS.assign(a=1j), NAMED, "Column 'a' has 3 values that are not a number"),
    ],
)
def test_what_is_no_such_table_is_refused(rows, preparation, message):
    with pytest.raises(DataError, match=message):
        preparation.transform(aligned(rows, preparation))
