"""What can go wrong for a user, as a tree.

    LossexpError              a user's mistake: shown without a traceback, exit code 2
    ├── ConfigError           a key, a value or a choice of the configuration
    ├── DataError             a dataset that cannot be read or used as asked
    ├── IncompatibleError     parts that do not fit together, such as a loss and a target
    └── StorageError          a place that cannot be written or read

The first three are values that cannot be used, so they are a `ValueError` as well: callers in Python expect that.

A diverged run is a result, not an exception: the process ends with `EXIT_DIVERGED`.
"""

from __future__ import annotations

import difflib
import itertools
import sysconfig
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path

EXIT_USER_ERROR = 2
EXIT_DIVERGED = 3


class LossexpError(Exception):
    """A mistake the user can mend; the message says what happened, what was expected and what to do."""


class ConfigError(LossexpError, ValueError):
    """A key, value or choice of the configuration is wrong."""


class DataError(LossexpError, ValueError):
    """A dataset cannot be read or used as asked."""


class IncompatibleError(LossexpError, ValueError):
    """Parts that are fine alone do not fit together."""


class StorageError(LossexpError):
    """A folder, file or server cannot be written or read."""


def in_words(error: BaseException) -> str:
    """Return the kind and the message of any error, and where in a user's own code it came up, if it did."""
    return f"{type(error).__name__}: {error}".rstrip(": ") + own_place(error)


def own_place(error: BaseException) -> str:
    """Say which line of a user's own code, called by this package, an error came from; empty if it was not there."""
    frames = [(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    below = itertools.dropwhile(lambda frame: _OURS not in Path(frame[0].co_filename).parents, frames)
    own = [(code, line) for code, line in below if _is_own(code.co_filename)]
    if not own:
        return ""
    called, (code, line) = own[0][0].co_qualname, own[-1]
    return f" (line {line} of {Path(code.co_filename).name}{'' if called == '<module>' else f', in {called}'})"


_OURS = Path(__file__).parent
_INSTALLED = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")}


def _is_own(filename: str) -> bool:
    """Tell whether a file is neither part of this package nor installed; `<string>` and the like are no files."""
    return not filename.startswith("<") and not {_OURS, *_INSTALLED} & set(Path(filename).parents)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `" Did you mean X?"` for the closest known word, or for what a mapping offers in its place, or nothing."""
    offers = known if isinstance(known, Mapping) else {name: name for name in known}
    close = difflib.get_close_matches(word, list(offers), n=1, cutoff=0.55)
    return f" Did you mean {offers[close[0]]}?" if close else ""
