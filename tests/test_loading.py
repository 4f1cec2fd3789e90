"""Trained models of earlier runs, by folder, by name and by MLflow's run id."""

import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import lossexp
from lossexp.errors import StorageError
from lossexp.trackers.projection import Projection
from tests.trackers.records import begun
from tests.trackers.stores import empty_store, quiet
from tests.trained_runs import run, write_files


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Return the current folder, with files of rows."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path, "kind")
    return tmp_path


def test_a_run_is_found_by_its_folder_and_by_its_name(here):
    record = run("kind", "loss=bce")
    expected = lossexp.load(record.path).predict_proba("test.csv")
    for name in (str(record.path), record.path.name, f"runs/records/train/{record.path.name}"):
        np.testing.assert_array_equal(lossexp.load(name).predict_proba("test.csv"), expected)
    shutil.move("runs", "elsewhere")
    np.testing.assert_array_equal(lossexp.load(record.path.name, "elsewhere").predict_proba("test.csv"), expected)


@quiet
def test_a_run_is_found_by_its_mlflow_run_id(here):
    record = run("kind", "loss=bce")
    root = here / "runs"
    tracked = Projection(root, empty_store(root)).project(record)
    expected = lossexp.load(record.path).predict_proba("test.csv")
    shutil.rmtree(root / "records")  # another machine has none
    np.testing.assert_array_equal(lossexp.load(tracked.run_id).predict_proba("test.csv"), expected)
    with pytest.raises(StorageError, match=r"Run 0{32} of the MLflow store sqlite:.* has no model"):
        lossexp.load("0" * 32)


def test_without_a_store_none_is_made(here):
    with pytest.raises(StorageError, match=r"no run 0{32}: the MLflow store .*mlflow\.db does not exist"):
        lossexp.load("0" * 32)
    assert not (here / "runs").exists()


def test_an_unknown_name_is_answered_with_the_latest(here):
    with pytest.raises(StorageError, match=r"no run mine: expected .* There are no trained models in .*runs"):
        lossexp.load("mine")
    record = run("kind", "loss=bce")
    for name in ("mine", "", ".", "*", "../records"):
        with pytest.raises(StorageError, match=f"The latest in .*runs:\n  {record.path.name}"):
            lossexp.load(name)


def test_a_run_that_has_not_ended_has_no_model(here):
    record = begun(here / "runs")
    with pytest.raises(StorageError, match="has no trained model; it has not ended"):
        lossexp.load(record.path)


def test_a_run_that_was_killed_has_no_model(here):
    record = begun(here / "runs")
    (record.path / "done.json").write_text('{"status": "KILLED", "ended": 1, "description": "Ended by a signal"}')
    with pytest.raises(StorageError, match="it ended KILLED: Ended by a signal"):
        lossexp.load(record.path)


def test_arrays_are_predicted_without_pandas_and_mlflow(here):
    """Both take seconds to import."""
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(100, 2)), columns=["a", "b"])
    for name in ("train", "val", "test"):
        rows.assign(c=rows.a > 0).to_csv(f"{name}.csv", index=False)
    record = run("c", "loss=bce")
    program = (
        f"import sys, numpy, lossexp; found = lossexp.load('{record.path.name}').predict(numpy.ones((3, 2)))\n"
        "assert found.tolist() == ['True'] * 3, found\n"
        "assert not {'pandas', 'pyarrow', 'mlflow', 'hydra', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
