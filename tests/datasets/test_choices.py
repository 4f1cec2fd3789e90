"""Every file of `conf/dataset` and its class agree."""

from dataclasses import MISSING, fields
from pathlib import Path

import numpy as np
import pytest
import yaml

import lossexp.datasets
from lossexp.datasets import Dataset

CONF = Path(__file__).parents[2] / "conf" / "dataset"
STEMS = sorted(path.stem for path in CONF.glob("*.yaml"))
CLASSES = {
    kind.__module__.rpartition(".")[2]: kind
    for kind in vars(lossexp.datasets).values()
    if isinstance(kind, type) and kind is not Dataset and issubclass(kind, Dataset)
}


REQUIRED = "???"


def settings(stem):
    return yaml.safe_load((CONF / f"{stem}.yaml").read_text(encoding="utf-8"))


def test_each_class_has_a_file_and_each_file_a_class():
    assert sorted(CLASSES) == STEMS


@pytest.mark.parametrize("stem", STEMS)
def test_a_file_names_its_class_first_and_states_every_default(stem):
    kind = CLASSES[stem]
    target, *keys = settings(stem)
    assert target == "_target_"
    assert settings(stem)["_target_"] == f"lossexp.datasets.{kind.__name__}"
    assert kind.__module__ == f"lossexp.datasets.{stem}"
    assert {key: settings(stem)[key] for key in keys} == {field.name: default(field) for field in fields(kind)}


def default(field):
    """Return the default of a field as YAML gives it."""
    if field.default is MISSING:
        return REQUIRED
    return list(field.default) if isinstance(field.default, tuple) else field.default


AT_HAND = [stem for stem in STEMS if REQUIRED not in settings(stem).values() and "root" not in settings(stem)]
"""Datasets that need neither a file of the user's nor a download."""


@pytest.mark.parametrize("stem", AT_HAND)
def test_every_choice_loads_as_it_is(stem):
    dataset = CLASSES[stem]()
    data = dataset.load(0)
    assert data.name == stem
    assert len(data.val) == len(data.test) == -(-(len(data.train) + 2 * len(data.val)) // 5)
    assert np.abs(data.train.X.mean(axis=0)).max() < 1e-12
    assert len(data.class_names) == data.target.n_classes
