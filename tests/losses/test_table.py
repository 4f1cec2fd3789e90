"""`python -m lossexp.losses`: a row for every loss, ours and the user's, and a picture of those that are named."""

import re
import subprocess
import sys

import pytest
from PIL import Image

from lossexp import CONFIG_DIR
from lossexp.losses.__main__ import main

from ..composed import SMALL

MINE = """
from dataclasses import dataclass

import numpy as np

from lossexp.components import Positive
from lossexp.losses import Loss


@dataclass(frozen=True, kw_only=True)
class Welsch(Loss):
    scale: Positive = 1.0

    formula = "1 - exp(-(e / scale)² / 2), e = raw - target"
    estimates = "the centre of the bulk"

    def value(self, raw, target):
        return np.add.reduce(1 - np.exp(-(((raw - target) / self.scale) ** 2) / 2), axis=0)
"""


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    """A folder as a user has it: a class in a file, YAML files beside it, one of them with a name of ours."""
    (tmp_path / "table_losses.py").write_text(MINE)
    choices = tmp_path / "my_conf" / "loss"
    choices.mkdir(parents=True)
    (choices / "welsch.yaml").write_text("_target_: table_losses.Welsch\nscale: 2.0\n")
    (choices / "between.yaml").write_text(
        "_target_: lossexp.losses.Formula\nvalue: abs(raw - target)**power\npower: 1.5\n"
    )
    (choices / "huber.yaml").write_text("_target_: lossexp.losses.Huber\ndelta: 0.1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def rows(text):
    """Return the cells of each line by the name in the first."""
    return {line.split("\t")[0]: line.split("\t")[1:] for line in text.splitlines()}


def test_where_it_is_piped_there_is_a_line_for_every_yaml(capsys):
    assert main([]) == 0
    table = rows(capsys.readouterr().out)
    assert list(table) == ["loss", *sorted(path.stem for path in CONFIG_DIR.glob("loss/*.yaml"))]
    assert table["loss"] == ["formula", "target", "link", "convex", "estimates", "source"]
    assert table["huber"][1:] == ["a number", "identity", "yes", "between the mean and the median", "Huber (1964)"]
    assert table["gamma"][1:4] == ["a number above 0", "log", "yes"]
    assert table["bce"][1:4] == ["classes", "logistic", "yes"]
    assert table["focal"][1:4] == ["classes", "logistic, softmax", "no"]
    assert table["mse"][1:3] == ["a number, classes", "identity, logistic, softmax"]
    assert table["formula"][1:4] == table["sum"][1:4] == ["a number, classes", "depends", "depends"]


def test_losses_of_the_user_are_among_them(own_folder, capsys):
    assert main(["--config-dir", "my_conf"]) == 0
    table = rows(capsys.readouterr().out)
    assert table["welsch"][:2] == ["1 - exp(-(e / scale)² / 2), e = raw - target", "a number"]
    assert table["between"][:4] == ["abs(raw - target)**power", "a number, classes", "identity", "not refuted"]
    assert len(table) == 3 + len(list(CONFIG_DIR.glob("loss/*.yaml")))


@pytest.mark.parametrize(
    ("settings", "convex"),
    [
        ("_target_: lossexp.losses.Formula\nvalue: log(cosh(raw - target))", "yes"),
        ("_target_: lossexp.losses.Formula\nvalue: log(1 + (raw - target)**2)", "no"),
        ("_target_: lossexp.losses.Formula\nvalue: (1 - p)**2", "no"),
        ("_target_: lossexp.losses.Formula\nvalue: max(raw - target, 0)", "not refuted"),
        (
            "_target_: lossexp.losses.Sum\nterms: {cauchy: 1, square: {loss: formula, value: (raw - target)**2}}",
            "not refuted",
        ),
        ("_target_: lossexp.losses.Sum\nterms: {mae: 1, welsch: 9}", "no"),
        ("_target_: lossexp.losses.Sum\nterms: {mae: 1, log_cosh: 1}", "yes"),
    ],
)
def test_formulas_and_sums_are_called_convex_only_where_that_is_certain(settings, convex, own_folder, capsys):
    (own_folder / "my_conf" / "loss" / "mine.yaml").write_text(settings)
    assert main(["--config-dir", "my_conf"]) == 0
    assert rows(capsys.readouterr().out)["mine"][3] == convex


@pytest.mark.parametrize("width", [80, 180])
def test_a_terminal_of_any_width_shows_every_fact(width, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "dumb")
    main([])
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= width for line in lines)
    words = " ".join(" ".join(lines).split())
    for fact in ("epsilon_insensitive", "log(1 + exp(raw))", "Cox (1958)", "Huber (1964)", "convex"):
        assert fact in words
    if width == 80:
        first = " ".join(" ".join(lines[1:4]).split())
        assert first.startswith("bce log(1 + exp(raw)) - target · raw target classes; link logistic; convex: yes; est")
        assert len(lines) < 130


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["hubr"], "Unknown choice loss=hubr. Did you mean huber? Known: bce, brier"),
        (["huber", "crossentropy"], "Unknown choice loss=crossentropy. Did you mean cce?"),
        (["BCE"], "Unknown choice loss=BCE. Did you mean bce?"),
        (["formula"], "loss=formula is not complete: it is yours to write. Put it into a YAML of your own"),
        (["--config-dir", "nowhere"], "--config-dir nowhere: there is no such folder"),
        (["huber", "--runs", "a_file"], "Cannot write to a_file: File exists"),
    ],
)
def test_mistakes_are_said_in_one_message(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a_file").touch()
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"lossexp: {message}")
    assert not printed.out
    assert [path.name for path in tmp_path.iterdir()] == ["a_file"]


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("_target_: os.system", r"mine.yaml: loss._target_=os.system is refused"),
        ("_target_: lossexp.losses.Huber\ndleta: 1", "Unknown setting .*mine.yaml: loss.dleta. Did you mean"),
        ("_target_: lossexp.losses.Formula\nvalue: raw +", "mine.yaml: loss.value cannot be used"),
        ("- a\n- b", "mine.yaml is not a loss: expected a mapping with a _target_"),
        ("a: [", "mine.yaml cannot be read"),
        ("!!python/object/apply:os.system ['touch canary']", "mine.yaml cannot be read"),
    ],
)
def test_a_yaml_that_is_no_loss_is_named(yaml, message, own_folder, capsys):
    (own_folder / "my_conf" / "loss" / "mine.yaml").write_text(yaml)
    assert main(["--config-dir", "my_conf"]) == 2
    assert re.search(message, capsys.readouterr().err)
    assert not (own_folder / "canary").exists()


def test_a_picture_of_those_that_are_named(own_folder, capsys):
    assert main(["huber", "welsch", "between", "--config-dir", "my_conf", "--runs", "out"]) == 0
    path = capsys.readouterr().out.strip()
    assert path == "out/losses-huber-welsch-between.png"
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.width > 800


def test_a_class_in_a_file_of_the_user_trains_in_one_stack_with_ours(own_folder):
    """The whole command, with no more than a class and its YAML in the current folder."""
    command = [sys.executable, "-m", "lossexp", "-m", "--config-dir", "my_conf", *SMALL, "dataset=linear"]
    command = [argument for argument in command if argument != "dataset=moons"]
    done = subprocess.run(
        [*command, "loss=welsch,between,huber", "dataset.standardize_target=true"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "trained in 1 stack(s) of 3" in done.stdout
    assert all(f"\n{name}" in done.stdout for name in ("welsch", "between", "huber"))
