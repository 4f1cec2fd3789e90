"""Runs that a killed command left open: found by a lock that the kernel frees, and closed by the next command."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from lossexp.errors import StorageError
from lossexp.record import Outcome, Record

_LOCK = ".running"
_TEXT = "Killed: the process ended without a word. What was measured is kept."


@contextlib.contextmanager
def running(root: Path) -> Iterator[list[Record]]:
    """Count as a command that is running in an output folder.

    All of them share the lock of one file. Who gets it alone knows that there is no other, so that runs without an end
    are those of commands that were killed.

    Args:
        root: The output folder.

    Yields:
        The runs that were left open, closed by now; none while another command is running.

    Raises:
        StorageError: The folder cannot be written.
    """
    try:
        descriptor = os.open(root / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StorageError(f"The output folder {root} cannot be written: {error.strerror}.") from error
    try:
        closed: list[Record] = []
        with contextlib.suppress(OSError):  # held by another, or a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            closed = [_close(path) for path in root.glob("records/*/*") if _is_open(path)]
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield closed
    finally:
        os.close(descriptor)


def _is_open(path: Path) -> bool:
    record = Record(path)
    try:
        return record.is_open and bool(record.sheet)
    except (OSError, ValueError, TypeError):  # no run folder, or none that says what it is about
        return False


def _close(path: Path) -> Record:
    record = Record(path)
    last = max(file.stat().st_mtime_ns for file in path.iterdir()) // 1_000_000
    record.finish(Outcome("KILLED", last, {}, {"ending": "killed"}, _TEXT))
    return record
