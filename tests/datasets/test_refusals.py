"""Settings and tables that a dataset refuses, and what it says."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from lossexp.components import InvalidValueError
from lossexp.datasets import Diabetes
from lossexp.errors import DataError

from .toys import Classes, Values


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("val_fraction", 0),
        ("val_fraction", 1),
        ("val_fraction", float("nan")),
        ("test_fraction", -0.1),
        ("test_fraction", 1),
        ("train_size", 0),
        ("train_size", -3),
        ("train_size", 1.5),
        ("train_size", True),
        ("label_noise", 1.1),
        ("label_noise", -0.1),
        ("outliers", 2),
        ("imbalance", 0.5),
        ("imbalance", float("inf")),
        ("split_seed", -1),
        ("noise_seed", 1.5),
        ("stratify", 1),
    ],
)
def test_values_outside_their_domain_are_refused(field, value):
    with pytest.raises(InvalidValueError, match=f"{field}="):
        Classes(**{field: value})


@pytest.mark.parametrize(("val", "test"), [(0.5, 0.5), (0.9, 0.2), (0.7, 0.3)])
def test_fractions_must_leave_something_to_train_on(val, test):
    with pytest.raises(InvalidValueError, match=f"test_fraction={test} is not allowed: .* since val_fraction={val}"):
        Classes(val_fraction=val, test_fraction=test)


def test_outliers_on_classes_name_the_setting_that_was_meant():
    with pytest.raises(DataError, match=r"dataset.outliers=0.1 .*has 3 classes.*dataset.label_noise=0.1"):
        Classes(outliers=0.1).load(0)


def test_settings_for_the_other_kind_of_target_are_refused():
    with pytest.raises(DataError, match=r"dataset.standardize_target=True does not fit dataset=classes"):
        Classes(standardize_target=True).load(0)
    with pytest.raises(DataError, match=r"dataset.imbalance=2.0 does not fit dataset=diabetes.*continuous"):
        Diabetes(imbalance=2).load(0)


def test_too_few_rows_for_the_fractions():
    with pytest.raises(DataError, match="of 2 rows, 1 are for validation and 1 for testing"):
        Values(n=2).load(0)


def test_more_training_rows_than_there_are():
    with pytest.raises(DataError, match=r"dataset.train_size=121 is more than the 120 training rows"):
        Classes(train_size=121).load(0)


@pytest.mark.parametrize("settings", [{"train_size": 2}, {"imbalance": 1e6}])
def test_a_class_without_training_rows_is_named(settings):
    with pytest.raises(DataError, match=r"training rows is of class (b, )?c, which.*train_size"):
        Classes(**settings).load(0)


def test_a_malformed_table_is_refused_by_name():
    @dataclass(frozen=True, kw_only=True)
    class Mistaken(Values):
        name: ClassVar[str] = "mistaken"

        def table(self, rng):
            return replace(super().table(rng), class_names=("no", "yes"))

    with pytest.raises(DataError, match="dataset=mistaken"):
        Mistaken().load(0)
