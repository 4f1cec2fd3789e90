"""The command that writes predictions for a file."""

import os

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import dump_svmlight_file

import lossexp
from lossexp import predict, runner
from tests.composed import job
from tests.trained_runs import flowers, run, write_files


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Return the current folder, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def roses(here):
    """Return the name of a run that tells two kinds of flowers apart."""
    write_files(here, "kind")
    return run("kind", "loss=bce").path.name


def test_classes_with_their_probabilities(roses, capsys):
    assert predict.main([f"run={roses}", "data=test.csv", "output=out.csv"]) == 0
    assert capsys.readouterr().out.endswith("60 predictions written to out.csv.\n")
    written, model = pd.read_csv("out.csv"), lossexp.load(roses)
    assert list(written) == ["prediction", "probability_aster", "probability_rose"]
    assert written["prediction"].tolist() == model.predict("test.csv").tolist()
    np.testing.assert_allclose(written.iloc[:, 1:], model.predict_proba("test.csv"), rtol=1e-14)


def test_parquet_in_and_out(roses, here):
    flowers(9, seed=5)[["colour", "length"]].to_parquet("new.parquet")
    assert predict.main([f"run={roses}", "data=new.parquet", "output=out.parquet"]) == 0
    model = lossexp.load(roses)
    np.testing.assert_array_equal(
        pd.read_parquet("out.parquet").iloc[:, 1:].to_numpy(), model.predict_proba("new.parquet")
    )
    assert sorted(path.name for path in here.glob("*out*")) == ["out.parquet"]


def test_the_ending_may_be_written_large_and_a_value_that_is_newly_missing_is_pointed_out(roses, capsys):
    flowers(9, seed=5)[["colour", "length"]].assign(colour=None).to_csv("NEW.CSV", index=False)
    assert predict.main([f"run={roses}", "data=NEW.CSV", "output=OUT.CSV"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "colour: 9 missing value(s), of which training had none."
    assert len(pd.read_csv("OUT.CSV")) == 9


def test_numbers_in_the_units_of_the_target(here):
    write_files(here, "price")
    name = run("price", "loss=huber", "dataset.standardize_target=true").path.name
    assert predict.main([f"run={name}", "data=test.csv", "output=out.csv"]) == 0
    written = pd.read_csv("out.csv")
    assert list(written) == ["prediction"]
    assert written["prediction"].mean() == pytest.approx(pd.read_csv("test.csv")["price"].mean(), rel=0.02)


def test_an_output_is_only_overwritten_where_that_is_asked_for(roses, here, capsys):
    (here / "out.csv").write_text("mine")
    command = [f"run={roses}", "data=test.csv", "output=out.csv"]
    assert predict.main(command) == 2
    assert "output=out.csv is there already. Choose another file, or overwrite=true." in capsys.readouterr().err
    assert (here / "out.csv").read_text() == "mine"
    assert predict.main([*command, "overwrite=true"]) == 0
    assert (here / "out.csv").read_text() != "mine"


def test_uncalibrated_probabilities_and_unseen_categories_are_pointed_out(here, capsys):
    write_files(here, "kind")
    name = run("kind", "loss=hinge").path.name
    flowers(9, seed=5)[["length", "colour"]].assign(colour="green").to_csv("new.csv", index=False)
    assert predict.main([f"run={name}", "data=new.csv", "output=out.csv"]) == 0
    last = capsys.readouterr().out.splitlines()[-2:]
    assert last == [
        "colour: 9 value(s) not seen in training, which count as none of those that were.",
        "The probabilities are uncalibrated: the loss of this run estimates the more probable class, no probability.",
    ]


def test_the_file_with_the_rows_is_not_overwritten(roses, here, capsys):
    os.link("test.csv", "same.csv")
    before = (here / "test.csv").read_bytes()
    assert predict.main([f"run={roses}", "data=test.csv", "output=same.csv", "overwrite=true"]) == 2
    assert "output=same.csv is the file with the rows, which would be lost." in capsys.readouterr().err
    assert (here / "test.csv").read_bytes() == before


def test_a_name_that_is_almost_right(roses, capsys):
    assert predict.main([f"run={roses[:-1]}", "data=test.csv", "output=out.csv"]) == 2
    assert f"Did you mean {roses}?" in capsys.readouterr().err


def test_a_diverged_run_is_called_so(here, capsys):
    write_files(here, "price")
    name = run("price", "loss=mse", "optimizer.lr=1e6").path.name
    assert predict.main([f"run={name}", "data=test.csv", "output=out.csv"]) == 0
    assert "The run diverged: these are predictions with the weights that it kept" in capsys.readouterr().out


def test_arrays_and_sparse_rows(here, capsys):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 3)) * (rng.random((90, 3)) < 0.7)
    y = (X[:, 0] > 0).astype(int)
    np.savez("train.npz", X=X, y=y)
    dump_svmlight_file(X, y, "train.svm", zero_based=False)
    X[:, 2] = 0  # an SVMLight file does not say then that there is a third feature
    np.savez("new.npz", X)
    np.savez("odd.npz", a=X, b=X)
    dump_svmlight_file(X, y, "new.svm", zero_based=False)
    for form, ending in (("npz", "npz"), ("svmlight", "svm")):
        path = f"dataset.path=train.{ending}"
        runner.run(job(f"dataset={form}", path, "loss=bce", "training.epochs=5", "tracker=none", f"runs_dir={form}"))
        (name,) = (done.parent.name for done in (here / form).glob("records/*/*/done.json"))
        command = [f"run={name}", f"runs_dir={form}", f"output={form}.csv"]
        assert predict.main([*command, f"data=new.{ending}"]) == 0
        expected = lossexp.load(name, form).predict_proba(X)
        np.testing.assert_allclose(pd.read_csv(f"{form}.csv").iloc[:, 1:], expected, rtol=1e-6)
    assert predict.main([*command, "data=odd.npz", "overwrite=true"]) == 2
    assert "odd.npz has the arrays a, b; expected one, or one called X." in capsys.readouterr().err


