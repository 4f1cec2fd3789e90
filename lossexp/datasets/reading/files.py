"""A path before it is opened: whether there is a file to read, and how to tell whether it is still the same."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from lossexp.errors import DataError, did_you_mean


@dataclass(frozen=True)
class Stamp:
    """A file as it is now: equal stamps, equal content."""

    path: Path
    size: int
    modified: int


def stamp(path: str, setting: str) -> Stamp:
    """Look at a path without reading it.

    Args:
        path: Relative to the current folder, or absolute.
        setting: Where it was given, such as `dataset.path`.

    Raises:
        DataError: It is not a file that can be read, or it is empty.
    """
    full = Path(path).expanduser().absolute()
    try:
        status = full.stat()
    except FileNotFoundError:
        if full.is_symlink():
            raise DataError(f"{setting}={path} is a link to {os.readlink(full)}, which is not there.") from None
        raise DataError(f"{setting}={path}: there is no such file{_elsewhere(full)}") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{setting}={path} cannot be read: {reason}. Give the path of a file.") from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe or a device"
        raise DataError(f"{setting}={path} is {kind}. Give the path of a file.")
    if not os.access(full, os.R_OK):
        raise DataError(f"{setting}={path} cannot be read: permission denied. Ask its owner for the right to read it.")
    if not status.st_size:
        raise DataError(f"{setting}={path} is empty: 0 bytes. Give a file with rows.")
    return Stamp(full, status.st_size, status.st_mtime_ns)


def _elsewhere(path: Path) -> str:
    """Say what there is instead."""
    try:
        names = sorted(os.listdir(path.parent))
    except OSError:
        return f", and no folder {path.parent}. The path is relative to the current folder."
    return f" in {path.parent}.{did_you_mean(path.name, names)} The path is relative to the current folder."
