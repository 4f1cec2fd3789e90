import dataclasses
import io
import re
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from lossexp import terminal
from lossexp.comparing import Compared
from lossexp.record import Record
from lossexp.run import Run
from lossexp.terminal import console, plain
from lossexp.trackers.base import TrackingSummary
from lossexp.training import Epoch, Finished
from tests.composed import SMALL, job

NOTHING_COMPARED = Compared({}, None)
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
CLASS_CURVES = {"loss": 0.5, "accuracy": 0.9, "log_loss": 0.3, "brier": 0.1}


def finished_run(*overrides, curves=None, n_epochs=11, best=4, kept=None, base=SMALL, ending="completed", final=None):
    """A run whose validation loss is least at epoch `best`, and whose other curves rise by 0.01 with every epoch."""
    a_job = job(*base, *overrides)
    run = Run(a_job, a_job.experiment.dataset.load(0), Record(Path("runs") / "records" / "moons" / "a_run"))
    for number in range(n_epochs):
        values = {
            f"{split}/{name}": value + 0.01 * number + offset
            for split, offset in (("train", 0.0), ("val", 0.001))
            for name, value in (curves or CLASS_CURVES).items()
        }
        values["val/loss"] = 1 + 0.01 * abs(number - best)
        run.add(Epoch(number, np.array([0]), {}), {**values, "gap": values["val/loss"] - values["train/loss"]})
    run.finished = Finished(0, ending, n_epochs - 1 if kept is None else kept, [], final or {})
    return run


@pytest.fixture
def show(monkeypatch):
    """Return what a function prints on a screen in memory."""

    def show(function, *args, width=80, encoding="utf-8"):
        file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")
        screen = Console(file=file, width=width, markup=False, highlight=False, emoji=False)
        monkeypatch.setattr(terminal, "console", lambda: screen)
        function(*args)
        file.flush()
        return file.buffer.getvalue().decode(encoding)

    return show


def numbers(output, label):
    """Return the numbers in the row of the table that starts with `label`."""
    (row,) = [line for line in output.splitlines() if line.split()[: len(label.split())] == label.split()]
    return row.split()[len(label.split()) :]


def table_of(output):
    lines = output.splitlines()
    start = next(number for number, line in enumerate(lines) if line.split()[:2] == ["epoch", "loss"])
    return lines[start : next(number for number, line in enumerate(lines) if line.startswith("best:"))]


def test_summary_has_best_and_last_values_of_both_splits_and_their_gap(show):
    output = show(terminal.run_summary, finished_run("loss=bce"), TrackingSummary())
    head, train_best, val_best, train_last, val_last, gap = [line.split() for line in table_of(output)]
    assert head == ["epoch", "loss", "accuracy", "log_loss", "brier"]
    assert train_best == ["best", "4", "train", "0.5400", "0.9400", "0.3400", "0.1400"]
    assert val_best == ["val", "1.000", "0.9410", "0.3410", "0.1410"]
    assert train_last == ["last", "10", "train", "0.6000", "1.000", "0.4000", "0.2000"]
    assert val_last == ["val", "1.060", "1.001", "0.4010", "0.2010"]
    assert gap == ["gap", "0.4600", "0.001000", "0.001000", "0.001000"]


def test_decimal_points_are_below_each_other(show):
    table = table_of(show(terminal.run_summary, finished_run("loss=bce"), TrackingSummary()))
    points = [[match.start() for match in re.finditer(r"\.", line)] for line in table[1:]]
    assert len({tuple(places) for places in points}) == 1


def test_test_metrics_belong_to_the_epoch_whose_weights_are_kept(show):
    final = {"test/loss": 0.7, "test/accuracy": 0.8, "val/auc": 0.95, "test/auc": 0.85}
    run = finished_run("loss=bce", kept=4, ending="stopped early", final=final)
    output = show(terminal.run_summary, run, TrackingSummary())
    assert numbers(output, "kept 4 test") == ["0.7000", "0.8000", "0.8500"]
    table = [line.split() for line in table_of(output)]
    assert table[0][-1] == "auc"
    assert table[2][-1] == "0.9500", "the best epoch is the one that is kept"
    assert len(table[4]) == 5, "nothing was ranked at the last epoch"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
@pytest.mark.parametrize("width", [60, 80, 120])
def test_summary_fits_the_width(show, width, encoding):
    final = {"test/loss": 0.7, "test/auc": 0.85}
    output = show(
        terminal.run_summary, finished_run("loss=bce", final=final), TrackingSummary(), width=width, encoding=encoding
    )
    to_copy = ("folder", "compare")
    assert all(len(line) <= width for line in output.splitlines() if not line.startswith(to_copy))
    assert "…" not in output
    assert "?" not in output
    assert not CONTROL.search(output)
    assert table_of(output)[0].split()[:4] == ["epoch", "loss", "accuracy", "log_loss"]


