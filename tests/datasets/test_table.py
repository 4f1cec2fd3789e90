import re

import numpy as np
import pytest

from lossexp.datasets.table import Table
from lossexp.errors import DataError
from lossexp.targets import Target, Task

X = np.arange(6.0).reshape(3, 2)


@pytest.mark.parametrize(
    ("class_names", "target"),
    [
        ((), Target(Task.REGRESSION)),
        (("no", "yes"), Target(Task.BINARY, 2)),
        (("a", "b", "c"), Target(Task.MULTICLASS, 3)),
    ],
)
def test_class_names_say_what_is_predicted(class_names, target):
    assert Table(X, np.zeros(3), ("a", "b"), class_names).target == target


def test_a_sound_table_passes():
    Table(X, np.array([0, 1, 1]), ("a", "b"), ("no", "yes")).check("mine")
    Table(X, np.array([0.5, 1, -1]), ("a", "b")).check("mine")


@pytest.mark.parametrize("shape", [(3, 1), (2,)])
def test_shapes_that_would_broadcast_are_refused_with_both(shape):
    both = re.escape(f"mine: features (3, 2) and targets {shape} do not fit together")
    with pytest.raises(DataError, match=both):
        Table(X, np.zeros(shape), ("a", "b")).check("mine")


def test_names_must_match_columns():
    with pytest.raises(DataError, match="mine: 1 names for 2 columns; expected one for each"):
        Table(X, np.array([0, 1, 1]), ("a",), ("no", "yes")).check("mine")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_located(value):
    spoilt = X.copy()
    spoilt[1:, 1] = value
    with pytest.raises(DataError, match=r"column 'b' has 2 missing or infinite values, the first in row 1 "):
        Table(spoilt, np.zeros(3), ("a", "b")).check("mine")
    with pytest.raises(DataError, match="column 'target' has 1 "):
        Table(X, np.array([0, 1, value]), ("a", "b")).check("mine")


@pytest.mark.parametrize(
    ("labels", "seen"), [([-1, 1, 1], "-1, 1 "), ([0, 1, 2], "0, 1, 2 "), ([0.0, 0.5, 1.0], "0.0, 0.5, 1.0 ")]
)
def test_labels_outside_the_classes_are_listed(labels, seen):
    with pytest.raises(DataError, match=f"class labels are {seen}.*expected whole numbers from 0 to 1"):
        Table(X, np.array(labels), ("a", "b"), ("no", "yes")).check("mine")