def test_sparse_features_keep_their_numbers(here, capsys):
    """New rows that have nothing of feature 0 do not say that there is one."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 3)) * (rng.random((90, 3)) < 0.7)
    y = (X[:, 0] > 0).astype(int)
    dump_svmlight_file(X, y, "train.svm", zero_based=True)
    path = ("dataset=svmlight", "dataset.path=train.svm", "loss=bce", "training.epochs=5", "tracker=none")
    runner.run(job(*path))
    (name,) = (done.parent.name for done in here.glob("runs/records/*/*/done.json"))
    X[:, 0] = 0
    dump_svmlight_file(X, y, "new.svm", zero_based=True)
    assert predict.main([f"run={name}", "data=new.svm", "output=out.csv"]) == 0
    np.testing.assert_allclose(pd.read_csv("out.csv").iloc[:, 1:], lossexp.load(name).predict_proba(X), rtol=1e-6)
    dump_svmlight_file(X, y, "train.svm", zero_based=False)
    runner.run(job(*path, "runs_dir=from_1"))
    (name,) = (done.parent.name for done in here.glob("from_1/records/*/*/done.json"))
    (here / "new.svm").write_text("0 0:1 1:1\n")
    assert predict.main([f"run={name}", "runs_dir=from_1", "data=new.svm", "output=2.csv"]) == 2
    assert "data=new.svm has a feature 0, but those of the training rows are numbered" in capsys.readouterr().err


def test_text_without_a_header_is_read_as_the_training_rows_were(here):
    """Of one row of nothing but text it cannot be seen that it is no header."""
    table = pd.DataFrame(
        {"colour": ["red", "blue"] * 30, "size": ["big", "big", "small"] * 20, "y": ["no", "yes"] * 30}
    )
    for name in ("train", "val", "test"):
        table.to_csv(f"{name}.csv", index=False, header=False)
    table[["colour", "size"]][:1].to_csv("new.csv", index=False, header=False)
    name = run("2", "loss=bce").path.name
    assert predict.main([f"run={name}", "data=new.csv", "output=out.csv"]) == 0
    assert pd.read_csv("out.csv")["prediction"].tolist() == ["no"]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_category_is_text_also_where_new_rows_have_nothing_but_numbers(here, capsys, form):
    """A file with one row of `true` or `01` would otherwise be truth values and numbers, and not seen in training."""
    n = 60
    code, sure = (np.array(values)[np.arange(n) % 3] for values in (["01", "2", "x"], ["true", "false", "perhaps"]))
    table = pd.DataFrame({"code": code, "sure": sure, "y": np.where(np.arange(n) % 3, "no", "yes")})
    write = {"csv": "to_csv", "parquet": "to_parquet"}[form]
    for name, rows in (("train", table), ("val", table), ("test", table), ("new", table[:1].drop(columns="y"))):
        getattr(rows, write)(f"{name}.{form}", index=False)
    name = run("y", "loss=bce", form=form).path.name
    assert predict.main([f"run={name}", f"data=new.{form}", "output=out.csv"]) == 0
    assert "not seen in training" not in capsys.readouterr().out
    assert pd.read_csv("out.csv")["prediction"].tolist() == ["yes"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": "no.csv"}, "data=no.csv: there is no such file"),
        ({"data": "short.csv"}, "lacks length"),
        ({"data": "long.csv"}, "has height"),
        ({"data": "new.doc"}, "data=new.doc: its format is not known. Expected a name that ends in .csv"),
        ({"output": "out.xlsx"}, "output=out.xlsx is not allowed: expected a file that ends in .csv or .parquet."),
        ({"output": "nowhere/out.csv"}, "output=nowhere/out.csv cannot be written"),
        ({"output": f"{'x' * 300}.csv"}, "csv cannot be written: File name too long"),
        ({"output": "folder.csv", "overwrite": "true"}, "output=folder.csv cannot be written: Is a directory"),
        ({"run": "mine"}, "There is no run mine"),
        ({"overwrite": "yes"}, "overwrite=yes is not allowed: expected true or false."),
        ({"outptu": "out.csv"}, "Unknown setting outptu. Did you mean output?"),
        ({"data": ""}, "data= has no value. Usage: python -m lossexp.predict run=RUN"),
        ({"runs_dir": "elsewhere"}, "There are no trained models in"),
    ],
    ids=lambda part: "" if isinstance(part, str) else str(part),
)
def test_a_mistake_is_one_message_and_writes_nothing(roses, here, capsys, change, message):
    rows = pd.read_csv("test.csv")
    rows.drop(columns="length").to_csv("short.csv", index=False)
    rows.assign(height=1).to_csv("long.csv", index=False)
    (here / "new.doc").write_text("1,2")
    (here / "folder.csv").mkdir()
    before = sorted(os.listdir())
    settings = {"run": roses, "data": "test.csv", "output": "out.csv", **change}
    assert predict.main([f"{key}={value}" for key, value in settings.items()]) == 2
    error = capsys.readouterr().err
    assert error.startswith("lossexp: ")
    assert message in error
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["run=a"], "data and output are missing."), (["run=a", "data=b"], "output is missing."), (["run"], "no value")],
)
def test_what_is_missing_is_named(arguments, message, capsys):
    assert predict.main(arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_help(arguments, capsys):
    assert predict.main(arguments) == 0
    assert capsys.readouterr().out.startswith("python -m lossexp.predict run=RUN data=FILE output=FILE")