def test_commands_are_not_wrapped(show):
    summary = TrackingSummary(command="MLFLOW_TRACKING_URI=sqlite:////a/long/way/to/mlflow.db python -m lossexp.ui")
    output = show(terminal.run_summary, finished_run("loss=bce"), summary, width=40)
    typed = "dataset=moons dataset.n_samples=60"
    assert f"compare  python -m lossexp -m {typed} loss=mse,bce,cce optimizer.lr=0.01,0.1,1" in output.splitlines()
    assert f"curves   {summary.command}" in output.splitlines()


def test_without_a_tracker_there_is_no_command_for_curves(show):
    assert "curves " not in show(terminal.run_summary, finished_run("loss=bce"), TrackingSummary())


def test_a_diverged_run_says_so_and_what_to_try(show):
    run = finished_run("loss=bce", n_epochs=3, best=0, ending="diverged")
    words = " ".join(show(terminal.run_summary, run, TrackingSummary()).split())
    assert "Diverged in epoch 3; the weights of epoch 2 are kept. Try a smaller optimizer.lr." in words


def test_a_run_that_diverged_before_its_first_epoch_has_no_table(show):
    run = finished_run("loss=bce", n_epochs=0, kept=0, ending="diverged")
    output = show(terminal.run_summary, run, TrackingSummary())
    assert "Diverged: the loss of the initial model is not finite." in output
    assert "gap" not in output


def test_names_can_neither_style_nor_move_the_cursor(show):
    run = finished_run("loss=bce")
    run.job = dataclasses.replace(run.job, choices={**run.job.choices, "dataset": "[bold]\x1b[2J\rmoons"})
    output = show(terminal.run_summary, run, TrackingSummary(problem="lost [red]\x07"))
    assert not CONTROL.search(output)
    assert "[bold] [2J moons" in output
    assert "lost [red] " in output


def test_plain_text_keeps_what_can_be_printed():
    assert plain("données [64] 損失 a\tb\x1b[0m\udcff") == "données [64] 損失 a b [0m "


def test_output_that_cannot_be_encoded_does_not_fail(monkeypatch):
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", file)
    console().print("± ●")
    file.flush()
    assert file.buffer.getvalue() == b"? ?\n"


def sweep(values, **common):
    """Return one run per set of overrides, with the validation accuracy and log loss it ends with."""
    runs = []
    for overrides, (accuracy, log_loss) in values.items():
        curves = {"loss": 0.5, "accuracy": accuracy - 0.101, "log_loss": log_loss - 0.101, "brier": 0.1}
        runs.append(finished_run(*overrides.split(), curves=curves, **common))
    return runs


def rows_of(output):
    lines = output.splitlines()
    return [line.split() for line in lines[: lines.index(next(line for line in lines if "ranked by" in line))]]


def test_a_sweep_is_ranked_by_accuracy_then_log_loss_whatever_the_loss(show):
    runs = sweep(
        {
            "loss=bce optimizer.lr=0.1": (0.9, 0.3),
            "loss=mse optimizer.lr=0.1": (0.95, 0.4),
            "loss=mse optimizer.lr=1": (0.95, 0.2),
        }
    )
    output = show(terminal.sweep_summary, runs, TrackingSummary(), NOTHING_COMPARED)
    assert rows_of(output) == [
        ["loss", "lr", "accuracy", "log_loss", "brier"],
        ["mse", "1", "0.9500", "0.2000", "0.2010"],
        ["mse", "0.1", "0.9500", "0.4000", "0.2010"],
        ["bce", "0.1", "0.9000", "0.3000", "0.2010"],
    ]
    assert "ranked by accuracy, then log_loss, not by the loss" in output
    assert "Best learning rate of each loss: mse 1, bce 0.1" in output


@pytest.mark.parametrize(("swept", "is_shown"), [("optimizer.lr", True), ("training.epochs", False)])
def test_a_sweep_says_how_to_compare_its_losses_where_that_can_be_done(show, swept, is_shown):
    runs = sweep({f"loss={loss} {swept}={value}": (0.9, 0.3) for loss in ("bce", "mse") for value in (1, 2)})
    output = show(terminal.sweep_summary, runs, TrackingSummary(), NOTHING_COMPARED)
    commands = [line for line in output.splitlines() if line.startswith("compare")]
    assert [line.endswith(f"loss=bce,mse {swept}=1,2") for line in commands] == [True] * is_shown


