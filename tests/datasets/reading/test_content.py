"""Rows of several files, put together."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from lossexp.datasets.reading.content import FROM_ZERO, Content, joined
from lossexp.errors import DataError

PATHS = [Path("train.csv"), Path("val.csv")]
DAYS = pd.to_datetime(["2024-01-31", None])


def together(*columns):
    contents = [Content(pd.DataFrame({"a": column})) for column in columns]
    return joined(contents, PATHS).named["a"]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1, 2], [0.5, np.nan], [1, 2, 0.5, np.nan]),
        ([True, False], [np.nan, 1.0], [1, 0, np.nan, 1]),
        ([np.nan, np.nan], [True, False], [np.nan, np.nan, 1, 0]),
        (["u", "v"], [np.nan, np.nan], ["u", "v", np.nan, np.nan]),
        (DAYS, [np.nan, np.nan], [*DAYS, pd.NaT, pd.NaT]),
        ([np.nan, np.nan], DAYS, [pd.NaT, pd.NaT, *DAYS]),
    ],
)
def test_values_of_one_kind(first, second, expected):
    found = together(first, second)
    pd.testing.assert_series_equal(found, pd.Series(expected), check_names=False)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([1, 2], ["x", "y"], r"'a' has numbers in train\.csv and text in val\.csv"),
        (["01", "x"], [1, 2], r"'a' has text in train\.csv and numbers in val\.csv"),
        (DAYS, ["soon", "late"], r"'a' has dates in train\.csv and text in val\.csv"),
        ([True, False], ["x", "y"], "'a' has numbers"),
    ],
)
def test_values_of_two_kinds_are_refused(first, second, message):
    """Otherwise one word in a small file would make categories of all numbers."""
    with pytest.raises(DataError, match=message):
        together(first, second)


def test_features_are_numbered_in_one_way_in_all_files():
    """A feature 0 that only one file has moves those of the others as well."""
    one, other = sparse.csr_matrix([[0.0, 1.0, 2.0]]), sparse.csr_matrix([[5.0, 3.0]])
    named = pd.DataFrame({"label": [0]})
    found = joined([Content(named, one.copy()), Content(named, other)], PATHS)
    assert found.inputs.toarray().tolist() == [[0, 1, 2], [5, 3, 0]]
    assert found.notes == (FROM_ZERO,)
    alone = joined([Content(named, one)], PATHS[:1])
    assert alone.inputs.toarray().tolist() == [[1, 2]]
    assert alone.notes == ()
