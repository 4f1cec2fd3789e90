"""The run folder: the source of truth about a run, written before anything else hears of it.

    runs/records/<experiment>/<time>-<name>-<id>/
        run.json       what is run: name, params, tags, dataset; written first
        config.yaml    the composed config, interpolations unresolved (no secrets)
        data_card.*    of a file of the user's: what it holds and what was decided about it, as JSON and as text
        history.csv    one line per epoch: epoch, time (ms), then one column per metric; append-only
        curves.png     train and validation loss in one picture
        model/         the trained model: model.json and weights.npz, no pickle
        done.json      how it ended, with the run's final metrics; written last: a run without it is not finished

A tracker is a projection of this folder and can be filled again from it at any time.
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from lossexp.components import Array
from lossexp.datasets.card import DataCard
from lossexp.errors import StorageError

Status = Literal["FINISHED", "FAILED", "KILLED"]

MODEL_FOLDER = "model"
"""Where in a run folder the trained model is, and in the artifacts of its run in a tracker."""


def now_ms() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class RunSheet:
    """What is run: the content of `run.json`. Times are milliseconds since 1970.

    `curves` are the metrics whose curves a tracker gets, such as loss; None for all.
    """

    name: str
    experiment: str
    run_key: str
    started: int
    params: Mapping[str, str]
    tags: Mapping[str, str]
    dataset: Mapping[str, str]
    curves: Sequence[str] | None = None


@dataclass(frozen=True)
class Outcome:
    """How a run ended: the content of `done.json`."""

    status: Status
    ended: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str = ""


@dataclass(frozen=True)
class History:
    """Curves of one run: `epochs` and `times` `(n_epochs,)`, and one array `(n_epochs,)` per metric."""

    epochs: Array
    times: Array
    metrics: dict[str, Array]


class Record:
    """One run folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, root: Path, sheet: RunSheet, config: str) -> Record:
        """Make a new run folder below `root`.

        Raises:
            StorageError: The folder cannot be written.
        """
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(sheet.started / 1000))
        name = re.sub(r"[^A-Za-z0-9._-]+", "_", sheet.name)[:60]
        path = root / _safe(sheet.experiment) / f"{stamp}-{name}-{secrets.token_hex(3)}"
        try:
            path.mkdir(parents=True)
            (path / "config.yaml").write_text(config, encoding="utf-8")
            # In one step: what has a run.json is a run folder.
            part = path / "run.json.part"
            part.write_text(json.dumps(asdict(sheet), indent=1), encoding="utf-8")
            part.replace(path / "run.json")
        except OSError as error:
            shutil.rmtree(path, ignore_errors=True)
            raise StorageError(f"Cannot write the run folder {path}: {error.strerror}.") from error
        return cls(path)

    @property
    def sheet(self) -> RunSheet:
        """What was run."""
        return RunSheet(**json.loads((self.path / "run.json").read_text(encoding="utf-8")))

    @property
    def is_open(self) -> bool:
        """Tell whether it has no end yet."""
        return not (self.path / "done.json").exists()

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None while it runs, and for a run that was killed."""
        try:
            return Outcome(**json.loads((self.path / "done.json").read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def append(self, epochs: Sequence[int], times: Sequence[int], metrics: Mapping[str, Sequence[float]]) -> None:
        """Append epochs to `history.csv`, in one write."""
        path = self.path / "history.csv"
        header = "" if path.exists() else ",".join(["epoch", "time", *metrics]) + "\n"
        rows = zip(epochs, times, *metrics.values(), strict=True)
        lines = "".join(",".join(map(repr, map(_plain, row))) + "\n" for row in rows)
        with path.open("ab", buffering=0) as file:
            whole = file.tell()
            text = (header + lines).encode()
            try:
                if file.write(text) < len(text):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            except OSError:
                file.truncate(whole)  # what comes later, once there is room, begins on a line of its own
                raise

    def history(self) -> History:
        """Read the curves written so far; a torn last line is left out."""
        path = self.path / "history.csv"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        header, *lines = text[: text.rfind("\n") + 1].splitlines() or ["epoch,time"]
        table = np.array([line.split(",") for line in lines], dtype=float).reshape(len(lines), header.count(",") + 1)
        columns = dict(zip(header.split(","), table.T, strict=True))
        epochs, times = columns.pop("epoch").astype(np.int64), columns.pop("time").astype(np.int64)
        return History(epochs, times, columns)

    def clear_history(self) -> None:
        """Remove the curves written so far."""
        (self.path / "history.csv").unlink(missing_ok=True)

    def open_again(self) -> None:
        """Remove the end of a run that goes on, and a torn last line of its curves."""
        (self.path / "done.json").unlink(missing_ok=True)
        history = self.path / "history.csv"
        if history.exists():
            whole = history.read_bytes().rpartition(b"\n")[0]
            os.truncate(history, len(whole) + 1) if whole else history.unlink()

    def save_card(self, card: DataCard) -> None:
        """Write what is known of the data to `data_card.json`, and as text to `data_card.txt`."""
        (self.path / "data_card.json").write_text(json.dumps(card.to_dict(), indent=1), encoding="utf-8")
        (self.path / "data_card.txt").write_text(card.text(), encoding="utf-8")

    def ends_with(self, outcome: Outcome) -> bool:
        """Tell whether the final marker says this already, but for the time."""
        there = self.outcome
        # As text, in which NaN equals NaN.
        return there is not None and _text(replace(there, ended=outcome.ended)) == _text(outcome)

    def finish(self, outcome: Outcome) -> None:
        """Write the final marker: from here on the run is finished."""
        _write_atomically(self.path / "done.json", _text(outcome))


def _text(outcome: Outcome) -> str:
    return json.dumps(asdict(outcome), indent=1)


def _plain(number: float) -> float:
    return number.item() if isinstance(number, np.generic) else number


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip(".") or "_"


def _write_atomically(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
