"""Commands, numbers and names as they are read."""

import dataclasses
import shlex

import pytest

from lossexp.record import Record
from lossexp.report.table import command, in_words, number, short_names
from lossexp.run import Run
from tests.composed import job


def runs(*overrides, seeds=(0,)):
    """Return runs that were never trained."""
    made = [job("dataset=moons", *overrides, f"seed={seed}") for seed in seeds]
    return [Run(one, None, Record(None)) for one in made]


@pytest.mark.parametrize(
    "overrides",
    [
        ("loss=bce", "optimizer.lr=0.3"),
        ("loss=mse", "model=mlp", "model.hidden=[32,16]"),
        ("loss=formula", '++loss.value="log(1 + exp(-raw)) * (1 + a * target)"', "++loss.a=2"),
        ("loss=sum", "loss.terms={mse: 1, bce: 0.5}"),
        ("experiment=noisy_labels", "loss=mse"),
    ],
    ids=lambda overrides: overrides[1],
)
def test_a_command_gives_the_same_run(overrides):
    (run,) = runs(*overrides)
    python, *words = shlex.split(command([run]))
    assert [python, *words[:2]] == ["python", "-m", "lossexp"]
    again = job(*(f"++{word}" if word.startswith("loss.") else word for word in words[2:]))
    assert again.experiment == run.job.experiment
    assert again.choices == run.job.choices


def test_seeds_are_swept_and_given_once():
    assert command(runs("loss=bce", seeds=(3, 5))) == "python -m lossexp -m dataset=moons loss=bce seed=3,5"


def test_what_a_grid_would_sweep_is_given_value_by_value():
    (run,) = runs("grid=losses_and_rates", "loss=mse", "optimizer.lr=0.1")
    assert command([run]).endswith("loss=mse optimizer.lr=0.1 hydra.sweeper.params=null seed=0")


def test_a_folder_of_yaml_files_is_named_again(monkeypatch):
    monkeypatch.setattr("sys.argv", ["lossexp", "--config-dir", "my conf", "-m", "loss=mine"])
    assert command(runs("loss=bce")) == "python -m lossexp --config-dir 'my conf' dataset=moons loss=bce seed=0"


def test_a_run_of_a_sweep_that_went_on_is_made_anew():
    assert command(runs("loss=mse", "sweep.resume=true")) == "python -m lossexp dataset=moons loss=mse seed=0"


def test_a_run_of_a_protocol_is_run_without_it():
    (run,) = runs("loss=mse")
    run.job = dataclasses.replace(run.job, sweep=dataclasses.replace(run.job.sweep, protocol="compare"))
    assert command([run]).endswith("loss=mse sweep.protocol=none seed=0")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.95741, "0.9574"),
        (1, "1.000"),
        (1234.6, "1235"),
        (99999, "99999"),
        (2.5e7, "2.500e+07"),
        (0.00001234, "1.234e-05"),
    ],
)
def test_numbers_have_four_digits(value, text):
    assert number(value) == text


def test_names_are_as_short_as_they_may_be():
    assert short_names(["loss", "optimizer.lr"]) == ["loss", "lr"]
    assert short_names(["model.width", "loss.width", "seed"]) == ["model.width", "loss.width", "seed"]


def test_metrics_in_words():
    assert in_words("val/log_loss") == "validation log loss"
    assert in_words("rmse") == "RMSE"
    assert in_words("mse loss") == "mse loss"
    assert in_words("a/b") == "a/b"
