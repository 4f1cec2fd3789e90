import re

import numpy as np
import pytest

from lossexp.datasets.table import Table
from lossexp.errors import DataError
from lossexp.targets import Target, Task

TWO = Target(Task.BINARY, 2)
REAL = Target(Task.REGRESSION)
X = np.arange(6.0).reshape(3, 2)


def test_a_sound_table_passes():
    Table(X, np.array([0, 1, 1]), ("a", "b"), ("no", "yes")).check("mine", TWO)
    Table(X, np.array([0.5, 1, -1]), ("a", "b")).check("mine", REAL)


@pytest.mark.parametrize("shape", [(3, 1), (2,)])
def test_shapes_that_would_broadcast_are_refused_with_both(shape):
    both = re.escape(f"dataset=mine: features (3, 2) and targets {shape} do not fit together")
    with pytest.raises(DataError, match=both):
        Table(X, np.zeros(shape), ("a", "b")).check("mine", REAL)


@pytest.mark.parametrize(("features", "classes"), [(("a",), ("no", "yes")), (("a", "b"), ("no",))])
def test_names_must_match_columns_and_classes(features, classes):
    with pytest.raises(DataError, match="feature names and .* class names, for 2 columns and two classes"):
        Table(X, np.array([0, 1, 1]), features, classes).check("mine", TWO)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_located(value):
    spoilt = X.copy()
    spoilt[1:, 1] = value
    with pytest.raises(DataError, match=r"column 'b' has 2 missing or infinite values, the first in row 1 "):
        Table(spoilt, np.zeros(3), ("a", "b")).check("mine", REAL)
    with pytest.raises(DataError, match="column 'target' has 1 "):
        Table(X, np.array([0, 1, value]), ("a", "b")).check("mine", REAL)


@pytest.mark.parametrize(
    ("labels", "seen"), [([-1, 1, 1], "-1, 1 "), ([0, 1, 2], "0, 1, 2 "), ([0.0, 0.5, 1.0], "0.0, 0.5, 1.0 ")]
)
def test_labels_outside_the_classes_are_listed(labels, seen):
    with pytest.raises(DataError, match=f"class labels are {seen}.*expected whole numbers from 0 to 1"):
        Table(X, np.array(labels), ("a", "b"), ("no", "yes")).check("mine", TWO)
