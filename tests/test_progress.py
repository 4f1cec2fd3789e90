import io
import re
import time
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from lossexp import progress
from lossexp.training import Epoch, Finished

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


def epoch(number, *, train=0.5, val=0.25, n_runs=1, finished=()):
    metrics = {"train/loss": np.full(n_runs, train), "val/loss": np.full(n_runs, val)}
    ends = [Finished(run, "completed", number, [], {}) for run in finished]
    return Epoch(number, np.arange(n_runs), metrics, ends)


def run(n_epochs):
    training = SimpleNamespace(epochs=n_epochs)
    return SimpleNamespace(job=SimpleNamespace(experiment=SimpleNamespace(training=training)))


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when told to."""
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: now.seconds)
    return now


def screen(monkeypatch, width, encoding="utf-8"):
    """Let progress draw on a terminal in memory."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")
    terminal = Console(file=file, width=width, force_terminal=True, color_system=None, markup=False, highlight=False)
    monkeypatch.setattr(progress, "console", lambda: terminal)
    return file


def frames(file):
    file.flush()
    text = file.buffer.getvalue().decode(file.encoding)
    return [frame for frame in re.split(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\n]", text) if frame.strip()]


def test_a_pipe_gets_a_plain_line_every_ten_seconds(capsys, clock):
    with progress.training(1, 100, "bce lr=0.1") as shown:
        for number in range(1, 26):
            clock.seconds += 1
            shown.update(epoch(number), [run(100)])
    lines = capsys.readouterr().out.splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "10/100 epochs train 0.5 val 0.25 0:01:30 left",
        "20/100 epochs train 0.5 val 0.25 0:01:20 left",
    ]
    assert not any(CONTROL.search(line) for line in lines)


def test_a_short_run_in_a_pipe_writes_nothing(capsys):
    with progress.training(1, 3, "bce lr=0.1") as shown:
        shown.update(epoch(1), [run(3)])
    assert capsys.readouterr().out == ""


def test_a_dumb_terminal_gets_lines(monkeypatch, capsys):
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(progress, "console", lambda: Console(force_terminal=True))
    with progress.training(1, 3, "bce lr=0.1") as shown:
        assert type(shown) is progress.Progress
    assert capsys.readouterr().out == ""


def test_runs_that_end_early_count_as_all_of_their_epochs(clock):
    shown = progress.Progress(n_epochs=20, n_runs=2)
    runs = [run(10), run(10)]
    shown.update(epoch(0, n_runs=2), runs)
    shown.update(epoch(1, n_runs=2), runs)
    shown.update(epoch(2, n_runs=2, finished=[0]), runs)
    assert (shown.done, shown.finished) == (4 + 8, 1)
    shown.update(epoch(3, n_runs=1, finished=[1]), runs)
    assert (shown.done, shown.finished) == (20, 2)


def test_a_sweep_shows_how_many_runs_are_done(capsys, clock):
    shown = progress.Progress(n_epochs=20, n_runs=2)
    clock.seconds = 11
    shown.update(epoch(5, n_runs=2, finished=[0]), [run(10), run(10)])
    assert "1 of 2 runs done" in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_bar_fits_the_terminal_and_shows_losses_and_time(monkeypatch, clock, width, encoding):
    file = screen(monkeypatch, width, encoding)
    with progress.training(1, 20_000, "mlp cce optimizer.lr=0.1 [64] seed=3") as shown:
        for number in range(1, 12):
            clock.seconds += 1
            shown.update(epoch(number, train=0.00012345, val=12345.678), [run(20_000)])
    last = frames(file)[-1]
    assert len(last) <= width
    assert "…" not in last
    assert "?" not in last
    assert re.search(r" train 0.0001234 val 1.235e\+04 +\S*\d:\d\d", last), last
    assert ("11/20000" in last) == (width >= 60)
    assert ("[64]" in last) == (width == 120)


def test_a_bar_redraws_ten_times_per_second_at_most(monkeypatch, clock):
    file = screen(monkeypatch, 80)
    with progress.training(1, 1000, "bce") as shown:
        before = len(frames(file))
        for number in range(1, 1001):
            clock.seconds += 0.001
            shown.update(epoch(number), [run(1000)])
        assert len(frames(file)) - before <= 10


def test_an_update_that_shows_nothing_is_cheap():
    shown, event, runs = progress.Progress(n_epochs=10**6, n_runs=1), epoch(1), [run(10)]
    best = min(_seconds(lambda: shown.update(event, runs)) for _ in range(5))
    assert best < 20e-6


def _seconds(call, n=1000):
    start = time.process_time()
    for _ in range(n):
        call()
    return (time.process_time() - start) / n
