"""What a person sees in the terminal: progress while it runs, then numbers, a curve, and what to type next."""

from __future__ import annotations

import math
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lossexp import metrics, ranking
from lossexp.pictures import TRAIN, VALIDATION
from lossexp.run import Run
from lossexp.text_curves import draw

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from lossexp.engines import Engine
    from lossexp.sweeping import Plan
    from lossexp.trackers import TrackingSummary
    from lossexp.training import Epoch

REFRESH_SECONDS = 0.1
LINE_SECONDS = 10.0
"""Where output is no terminal, a line of progress is written this often."""

SHOWN_ROWS = 20
SHOWN_FAILURES = 3
PIPED_WIDTH = 120


def console() -> Console:
    """Return a console for standard output."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else PIPED_WIDTH
    return Console(highlight=False, emoji=False, width=width)


class Progress:
    """Progress over all epochs of all runs; told of every epoch, shows a few of them."""

    def __init__(self, n_epochs: int, n_runs: int) -> None:
        self.n_epochs, self.n_runs = n_epochs, n_runs
        self.done, self.finished = 0, 0
        self.best_val = math.inf
        self.text = ""
        self._due = time.monotonic() + self.pause

    pause = LINE_SECONDS

    def update(self, epoch: Epoch, runs: Sequence[Run]) -> None:
        """Take in an epoch of a stack of runs."""
        for end in epoch.finished:
            # A run that ends early has no epochs to come.
            self.done += runs[end.run].job.experiment.training.epochs - epoch.number
        self.finished += len(epoch.finished)
        self.done += len(epoch.runs) if epoch.number else 0
        if len(epoch.runs):
            self.best_val = min(self.best_val, float(epoch.metrics["val/loss"].min()))
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + self.pause
            self.show(epoch)

    def losses(self, epoch: Epoch) -> str:
        """Return the losses to show: of one run both, of many how far the sweep is."""
        if self.n_runs > 1:
            return f"{self.finished} of {self.n_runs} runs done"
        if not len(epoch.runs):
            return ""
        return f"train {epoch.metrics['train/loss'][0]:.4g}  val {epoch.metrics['val/loss'][0]:.4g}"

    def show(self, epoch: Epoch) -> None:
        """Write one plain line."""
        print(f"{self.done}/{self.n_epochs} epochs  {self.losses(epoch)}", flush=True)


class _Bar(Progress):
    """A bar that redraws itself."""

    pause = REFRESH_SECONDS

    def __init__(self, n_epochs: int, n_runs: int, bar: Any, task: Any) -> None:
        super().__init__(n_epochs, n_runs)
        self.bar, self.task = bar, task

    def show(self, epoch: Epoch) -> None:
        self.bar.update(self.task, completed=self.done, losses=self.losses(epoch), refresh=True)


@contextmanager
def progress(n_runs: int, n_epochs: int, label: str) -> Iterator[Progress]:
    """Show progress, as a bar in a terminal and as a line now and then elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    screen = console()
    if not screen.is_terminal:
        yield Progress(n_epochs, n_runs)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None, complete_style=VALIDATION, finished_style=TRAIN),
        MofNCompleteColumn(),
        TextColumn("{task.fields[losses]}", style="dim", markup=False),
        TimeRemainingColumn(compact=True),
    )
    with Bar(*columns, console=screen, auto_refresh=False, transient=True, expand=True) as bar:
        task = bar.add_task(label, total=max(n_epochs, 1), losses="")
        yield _Bar(n_epochs, n_runs, bar, task)


def waiting(what: str) -> AbstractContextManager[object]:
    """Show in a terminal what is being waited for."""
    screen = console()
    return screen.status(what) if screen.is_terminal else nullcontext()


def run_summary(run: Run, tracking: TrackingSummary) -> None:
    """Show how one run went."""
    screen = console()
    screen.print(f"[bold]{_escaped(run.job.choices['dataset'])}[/]: {_escaped(run.job.name)}")
    screen.print(_escaped(run.description()))
    if run.epochs:
        screen.print()
        screen.print(_run_table(run))
        if len(run.epochs) > 1:
            _print_curves(screen, run)
    _print_places(screen, [run], tracking)


def plan(planned: Plan, engine: Engine) -> None:
    """Say what a sweep is going to do."""
    screen = console()
    for reason in planned.skipped:
        screen.print(f"Skipped: {_escaped(reason)}")
    sizes = [len(stack) for stack in planned.stacks]
    largest = max(planned.stack_bytes(stack) for stack in planned.stacks)
    of = f"{min(sizes)} to {max(sizes)}" if min(sizes) < max(sizes) else f"{max(sizes)}"
    screen.print(
        f"{len(planned.jobs)} runs, {planned.n_epochs} epochs, trained in {len(sizes)} stack(s) of {of}: "
        f"{_escaped(planned.reason)}."
    )
    screen.print(f"Largest stack: about {largest / 2**20:.0f} MiB. Backend: {engine.backend}, n_jobs={engine.n_jobs}.")


