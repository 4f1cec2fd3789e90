"""What a person sees in the terminal when training is over: numbers, a curve, and what to type next."""

from __future__ import annotations

import io
import math
import os
import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lossexp import metrics, ranking
from lossexp.pictures import ALARM, TRAIN, VALIDATION
from lossexp.run import Run
from lossexp.text_curves import draw

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from lossexp.comparing import Compared
    from lossexp.datasets.card import DataCard
    from lossexp.engines import Engine
    from lossexp.sweeping import Plan
    from lossexp.trackers import TrackingSummary

SHOWN_ROWS = 20
SHOWN_FAILURES = 3
PIPED_WIDTH = 120
CURVE_WIDTH = 66
SPLIT_STYLES = {"train": TRAIN, "val": VALIDATION}


def console() -> Console:
    """Return a console for standard output, which writes a question mark for what its encoding does not have."""
    from rich.console import Console

    class Screen(Console):
        def on_broken_pipe(self) -> None:  # as of `| head`: training goes on where rich would end the process
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    return Screen(highlight=False, emoji=False, markup=False, width=width)


def plain(text: str) -> str:
    """Return text from outside with spaces for what would move the cursor or change the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def cut(screen: Console, text: str) -> str:
    """Return a heading in one line: what is wider than the screen, such as the terms of a sum, ends in dots."""
    text = plain(text)
    return text if len(text) <= screen.width else text[: screen.width - 3] + "..."


def run_summary(run: Run, tracking: TrackingSummary) -> None:
    """Show how one run went."""
    from rich.text import Text

    screen = console()
    screen.print(cut(screen, f"{run.job.choices['dataset']}: {run.job.name}"), style="bold")
    screen.print(plain(run.description(with_losses=False)), style=ALARM if run.problem else None)
    if run.verdict is not None and run.finished and run.finished.ending != "diverged":
        screen.print(plain(run.verdict.sentence), style=ALARM if run.problem or run.verdict.is_overfit else None)
    if run.epochs:
        screen.print()
        print_fitting(screen, _panel(run))
        screen.print("best: least validation loss; gap: validation minus train", style="dim")
    if len(run.epochs) > 1:
        screen.print()
        width = min(CURVE_WIDTH, screen.width)
        for line in draw(run.history, run.best_epoch or 0, width=width, ascii_only=screen.options.ascii_only):
            screen.print(Text.assemble(*((text, colour or "dim") for text, colour in line)))
    print_places(screen, [run], tracking)


def say(text: str) -> None:
    """Show lines of text."""
    screen = console()
    for line in text.splitlines():
        screen.print(plain(line))


def data_cards(cards: Sequence[DataCard | None]) -> None:
    """Show what is known of files, each once; of data that are known there is nothing to show."""
    from rich.table import Table
    from rich.text import Text

    screen = console()
    for card in {id(card): card for card in cards if card}.values():
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        for heading, text in card.lines():
            style = ALARM if heading == "suspect" else ""
            table.add_row(Text(heading, style="dim"), Text(plain(text), style))
        screen.print(table)
        screen.print()


def plan(planned: Plan, engine: Engine) -> None:
    """Say what a sweep is going to do."""
    screen = console()
    for reason in planned.skipped:
        screen.print(f"Skipped: {plain(reason)}")
    sizes = [len(stack) for stack in planned.stacks]
    largest = max(planned.stack_bytes(stack) for stack in planned.stacks)
    of = f"{min(sizes)} to {max(sizes)}" if min(sizes) < max(sizes) else f"{max(sizes)}"
    screen.print(
        f"{len(planned.jobs)} run{'s' * (len(planned.jobs) != 1)}, {planned.n_epochs} epochs, trained in "
        f"{len(sizes)} stack(s) of {of}: {plain(planned.reason)}."
    )
    screen.print(f"Largest stack: about {largest / 2**20:.0f} MiB. Backend: {engine.backend}, n_jobs={engine.n_jobs}.")


def sweep_summary(
    runs: Sequence[Run], tracking: TrackingSummary, compared: Compared, reports: Sequence[Path] = ()
) -> None:
    """Show the runs of a sweep, the best first, each dataset on its own."""
    from lossexp import comparison_table

    screen = console()
    datasets = ranking.by_dataset(runs)
    for place, (dataset, same) in enumerate(datasets.items()):
        if len(datasets) > 1:
            screen.print(("\n" if place else "") + plain(dataset), style="bold")
        _print_ranking(screen, ranking.rank(same))
        if contest := compared.contests.get(dataset):
            comparison_table.show(screen, contest)
        elif sum(not run.problem for run in same) > 1 and len({run.job.experiment.seed for run in same}) == 1:
            chance = "One seed does not tell a difference from chance; seed=range(10) may."
            screen.print(plain(compared.remarks.get(dataset, chance)), style="dim")
    comparison_table.show_ranks(screen, compared)
    comparison_table.show_notes(screen, compared)
    print_problems(screen, runs)
    print_places(screen, runs, tracking, reports)


def print_problems(screen: Console, runs: Sequence[Run]) -> None:
    """Say how many runs diverged or failed, and why."""
    for problem, count in Counter(run.problem for run in runs if run.problem).items():
        hint = " Try a smaller optimizer.lr." if problem == "diverged" and count == len(runs) else ""
        screen.print(f"{count} of {len(runs)} runs {problem}.{hint}", style=ALARM)
    for failure in list(dict.fromkeys(run.failure for run in runs if run.failure))[:SHOWN_FAILURES]:
        screen.print(f"  {plain(failure)}")


def _print_ranking(screen: Console, rows: Sequence[ranking.Row]) -> None:
    target = rows[0].runs[0].data.target
    print_fitting(screen, _ranking(rows, metrics.names(target), screen.options.ascii_only))
    if len(rows) > SHOWN_ROWS:
        screen.print(f"... and {len(rows) - SHOWN_ROWS} more")
    first, second = (name.partition("/")[2] for name in ranking.criterion(target))
    screen.print(f"Validation split at the end; ranked by {first}, then {second}, not by the loss", style="dim")
    rates = {loss: row.settings.get("optimizer.lr") for loss, row in ranking.best_per_loss(rows).items() if row.means}
    if best := ", ".join(f"{loss} {rate}" for loss, rate in rates.items() if rate):
        screen.print(plain(f"Best learning rate of each loss: {best}"))
    counts = ranking.in_words(ranking.verdicts([run for row in rows for run in row.runs]))
    screen.print(f"Verdicts, corrected for the number of runs: {counts}")


Columns = dict[str, list[str]]
"""A table: cells by the head of their column."""


def _ranking(rows: Sequence[ranking.Row], names: Sequence[str], ascii_only: bool) -> tuple[Columns, Columns]:
    """Return settings and metrics of the first rows."""
    rows = rows[:SHOWN_ROWS]
    endings = Counter(name.rpartition(".")[2] for name in rows[0].settings)
    short = {name: end if endings[end := name.rpartition(".")[2]] == 1 else name for name in rows[0].settings}
    settings = {plain(short[name]): [plain(row.settings[name]) for row in rows] for name in rows[0].settings}
    if any(len(row.runs) > 1 for row in rows):
        lost = [f" ({len(row.problems)} lost)" if row.problems and row.means else "" for row in rows]
        settings["runs"] = [f"{len(row.runs)}{note}" for row, note in zip(rows, lost, strict=True)]
    sign = "+-" if ascii_only else "±"
    return settings, {name: aligned(name, [_spread(row, f"val/{name}", sign) for row in rows]) for name in names}


def _spread(row: ranking.Row, name: str, sign: str) -> str:
    if name not in row.means:
        return row.problems[0]
    deviation = row.deviations[name]
    return number(row.means[name]) + ("" if math.isnan(deviation) else f" {sign} {deviation:.2g}")


def _panel(run: Run) -> tuple[Columns, Columns]:
    """Return the metrics of a run at its best epoch, at its last, and on the test split at the one it keeps."""
    assert run.finished is not None
    rows: list[tuple[str, str, dict[str, float]]] = []
    best, last = run.best_epoch or 0, run.epochs[-1]
    for label, epoch in {"best": best, "last": last}.items() if best != last else [("best, last", last)]:
        train, val = _measured(run, "train", epoch), _measured(run, "val", epoch)
        rows += [(f"{label} {epoch}", "train", train), ("", "val", val)]
    rows.append(("", "gap", {name: val[name] - train[name] for name in train}))
    if test := _measured(run, "test", run.finished.epoch):
        rows.append((f"kept {run.finished.epoch}", "test", test))
    names = dict.fromkeys(name for *_, values in rows for name in values)
    cells = {name: [number(values[name]) if name in values else "" for *_, values in rows] for name in names}
    labels, splits, _ = zip(*rows, strict=True)
    return {"epoch": [*labels], "": [*splits]}, {name: aligned(name, numbers) for name, numbers in cells.items()}


def _measured(run: Run, split: str, epoch: int) -> dict[str, float]:
    """Return what was measured on a split at an epoch, by metric."""
    assert run.finished is not None
    known = {name: values[run.epochs.index(epoch)] for name, values in run.metrics.items()}
    if epoch == run.finished.epoch:
        known |= run.finished.metrics
    return {name.partition("/")[2]: value for name, value in known.items() if name.startswith(f"{split}/")}


def print_fitting(screen: Console, columns: tuple[Columns, Columns]) -> None:
    """Print a table of texts and numbers, without the last columns of numbers where the terminal is too narrow."""
    texts, numbers = columns
    unlimited = screen.options.update(max_width=10_000)
    while screen.measure(_table(texts, numbers), options=unlimited).maximum > screen.width and len(numbers) > 1:
        numbers.popitem()
    screen.print(_table(texts, numbers))


def _table(texts: Columns, numbers: Columns) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in texts:
        table.add_column(Text(name), no_wrap=True)
    for name, cells in numbers.items():
        table.add_column(Text(name.rjust(len(cells[0]))), no_wrap=True)
    for row in zip(*texts.values(), *numbers.values(), strict=True):
        table.add_row(*(Text(cell, SPLIT_STYLES.get(cell, "")) for cell in row))
    return table


def number(value: float) -> str:
    """Return four significant digits, or the whole number where that has four to six."""
    return f"{value:.0f}" if 1e3 <= abs(value) < 1e6 else f"{value:#.4g}"


def aligned(head: str, numbers: Sequence[str]) -> list[str]:
    """Pad the cells of a column to one width, with the decimal points of numbers below each other."""
    fractions = [0 if number[-1:].isalpha() else len(number.lstrip("-0123456789")) for number in numbers]
    padded = [
        number if number[-1:].isalpha() else number + " " * (max(fractions) - fraction)
        for number, fraction in zip(numbers, fractions, strict=True)
    ]
    width = max(map(len, (head, *padded)))
    return [number.rjust(width) for number in padded]


def print_places(screen: Console, runs: Sequence[Run], tracking: TrackingSummary, reports: Sequence[Path] = ()) -> None:
    """Show where the runs are, and what to type next."""
    from lossexp import comparing

    folder = Path(os.path.commonpath([run.record.path for run in runs]))
    lines = ["", *(f"report   {_relative(report)}" for report in reports), f"folder   {_relative(folder)}"]
    lines += [f"MLflow   {tracked.link}" for tracked in tracking.runs.values() if tracked.link][:1]
    lines += [f"curves   {tracking.command}"] if tracking.command else []
    if len(runs) == 1:
        losses = "mse,bce,cce" if runs[0].data.target.task.is_classes else "mse,mae,huber"
        typed = [override for override in runs[0].job.overrides if override.startswith("dataset")]
        chosen = shlex.join([*comparing.config_dir(), *(typed or [f"dataset={runs[0].job.choices['dataset']}"])])
        lines.append(f"compare  python -m lossexp -m {chosen} loss={losses} optimizer.lr=0.01,0.1,1")
    elif runs[0].job.sweep.protocol == "none" and (command := comparing.command(runs)):
        lines.append(f"compare  {command}")
    if tracking.problem:
        lines += ["", *tracking.problem.splitlines()]
    for line in lines:  # to be copied, so never wrapped
        screen.print(plain(line), soft_wrap=True)


def _relative(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
