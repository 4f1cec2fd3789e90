"""MLflow, filled by a child process so that neither its imports nor its writing stop the training."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from lossexp.errors import StorageError
from lossexp.trackers.base import Follower, TrackedRun, Tracker, TrackingSummary
from lossexp.trackers.store import check_uri, store_uri, sync_command, ui_command


@dataclass(frozen=True, kw_only=True)
class Mlflow(Tracker):
    """Projects run folders into an MLflow store or server.

    Attributes:
        uri: An MLflow tracking URI. Without one, `MLFLOW_TRACKING_URI` if that is set, else `mlflow.db` in the
            output folder.
    """

    uri: str | None = None

    def check(self) -> None:
        """Look at the kind of the store; whether it answers is found out while the training goes on."""
        check_uri(store_uri(Path(), self.uri))

    def start(self, root: Path) -> Follower:
        """Start the child process, which begins to import at once and makes nothing before the first news."""
        return _ChildFollower(root, store_uri(root, self.uri))


class _ChildFollower(Follower):
    """Tells `lossexp.sync --follow`, line by line, which run folders have news.

    The child has a session of its own, so Ctrl-C in the terminal reaches the parent only. When the parent ends,
    however suddenly, the pipe is closed, and the child finishes what it was told.
    """

    def __init__(self, root: Path, uri: str) -> None:
        self._root, self._uri = root, uri
        self._told: dict[str, Path] = {}
        self._unsent: dict[str, None] = {}
        # A file rather than a pipe: the child can write it to the end, whether or not somebody is there to read.
        self._answer = tempfile.TemporaryFile()  # noqa: SIM115  (open until close)
        self._summary: TrackingSummary | None = None
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "lossexp.sync", str(root), "--follow"],
                env={**os.environ, "MLFLOW_TRACKING_URI": uri},
                stdin=subprocess.PIPE,
                stdout=self._answer,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            self._answer.close()
            raise StorageError(
                f"The process that fills MLflow cannot be started: {error.strerror}. To go without: tracker=none"
            ) from error
        assert self._child.stdin
        self._pipe = self._child.stdin
        os.set_blocking(self._pipe.fileno(), False)

    def changed(self, record: Path) -> None:
        # Relative to the root: short and without line breaks, so that a write to the pipe happens whole or not at all.
        name = os.path.relpath(record, self._root)
        self._told[name] = record
        self._unsent[name] = None
        self._send()

    def close(self, timeout: float | None = None) -> TrackingSummary:
        if self._summary is None:
            self._summary = self._finish(timeout)
            self._answer.close()
        return self._summary

    def _send(self) -> None:
        """Write until the pipe is full; what is left goes with the next news."""
        try:
            for name in list(self._unsent):
                os.write(self._pipe.fileno(), os.fsencode(name) + b"\n")
                del self._unsent[name]
        except BlockingIOError:
            pass
        except OSError:  # the child is gone; its answer, or the lack of one, says why
            self._unsent.clear()

    def _finish(self, timeout: float | None) -> TrackingSummary:
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._unsent and select.select([], [self._pipe], [], _left(deadline))[1]:
            self._send()
        self._pipe.close()
        if not self._told:
            return TrackingSummary()
        command = ui_command(self._root, self._uri)
        try:
            code = self._child.wait(_left(deadline))
        except subprocess.TimeoutExpired:
            return TrackingSummary(problem="MLflow is still being filled, in the background.", command=command)
        self._answer.seek(0)
        try:
            answer = json.loads(self._answer.read())
        except ValueError:
            return TrackingSummary(
                problem=f"MLflow was not filled: its process ended early (exit code {code}). To see why, and to fill "
                f"it: {sync_command(self._root, self._uri)}",
                command=command,
            )
        runs = {self._told[name]: TrackedRun(**run) for name, run in answer["runs"].items()}
        return TrackingSummary(runs, answer["problem"], command)


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())
