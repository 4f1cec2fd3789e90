"""`python -m lossexp.testing`: a line per law, and the exit code."""

import re
import subprocess
import sys

import pytest

from lossexp.testing.__main__ import main

HERE = "tests.testing.broken"


def test_a_loss_that_keeps_its_promises(capsys):
    assert main([f"{HERE}.Cauchy", "scale=2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 10
    assert all(line.startswith("holds  ") for line in lines)
    assert any("The gradient is the derivative of the value, " in line for line in lines)


def test_a_loss_that_breaks_one(capsys):
    assert main([f"{HERE}.HalfGradient"]) == 1
    lines = capsys.readouterr().out.splitlines()
    failed = [number for number, line in enumerate(lines) if line.startswith("does not hold")]
    assert [lines[number].partition("  ")[2].strip() for number in failed] == [
        "The gradient is the derivative of the value, unless gradient_is_derivative = False is stated."
    ]
    assert lines[failed[0] + 1].strip().startswith("a continuous target: Derivative at raw = ")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Leaves", r"SystemExit: 0 \(line \d+ of broken.py, in Leaves\.\w+\)"),
        ("CountsOnce", r"ValueError: .* \(line \d+ of broken.py, in CountsOnce\.\w+\)"),
    ],
)
def test_an_error_of_the_component_is_a_law_that_does_not_hold(name, words, capsys):
    """It is said once, and where it came up."""
    assert main([f"{HERE}.{name}"]) == 1
    printed = capsys.readouterr().out
    assert re.search(words, printed)
    failures = [line.strip() for line in printed.splitlines() if line.startswith(" ")]
    assert failures.count("For the same reason.") == len(failures) - len(set(failures) - {"For the same reason."})


def test_a_loss_without_a_gradient_is_told_so(capsys):
    assert main([f"{HERE}.WithoutGradient"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("It has no gradient of its own: it is differentiated")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Usage: python -m lossexp.testing MODULE.CLASS"),
        ([f"{HERE}.Missing"], "cannot be found: module 'tests.testing.broken' has no attribute 'Missing'"),
        (["nowhere.Cauchy"], "cannot be found: No module named 'nowhere'"),
        (["builtins.open"], "is refused: expected a Component"),
        (["lossexp.trackers.NoTracker"], "NoTracker cannot be checked: expected a subclass of one of Loss, Optimizer"),
        ([f"{HERE}.Cauchy", "scale=-1"], "component.scale=-1 is not allowed: expected a finite number above 0"),
        ([f"{HERE}.Cauchy", "scael=1"], "Did you mean component.scale?"),
        ([f"{HERE}.Cauchy", "1"], "Usage: "),
    ],
)
def test_mistakes_of_the_user(arguments, words, capsys):
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


def test_help(capsys):
    assert main(["--help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: ")


def test_a_file_in_the_current_folder_is_found(tmp_path):
    (tmp_path / "my_losses.py").write_text(
        "import numpy as np\n"
        "from lossexp.losses import Loss\n"
        "class Root(Loss):\n"
        "    def value(self, raw, target):\n"
        "        return (np.sqrt(1 + (raw - target) ** 2) - 1).sum(axis=0)\n"
    )
    command = [sys.executable, "-m", "lossexp.testing", "my_losses.Root"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
