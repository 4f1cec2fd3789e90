"""`python -m lossexp.sync`: bring MLflow up to date with the run folders.

By hand it is for the time after a crash or while a server was down. With `--follow` it is the child process of
`lossexp.trackers.Mlflow`: run folders with news come in on standard input, one summary goes out at the end.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import json
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from lossexp import leftovers
from lossexp.errors import EXIT_USER_ERROR, LossexpError, StorageError
from lossexp.record import Record
from lossexp.trackers.base import TrackedRun
from lossexp.trackers.projection import Projection
from lossexp.trackers.store import check_uri, database, load_mlflow, shown, store_uri, sync_command

_SECONDS_OF_NEWS = 1.0
"""News is collected for so long before it is written: how far MLflow lags behind a run that is going on."""


class Worklist:
    """Run folders that are to be projected. What fails stays on the list, with the reason."""

    def __init__(self, root: Path, uri: str) -> None:
        self.done: dict[Path, TrackedRun] = {}
        self.waiting: dict[Path, str] = {}
        self._root, self._uri = root, uri

    @functools.cached_property
    def projection(self) -> Projection:
        """The way into the store, opened when it is first needed."""
        return Projection(self._root, self._uri)

    def work(self) -> None:
        """Project everything on the list, as long as the store answers."""
        try:
            for folder in list(self.waiting):
                projection = self.projection
                try:
                    self.done[folder] = projection.project(Record(folder))
                    del self.waiting[folder]
                except Exception as error:  # whatever is wrong with one folder does not stop the others
                    self.waiting[folder] = f"{folder}: {error}"
                    projection.check()
        except StorageError as error:
            self.waiting = dict.fromkeys(self.waiting, str(error))

    def look_back(self) -> None:
        """Put everything on the list again if the database was removed in the meantime."""
        path = database(self._uri)
        if self.done and path and not path.exists():
            self.waiting |= dict.fromkeys(self.done, f"The MLflow store {path} was removed.")
            self.done = {}

    @property
    def problem(self) -> str | None:
        """What keeps folders on the list, in one message."""
        if not self.waiting:
            return None
        return (
            f"{len(self.waiting)} run folder(s) not in MLflow yet. {next(iter(self.waiting.values()))}\n"
            f"Nothing is lost. When this is mended, fill MLflow: {sync_command(self._root, self._uri)}"
        )


def sync(root: Path, uri: str) -> str:
    """Project every run folder that is not in MLflow with its end, after closing those of killed commands.

    Returns:
        A summary.

    Raises:
        StorageError: The store is no store, there are no run folders, or some could not be projected.
    """
    check_uri(uri)
    folders = sorted(path.parent for path in root.glob("records/*/*/run.json"))
    if not folders:
        raise StorageError(f"No run folders in {root / 'records'}. Where are they? python -m lossexp.sync FOLDER")
    worklist = Worklist(root, uri)
    with leftovers.running(root):
        _list_what_is_missing(worklist, folders)
    worklist.work()
    if worklist.problem:
        raise StorageError(worklist.problem)
    n_open = sum(Record(folder).outcome is None for folder in worklist.done)
    still_open = f", {n_open} of them without an end: still running, or killed while others run" if n_open else ""
    return f"{len(worklist.done)} of {len(folders)} run folders brought up to date in {shown(uri)}{still_open}."


def _list_what_is_missing(worklist: Worklist, folders: Sequence[Path]) -> None:
    """Put the run folders on the list that are not in MLflow with their end."""
    ended: dict[str, dict[str, int | None]] = {}
    for folder in folders:
        with contextlib.suppress(OSError, ValueError, TypeError):  # an unreadable folder gets its message below
            record = Record(folder)
            experiment, outcome = record.sheet.experiment, record.outcome
            if experiment not in ended:
                ended[experiment] = worklist.projection.ended(experiment)
            if folder.name in ended[experiment]:
                end = ended[experiment][folder.name]
                if end is None or (outcome and end == outcome.ended):
                    continue
        worklist.waiting[folder] = ""


def follow(root: Path, uri: str, lines: Iterable[str]) -> dict[str, Any]:
    """Project run folders while they grow, until the lines end. Return what `Mlflow` makes a summary of.

    Args:
        root: The output folder.
        uri: The store.
        lines: One run folder with news each, relative to the output folder.
    """
    news: SimpleQueue[str | None] = SimpleQueue()
    threading.Thread(target=_listen, args=(lines, news), daemon=True).start()
    load_mlflow(uri)
    worklist = Worklist(root, uri)
    for batch in _batches(news):
        worklist.waiting |= {root / name: "" for name in batch}
        worklist.work()
    worklist.look_back()
    runs = {os.path.relpath(folder, root): dataclasses.asdict(run) for folder, run in worklist.done.items()}
    return {"runs": runs, "problem": worklist.problem}


def _listen(lines: Iterable[str], news: SimpleQueue[str | None]) -> None:
    """Read without pause, so that the writer never finds the pipe full; None marks the end."""
    for line in lines:
        news.put(line.rstrip("\n"))
    news.put(None)


def _batches(news: SimpleQueue[str | None]) -> Iterator[list[str]]:
    """Yield the news of each second without repetitions, and what is left when the news end."""
    ended = False
    while not ended:
        batch = {news.get(): None}
        deadline = time.monotonic() + _SECONDS_OF_NEWS
        with contextlib.suppress(Empty):
            while None not in batch:
                batch[news.get(timeout=max(0.0, deadline - time.monotonic()))] = None
        ended = None in batch
        yield [name for name in batch if name is not None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m lossexp.sync",
        description="Bring MLflow up to date with the run folders, after a crash or while a server was down. "
        "The store is MLFLOW_TRACKING_URI, else mlflow.db in the output folder.",
    )
    parser.add_argument("runs", nargs="?", type=Path, default=Path("runs"), help="the output folder (default: runs)")
    parser.add_argument("--follow", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    root = options.runs.absolute()
    uri = store_uri(root)
    try:
        # What is printed is read by the parent, or by a user: nothing that MLflow and its plugins print comes between.
        with contextlib.redirect_stdout(sys.stderr):
            said = json.dumps(follow(root, uri, sys.stdin)) if options.follow else sync(root, uri)
        print(said)
    except LossexpError as error:
        print(f"lossexp: {error}", file=sys.stderr)
        return EXIT_USER_ERROR
    except KeyboardInterrupt:
        print("lossexp: interrupted; the same command goes on from here.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