def sweep_summary(rows: Sequence[ranking.Row], tracking: TrackingSummary) -> None:
    """Show the runs of a sweep, the best first."""
    screen = console()
    runs = [run for row in rows for run in row.runs]
    screen.print(sweep_table(rows))
    by = [name.partition("/")[2] for name in ranking.criterion(runs[0].data.target)]
    screen.print(
        f"[dim]On the validation split at the end, ranked by {by[0]}, then {by[1]}, which all losses share.[/]"
    )
    best = [
        f"{loss} {row.settings['optimizer.lr']}"
        for loss, row in ranking.best_per_loss(rows).items()
        if "optimizer.lr" in row.settings and row.means
    ]
    if best:
        screen.print(_escaped(f"Best learning rate of each loss: {', '.join(best)}"))
    for problem, count in Counter(problem for row in rows for problem in row.problems).items():
        screen.print(f"{count} of {len(runs)} runs {problem}.")
    for failure in list(dict.fromkeys(run.failure for run in runs if run.failure))[:SHOWN_FAILURES]:
        screen.print(_escaped(f"  {failure}"))
    _print_places(screen, runs, tracking)


def sweep_table(rows: Sequence[ranking.Row]) -> Table:
    """Return the ranked table of a sweep."""
    from rich.table import Table

    target = rows[0].runs[0].data.target
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0].settings:
        table.add_column(_escaped(name), no_wrap=True)
    several = any(len(row.runs) > 1 for row in rows)
    if several:
        table.add_column("runs", justify="right")
    shown = [f"val/{name}" for name in metrics.names(target)]
    for name in metrics.names(target):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows[:SHOWN_ROWS]:
        lost = f" ({len(row.problems)} lost)" if row.problems and row.means else ""
        counts = [f"{len(row.runs)}{lost}"] if several else []
        table.add_row(*map(_escaped, row.settings.values()), *counts, *(_spread(row, name) for name in shown))
    if len(rows) > SHOWN_ROWS:
        table.add_row(f"... and {len(rows) - SHOWN_ROWS} more")
    return table


def _spread(row: ranking.Row, name: str) -> str:
    if name not in row.means:
        return row.problems[0]
    deviation = row.deviations[name]
    return f"{row.means[name]:.4g}" + ("" if math.isnan(deviation) else f" {'±' if _can_show('±') else '+-'} {deviation:.2g}")


def _run_table(run: Run) -> Table:
    from rich.table import Table

    assert run.finished is not None
    best, last = run.epochs.index(run.best_epoch or 0), len(run.epochs) - 1
    table = Table(box=None, pad_edge=False, header_style="bold", caption_justify="left", caption_style="dim")
    table.add_column("")
    test = {name.partition("/")[2]: value for name, value in run.finished.metrics.items() if name.startswith("test/")}
    for head in ["best: train", "val", "last: train", "val", "gap", *(["test"] if test else [])]:
        table.add_column(head, justify="right", no_wrap=True)
    table.caption = (
        f"best: epoch {run.epochs[best]}, of least validation loss; last: epoch {run.epochs[last]}; gap: val - train"
    )
    for name in ("loss", *metrics.names(run.data.target)):
        train, val = run.metrics[f"train/{name}"], run.metrics[f"val/{name}"]
        cells = [train[best], val[best], train[last], val[last], val[last] - train[last]]
        extra = [_number(test[name])] if name in test else []
        table.add_row(name, *map(_number, cells), *extra)
    return table


def _print_curves(screen: Console, run: Run) -> None:
    from rich.text import Text

    history = run.history
    curves = {name: history.metrics[name] for name in ("train/loss", "val/loss")}
    marks = () if _can_show("\u28ff") else ("t", "v")
    styles = (TRAIN, VALIDATION)
    screen.print()
    for line in draw(history.epochs, curves, marks, width=min(60, max(screen.width - 14, 20))):
        screen.print(Text.assemble(*((text, styles[owner] if owner is not None else "dim") for text, owner in line)))
    dots = marks or ("\u2500\u2500", "\u2500\u2500")
    legend = Text.assemble((dots[0], TRAIN), " train loss   ", (dots[1], VALIDATION), " validation loss")
    screen.print(legend)


def _print_places(screen: Console, runs: Sequence[Run], tracking: TrackingSummary) -> None:
    screen.print()
    folder = runs[0].record.path if len(runs) == 1 else runs[0].record.path.parent
    lines = [f"folder   {_relative(folder)}"]
    lines += [f"MLflow   {tracked.link}" for tracked in tracking.runs.values() if tracked.link][:1]
    lines.append("curves   python -m lossexp.ui")
    if len(runs) == 1:
        losses = ",".join(sorted({"mse", runs[0].job.choices["loss"]}))
        dataset = runs[0].job.choices["dataset"]
        lines.append(f"compare  python -m lossexp -m dataset={dataset} loss={losses} optimizer.lr=0.01,0.1,1")
    if tracking.problem:
        lines += ["", tracking.problem]
    for line in lines:  # to be copied, so never wrapped
        screen.print(_escaped(line), soft_wrap=True)


def _relative(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _number(value: float) -> str:
    return f"{value:.4g}"


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _can_show(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
