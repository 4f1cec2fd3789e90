"""How far training is: a bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lossexp.pictures import TRAIN
from lossexp.run import Run
from lossexp.terminal import console, plain, say

if TYPE_CHECKING:
    from lossexp.training import Epoch

REFRESH_SECONDS = 0.1
LINE_SECONDS = 10.0
"""Where output is no terminal, a line of progress is written this often."""

_NUMBERS_WIDTH = 54
"""Characters that a bar of some length, losses and the remaining time take, besides the numbers of epochs."""

_LEAST_WIDTH = 50
"""Where a terminal has fewer columns, there are no numbers of epochs either."""


class Progress:
    """Progress over all epochs of all runs; told of every epoch, writes a line now and then."""

    pause = LINE_SECONDS

    def __init__(self, n_epochs: int, n_runs: int) -> None:
        self.n_epochs, self.n_runs = n_epochs, n_runs
        self.done, self.finished = 0, 0
        self._started = time.monotonic()
        self._due = self._started + self.pause

    def update(self, epoch: Epoch, runs: Sequence[Run]) -> None:
        """Take in an epoch of a stack of runs."""
        for end in epoch.finished:
            # A run that ends early has no epochs to come.
            self.done += runs[end.run].job.experiment.training.epochs - epoch.number
        self.finished += len(epoch.finished)
        self.done += len(epoch.runs) if epoch.number else 0
        now = time.monotonic()
        if now >= self._due:
            self._due = now + self.pause
            self.show(epoch)

    def state(self, epoch: Epoch) -> str:
        """Return both losses of a single run; of many, whose losses have different scales, how many are done."""
        if self.n_runs > 1:
            return f"{self.finished} of {self.n_runs} runs done"
        if not len(epoch.runs):
            return ""
        train, val = (float(epoch.metrics[f"{split}/loss"][0]) for split in ("train", "val"))
        return f"train {train:<9.4g} val {val:<9.4g}"

    def show(self, epoch: Epoch) -> None:
        """Write one plain line."""
        pace = (time.monotonic() - self._started) / max(self.done, 1)
        left = timedelta(seconds=round(pace * (self.n_epochs - self.done)))
        say(f"{self.done}/{self.n_epochs} epochs  {self.state(epoch)}  {left} left")


class _Bar(Progress):
    """A bar that redraws itself."""

    pause = REFRESH_SECONDS

    def __init__(self, n_epochs: int, n_runs: int, bar: Any, task: Any) -> None:
        super().__init__(n_epochs, n_runs)
        self.bar, self.task = bar, task

    def show(self, epoch: Epoch) -> None:
        self.bar.update(self.task, completed=self.done, state=self.state(epoch), refresh=True)


@contextmanager
def training(n_runs: int, n_epochs: int, label: str) -> Iterator[Progress]:
    """Show progress while the context lasts."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    screen = console()
    if not screen.is_interactive:
        yield Progress(n_epochs, n_runs)
        return
    room = max(screen.width - _NUMBERS_WIDTH - 2 * len(str(n_epochs)), 0)
    columns = (
        *([TextColumn("{task.description}", markup=False)] if room else []),
        BarColumn(bar_width=None, complete_style=TRAIN, finished_style=TRAIN),
        *([MofNCompleteColumn()] if screen.width >= _LEAST_WIDTH + 2 * len(str(n_epochs)) else []),
        TextColumn("{task.fields[state]}", style="dim", markup=False),
        TimeRemainingColumn(compact=True),
    )
    with Bar(*columns, console=screen, auto_refresh=False, transient=True, expand=True) as bar:
        task = bar.add_task(plain(label)[:room], total=max(n_epochs, 1), state="")
        yield _Bar(n_epochs, n_runs, bar, task)


def waiting(what: str) -> AbstractContextManager[object]:
    """Show in a terminal what is being waited for."""
    screen = console()
    return screen.status(what) if screen.is_interactive else nullcontext()
