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
from collections.abc import Iterable, Mapping

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
    """Return the kind and the message of any error."""
    return f"{type(error).__name__}: {error}".rstrip(": ")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `" Did you mean X?"` for the closest known word, or for what a mapping offers in its place, or nothing."""
    offers = known if isinstance(known, Mapping) else {name: name for name in known}
    close = difflib.get_close_matches(word, list(offers), n=1, cutoff=0.55)
    return f" Did you mean {offers[close[0]]}?" if close else ""
