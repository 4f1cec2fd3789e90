"""A trained model predicts what the run reported, from rows as they were collected."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from lossexp.datasets import Iris
from lossexp.errors import DataError, StorageError
from lossexp.experiment import Experiment, Training
from lossexp.losses import CCE, GaussianNLL
from lossexp.models import MLP, Linear
from lossexp.record import MODEL_FOLDER
from lossexp.stacking import Member, Stack
from lossexp.targets import Target, Task
from lossexp.trained import FORMAT, TrainedModel
from lossexp.training import train
from tests.trained_runs import run, write_files


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Return the current folder, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def trained(target, *overrides):
    """Return the trained model of a run and what it reported of the test rows, as it is read again."""
    record = run(target, *overrides)
    return TrainedModel.read(record.path / MODEL_FOLDER), record.outcome.metrics


CLASS_RUNS = {
    "kind": [("loss=bce",), ("loss=cce", "model=mlp"), ("loss=mse", "loss.link=identity"), ("loss=hinge",)],
    "species": [("loss=cce", "model=mlp"), ("loss=mse", "loss.link=identity"), ("loss=hinge",), ("loss=brier",)],
}


@pytest.mark.parametrize(
    ("target", "overrides"),
    [(target, overrides) for target, runs in CLASS_RUNS.items() for overrides in runs],
    ids=lambda part: part if isinstance(part, str) else " ".join(part),
)
def test_classes_and_probabilities_are_those_that_the_run_reported(here, target, overrides):
    write_files(here, target)
    model, reported = trained(target, *overrides)
    rows = pd.read_csv("test.csv")
    truth = rows[target].to_numpy()
    assert np.mean(model.predict(rows) == truth) == pytest.approx(reported["test/accuracy"])
    probabilities = model.predict_proba(rows)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
    of_the_truth = probabilities[np.arange(len(rows)), [model.classes.index(name) for name in truth]]
    log_loss = -np.log(np.maximum(of_the_truth, np.finfo(float).eps)).mean()
    assert log_loss == pytest.approx(reported["test/log_loss"], rel=1e-9)
    assert model.are_probabilities == (overrides[0] != "loss=hinge")


@pytest.mark.parametrize(
    "overrides",
    [("loss=mse", "dataset.standardize_target=true"), ("loss=gaussian_nll", "dataset.standardize_target=true")],
    ids=" ".join,
)
def test_numbers_are_in_the_units_of_the_target(here, overrides):
    write_files(here, "price")
    model, reported = trained("price", *overrides)
    rows = pd.read_csv("test.csv")
    rmse = np.sqrt(np.mean((model.predict(rows) - rows["price"]) ** 2))
    scale = pd.read_csv("train.csv")["price"].std(ddof=0)
    assert rmse == pytest.approx(scale * reported["test/rmse"], rel=1e-9)
    assert rmse < scale


def test_a_log_link_predicts_means(here):
    write_files(here, "count")
    model, reported = trained("count", "loss=poisson", "dataset.task=regression")
    rows = pd.read_csv("test.csv")
    assert (model.predict(rows) > 0).all()
    rmse = np.sqrt(np.mean((model.predict(rows) - rows["count"]) ** 2))
    assert rmse == pytest.approx(reported["test/rmse"], rel=1e-9)


def test_rows_come_as_a_table_in_any_order_or_as_a_path(here):
    write_files(here, "kind")
    model, _ = trained("kind", "loss=bce")
    rows = pd.read_csv("test.csv")
    expected = model.predict_proba(rows)
    for same in (rows[["colour", "kind", "length"]], rows[["length", "colour"]], "test.csv", here / "test.csv"):
        np.testing.assert_array_equal(model.predict_proba(same), expected)
    assert model.feature_names == ("length", "colour")
    assert model.classes == ("aster", "rose")


def test_a_file_is_read_as_the_one_with_the_training_rows(here):
    write_files(here, "price")
    for path in here.glob("*.csv"):
        pd.read_csv(path).to_csv(path, index=False, sep=";", decimal=",", encoding="utf-16")
    model, _ = trained("price", "loss=mse", "dataset.decimal=','", "dataset.encoding=utf-16")
    rows = pd.read_csv("test.csv", sep=";", decimal=",", encoding="utf-16")
    np.testing.assert_array_equal(model.predict("test.csv"), model.predict(rows))


def test_other_columns_are_refused_by_name(here):
    write_files(here, "kind")
    model, _ = trained("kind", "loss=bce")
    rows = pd.read_csv("test.csv")
    for bad, message in (
        (rows.drop(columns="length"), "lacks length"),
        (rows.assign(height=1), "has height"),
        (rows.rename(columns={"colour": "color"}), "lacks colour.*Did you mean color"),
        (rows.assign(length="long"), "length"),
    ):
        with pytest.raises(DataError, match=message):
            model.predict(bad)


def test_predictions_have_a_column_for_each_class(here):
    write_files(here, "species")
    model, _ = trained("species", "loss=cce")
    table = model.predictions("test.csv")
    assert list(table) == ["prediction", "probability_aster", "probability_rose", "probability_tulip"]
    np.testing.assert_array_equal(table["prediction"], model.predict("test.csv"))
    np.testing.assert_array_equal(table.iloc[:, 1:], model.predict_proba("test.csv"))


def test_a_continuous_target_has_no_probabilities(here):
    write_files(here, "price")
    model, _ = trained("price", "loss=mse", "dataset.standardize_target=true")
    assert list(model.predictions("test.csv")) == ["prediction"]
    with pytest.raises(DataError, match="price is a continuous target, which has no probabilities"):
        model.predict_proba("test.csv")


def iris(model, dtype="float32"):
    """Return a model of the lengths and widths of flowers."""
    experiment = Experiment(Iris(), CCE(), model, training=Training(epochs=5, dtype=dtype))
    data = experiment.dataset.load(0)
    (finished,) = list(train(Stack([Member(experiment, data)])))[-1].finished
    return TrainedModel.of(experiment, data, finished.params)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("model", [Linear(), MLP(hidden=(7, 5), activation="tanh")], ids=["linear", "mlp"])
def test_what_was_saved_is_read(tmp_path, model, dtype):
    saved = iris(model, dtype)
    saved.save(tmp_path / "model")
    read = TrainedModel.read(tmp_path / "model")
    for name in (field.name for field in dataclasses.fields(TrainedModel) if field.name != "params"):
        assert getattr(read, name) == getattr(saved, name)
    for ours, theirs in zip(read.params, saved.params, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == dtype
    rows = Iris().table(np.random.default_rng(0)).X
    np.testing.assert_array_equal(read.predict_proba(rows), saved.predict_proba(rows))
    assert set(read.predict(rows)) <= {"setosa", "versicolor", "virginica"}


def test_arrays_must_have_as_many_columns_as_the_training_rows():
    with pytest.raises(DataError, match="An array with 3 columns"):
        iris(Linear()).predict(np.zeros((2, 3)))


def test_sparse_rows_are_centred_where_the_training_rows_were():
    rows = Iris().table(np.random.default_rng(0)).X
    model = iris(Linear())
    np.testing.assert_allclose(model.predict_proba(sparse.csr_matrix(rows)), model.predict_proba(rows), rtol=1e-12)


def test_of_several_outputs_those_count_that_predict():
    experiment = Experiment(Iris(), GaussianNLL(), Linear())
    data = dataclasses.replace(experiment.dataset.load(0), target=Target(Task.REGRESSION), class_names=())
    params = [np.array([[0.0, 0.0, 0.0, 0.0, 5.0], [0.0, 0.0, 0.0, 0.0, -9.0]])]
    assert TrainedModel.of(experiment, data, params).outputs == (0,)
    np.testing.assert_array_equal(TrainedModel.of(experiment, data, params).predict(np.zeros((2, 4))), [5, 5])


def test_a_model_of_a_newer_version_is_refused(tmp_path):
    iris(Linear()).save(tmp_path)
    path = tmp_path / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": FORMAT + 1, "version": "99.0"}))
    with pytest.raises(StorageError, match=r"was written by lossexp 99\.0"):
        TrainedModel.read(tmp_path)


@pytest.mark.parametrize("name", ["model.json", "weights.npz"])
def test_what_is_damaged_or_missing_is_named(tmp_path, name):
    iris(Linear()).save(tmp_path)
    whole = (tmp_path / name).read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"{}"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(StorageError, match=f"trained model in {tmp_path} cannot be read"):
            TrainedModel.read(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(StorageError, match=f"no trained model in {tmp_path}: .*{name} is missing"):
        TrainedModel.read(tmp_path)


def test_weights_of_another_model_are_refused(tmp_path):
    iris(Linear()).save(tmp_path)
    np.savez(tmp_path / "weights.npz", **{"layer_1.weight": np.zeros((3, 5)), "layer_1.bias": np.zeros(3)})
    with pytest.raises(StorageError, match="do not fit the model"):
        TrainedModel.read(tmp_path)


class Canary:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_nothing_is_unpickled_or_executed(tmp_path):
    iris(Linear()).save(tmp_path)
    canary = tmp_path / "canary"
    np.savez(tmp_path / "weights.npz", **{"layer_1.weight": np.array([Canary(str(canary))], dtype=object)})
    with pytest.raises(StorageError, match="cannot be read"):
        TrainedModel.read(tmp_path)
    iris(Linear()).save(tmp_path)
    description = json.loads((tmp_path / "model.json").read_text())
    description["model"] = {"_target_": "builtins.open", "file": str(canary), "mode": "w"}
    (tmp_path / "model.json").write_text(json.dumps(description))
    with pytest.raises(StorageError, match=r"builtins\.open is refused"):
        TrainedModel.read(tmp_path)
    assert not canary.exists()


def test_a_file_with_new_rows_is_read_as_the_settings_of_the_training_rows_say(here):
    write_files(here, "kind")
    model, _ = trained("kind", "loss=bce", "dataset.missing_values=[none,'-']", "dataset.day_first=true")
    assert model.text.missing_values == ("none", "-")
    assert model.text.day_first is True
    rows = pd.read_csv("test.csv").drop(columns="kind").head(3)
    rows.assign(length=["-", "none", ""]).to_csv("new.csv", index=False)
    expected = model.predict_proba(rows.assign(length=np.nan))
    np.testing.assert_array_equal(model.predict_proba("new.csv"), expected)
