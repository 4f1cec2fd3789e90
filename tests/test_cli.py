"""The command: what it prints, what it leaves behind, and how it ends."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

from lossexp import cli
from tests.composed import SMALL

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the current folder of the command, empty."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def command(folder, monkeypatch, capsys):
    """Return a function that runs the command in this process: arguments in; exit code, output and errors out."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")  # the command sets it, and the next one must not find it

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["lossexp", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return run


def process(folder, *arguments, **environment):
    """Run the command as a process of its own, its output in a pipe."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HYDRA_", "MLFLOW_"))}
    return subprocess.run(
        [sys.executable, "-m", "lossexp", *arguments],
        cwd=folder,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def left_behind(folder):
    return [path.name for path in folder.iterdir()]


REFUSED = {
    "misspelt setting": (["optimizer.learningrate=0.1"], "Unknown override optimizer.learningrate. Did you mean optim"),
    "misspelt group": (["optimizr=sgd"], "Unknown override optimizr. Did you mean optimizer?"),
    "setting of another choice": (["optimizer=gd", "optimizer.momentum=0.5"], "Unknown override optimizer.momentum."),
    "setting without its group": (["lr=0.1"], "Unknown override lr. Did you mean optimizer.lr?"),
    "setting that was added": (["+optimizer.foo=1"], "Unknown setting optimizer.foo. Known: lr, weight_decay"),
    "setting of the loss": (["loss=mse", "loss.foo=1"], "Unknown setting loss.foo. Known: link"),
    "negative": (["optimizer.lr=-1"], "optimizer.lr=-1 is not allowed: expected a finite number at least 0."),
    "not a number": (["optimizer.lr=nan"], "optimizer.lr=nan is not allowed: expected a finite number at least 0."),
    "not whole": (["training.epochs=1.5"], "training.epochs=1.5 is not allowed: expected a whole number at least 0."),
    "missing": (["optimizer.lr=???"], "optimizer.lr has no value yet. Set it: optimizer.lr=VALUE"),
    "deleted": (["~seed"], "seed has no value yet. Set it: seed=VALUE"),
    "deleted group": (["~loss"], "loss has no _target_: expected a choice, such as loss=NAME"),
    "unknown choice": (["loss=bcee"], "Unknown choice loss=bcee. Did you mean bce? Known: bce, "),
    "choice by another name": (["loss=binary_crossentropy"], "Unknown choice loss=binary_crossentropy. Did you mean bce?"),
    "unknown dataset": (["dataset=mnist"], "Unknown choice dataset=mnist. Known: breast_cancer, "),
    "no choice": (["loss="], "Unknown choice loss=."),
    "null for a group": (["loss=null"], "loss="),
    "unknown experiment": (["experiment=overfitt"], "Unknown choice experiment=overfitt. Did you mean overfit?"),
    "foreign function": (["loss._target_=builtins.open"], "loss._target_=builtins.open is refused: expected a Loss"),
    "foreign class": (["tracker._target_=subprocess.Popen"], "tracker._target_=subprocess.Popen is refused: expected a Tr"),
    "component of another kind": (["loss._target_=lossexp.optimizers.SGD"], "is refused: expected a Loss"),
    "no such class": (["loss._target_=nowhere.Nothing"], "loss._target_=nowhere.Nothing cannot be found"),
    "no such variable": (["runs_dir=${oc.env:LOSSEXP_NOT_SET}"], "runs_dir cannot be read: "),
    "no such reference": (["optimizer.lr=${foo.bar}"], "optimizer.lr cannot be read: Interpolation key 'foo.bar' not"),
    "not a setting at all": (["foo"], "The command line cannot be understood: Error parsing override 'foo'"),
    "half an interpolation": (["optimizer.lr=${"], "The command line cannot be understood: "),
    "no such folder": (["--config-dir", "nowhere"], "The command line cannot be understood: Additional config directory"),
    "loss and target": (["dataset=diabetes", "loss=bce"], "loss=bce needs class labels, but dataset=diabetes has a contin"),
    "dataset and knob": (["dataset=moons", "dataset.outliers=0.1"], "dataset.outliers=0.1 does not fit dataset=moons"),
    "list without -m": (["loss=mse,bce"], "-m"),
    "grid without -m": (["grid=losses_and_rates"], "-m"),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_a_mistake_gets_one_message_and_leaves_nothing(arguments, message, command, folder):
    code, out, err = command(*arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("lossexp: ")
    assert message in err
    assert "Traceback" not in err
    assert left_behind(folder) == []


REFUSED_SWEEPS = {
    "misspelt setting": (["optimizer.learningrate=1,2"], "Unknown override optimizer.learningrate. Did you mean optimi"),
    "one value of many": (["optimizer.lr=0.1,nan"], "optimizer.lr=nan is not allowed"),
    "one choice of many": (["loss=mse,bcee"], "Unknown choice loss=bcee. Did you mean bce?"),
    "null among choices": (["loss=mse,null"], "loss="),
    "setting of one choice": (["loss=bce,mse", "loss.pos_weight=1,2"], "loss.pos_weight"),
    "missing": (["optimizer.lr=0.1,???"], "optimizer.lr has no value yet"),
    "foreign function": (["loss._target_=shutil.copyfile,builtins.open"], "loss._target_=shutil.copyfile is refused"),
    "unknown backend": (["hydra.launcher.backend=ray"], "hydra.launcher.backend=ray is not allowed: expected one of"),
    "no jobs": (["hydra.launcher.n_jobs=0"], "hydra.launcher.n_jobs=0 is not allowed"),
    "misspelt setting of the launcher": (["hydra.launcher.njobs=2"], "Did you mean hydra.launcher.n_jobs?"),
    "too many": (["seed=range(7)", "sweep.max_runs=6"], "This sweep has 7 runs, more than sweep.max_runs=6. If you mean"),
    "far too many": (["seed=range(1000)", "optimizer.lr=range(1,10001)"], "This sweep has 10000000 runs, more than"),
    "none": (["seed=range(0)"], "seed=range(0)"),
    "no file fits": (["loss=glob(zzz*)"], "loss=glob(zzz*)"),
    "an interval": (["optimizer.lr=interval(0,1)"], "does not support sweep type"),
    "some do not fit": (["dataset=diabetes", "loss=mse,bce"], "1 of 2 runs do not fit: loss=bce needs class labels"),
    "two folders": (["runs_dir=a,b"], "runs_dir"),
    "two trackers": (["tracker=none,mlflow"], "tracker"),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED_SWEEPS.values(), ids=REFUSED_SWEEPS)
def test_a_mistake_in_a_sweep_is_found_before_anything_starts(arguments, message, command, folder):
    code, out, err = command("-m", *arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("lossexp: ")
    assert message in err
    assert "Traceback" not in err
    assert left_behind(folder) == []