@pytest.mark.parametrize(("encoding", "sign"), [("utf-8", "±"), ("ascii", "+-")])
def test_seeds_are_one_row_with_their_spread(show, encoding, sign):
    runs = sweep({"loss=bce seed=1": (0.9, 0.3), "loss=bce seed=2": (0.8, 0.5), "loss=mse seed=1": (0.7, 0.6)})
    output = show(terminal.sweep_summary, runs, TrackingSummary(), NOTHING_COMPARED, encoding=encoding)
    assert rows_of(output)[1:] == [
        ["bce", "2", "0.8500", sign, "0.071", "0.4000", sign, "0.14", "0.2010", sign, "0"],
        ["mse", "1", "0.7000", "0.6000", "0.2010"],
    ]


def test_diverged_runs_are_last_and_counted(show):
    runs = sweep({"loss=bce optimizer.lr=1": (0.9, 0.3), "loss=bce optimizer.lr=9": (0.99, 0.1)})
    runs[1].finished = dataclasses.replace(runs[1].finished, ending="diverged")
    output = show(terminal.sweep_summary, runs, TrackingSummary(), NOTHING_COMPARED)
    assert rows_of(output)[-1] == ["9", "diverged", "diverged", "diverged"]
    assert "1 of 2 runs diverged." in output


def test_a_narrow_terminal_gets_fewer_metrics_and_all_settings(show):
    values = {
        f"loss={loss} optimizer.momentum={m} seed={s}": (0.9, 0.3)
        for loss in ("bce", "mse")
        for m in (0, 0.9)
        for s in (1, 2)
    }
    output = show(terminal.sweep_summary, sweep(values), TrackingSummary(), NOTHING_COMPARED, width=42)
    assert rows_of(output)[0] == ["loss", "momentum", "runs", "accuracy"]
    assert all(len(line) <= 42 for line in output.splitlines() if not line.startswith(("folder", "compare")))


def test_settings_whose_short_names_are_the_same_keep_their_long_ones(show):
    values = {
        f"optimizer.lr={a} model.scale={b} dataset.val_fraction={c}": (0.9, 0.3)
        for a, b, c in [(1, 0, 0.3), (2, 1, 0.4)]
    }
    runs = sweep(values)
    for run in runs:
        run.overrides["model.lr"] = run.overrides.pop("model.scale")
    output = show(terminal.sweep_summary, runs, TrackingSummary(), NOTHING_COMPARED)
    assert rows_of(output)[0][:3] == ["optimizer.lr", "val_fraction", "model.lr"]


def test_only_the_first_rows_of_a_long_table_are_shown(show):
    runs = sweep({f"optimizer.lr={lr}": (0.9 - 0.01 * lr, 0.3) for lr in range(1, 26)})
    output = show(terminal.sweep_summary, runs, TrackingSummary(), NOTHING_COMPARED)
    shown = [row[0] for row in rows_of(output) if row[0].isdigit()]
    assert shown == [str(lr) for lr in range(1, 21)]
    assert "... and 5 more" in output


def test_datasets_are_ranked_apart(show):
    regression = {"loss": 0.5, "rmse": 2000.0, "mae": 12.0, "r2": 0.5}
    runs = [
        finished_run("dataset=moons", "loss=mse"),
        finished_run("dataset=linear", "loss=mse", curves=regression, base=["tracker=none"]),
    ]
    output = show(terminal.sweep_summary, runs, TrackingSummary(), NOTHING_COMPARED)
    assert "ranked by accuracy" in output
    assert "ranked by rmse" in output
    assert re.search(r"rmse +mae +r2\n *2000 +12.10 +0.6010", output)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5000"),
        (1.0, "1.000"),
        (-0.0012345, "-0.001234"),
        (2859.6963, "2860"),
        (123456.7, "123457"),
        (1234567.0, "1.235e+06"),
        (1.5e-7, "1.500e-07"),
        (0.0, "0.000"),
        (float("nan"), "nan"),
    ],
)
def test_numbers_have_four_significant_digits(value, text):
    assert terminal.number(value) == text


def test_where_all_runs_diverged_smaller_steps_are_advised_and_no_more_seeds(show):
    runs = sweep({"loss=bce optimizer.lr=9": (0.9, 0.3), "loss=mse optimizer.lr=9": (0.9, 0.3)})
    for run in runs:
        run.finished = dataclasses.replace(run.finished, ending="diverged")
    output = show(terminal.sweep_summary, runs, TrackingSummary(), NOTHING_COMPARED)
    assert "2 of 2 runs diverged. Try a smaller optimizer.lr." in output
    assert "seed=range(10)" not in output


def test_a_heading_is_one_line(show):
    run = finished_run("loss=bce")
    run.job = dataclasses.replace(run.job, choices={**run.job.choices, "dataset": "moons" * 40})
    first, second, *_ = show(terminal.run_summary, run, TrackingSummary(), width=60).splitlines()
    assert first == ("moons" * 40)[:57] + "..."
    assert second.startswith("Completed")
