"""Going on with a sweep that was cut off.

Runs that have ended are read from their folders. The others are trained again, each in the folder that it has: the
epochs that are in it keep their times, so that a tracker does not take them for new ones.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from lossexp import __version__
from lossexp.checkpoints import Ending
from lossexp.config import Job
from lossexp.datasets.base import Data
from lossexp.errors import StorageError
from lossexp.locking import claimed
from lossexp.record import MODEL_FOLDER, Outcome, Record
from lossexp.run import Run
from lossexp.trained import TrainedModel
from lossexp.training import Finished
from lossexp.verdict import Evidence

if TYPE_CHECKING:
    from lossexp.sweeping import Plan

_ENDINGS = ("completed", "stopped early", "diverged")
"""How a run ends by itself; others failed or were killed."""


_NOT_THE_RUN = ("grid", "sweep", "tracker")
"""Groups that are about where, with what others and why a run is done."""

_LOCKS = ".sweeps"
"""Folder, in the output folder, with one file per sweep, which is locked while a command is at it."""


def run_key(job: Job, data: Data) -> str:
    """Return what tells a run from others: everything that decides its curves, and what it is called.

    By what is run, not as it is written: an interpolation may stand for something else the next time.
    """
    choices = sorted((group, choice) for group, choice in job.choices.items() if group not in _NOT_THE_RUN)
    kinds = {kind for part in vars(job.experiment).values() for kind in type(part).__mro__}
    own = sorted(filter(None, map(_own_code, kinds)))
    return _digest([repr(job.experiment), choices, own, data.fingerprint, __version__])


def sweep_key(runs: Sequence[Run]) -> str:
    """Return what tells the record of a sweep from others: the runs that it is about."""
    return _digest(sorted(run.record.sheet.run_key for run in runs))


def _digest(told: object) -> str:
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


@functools.cache
def _own_code(kind: type) -> str:
    """Return the text of the module of a class of the user's own: with another formula it is another run."""
    if kind.__module__.partition(".")[0] in {"lossexp", *sys.stdlib_module_names}:
        return ""
    try:
        return inspect.getsource(sys.modules[kind.__module__])
    except (OSError, TypeError):  # typed into an interpreter
        return ""


@contextmanager
def sweep_of(root: Path, planned: Plan, new_tag: str) -> Iterator[tuple[str, Mapping[str, Record]]]:
    """Keep other commands from going on with a sweep while this one is at it.

    Args:
        root: The output folder.
        planned: What is to be run.
        new_tag: The tag of a sweep that begins; of one that goes on its own.

    Yields:
        The tag, and the folders that the sweep has, by the keys of the runs; none where it begins.

    Raises:
        StorageError: It is still running, or the output folder cannot be written.
    """
    found = _last_sweep(root, planned) if planned.jobs[0].sweep.resume else None
    tag = found or new_tag
    with claimed(root / _LOCKS / tag) as is_ours:
        if not is_ours:
            raise StorageError(f"Sweep {tag} is still running in {root}. Wait until it has ended.")
        # Read again: until it was ours, another command may have gone on with it.
        yield tag, _sweeps(root, planned.jobs[0]).get(tag, {}) if found else {}


def _last_sweep(root: Path, planned: Plan) -> str | None:
    """Return the tag of the sweep that has the most of the planned runs, the latest of those; None where none has."""
    keys = {run_key(job, member.data) for job, member in zip(planned.jobs, planned.members, strict=True)}
    n_known = {tag: len(keys & records.keys()) for tag, records in _sweeps(root, planned.jobs[0]).items()}
    tag = max(n_known, key=lambda tag: (n_known[tag], tag), default=None)  # a tag begins with the time
    return tag if tag and n_known[tag] else None


def _sweeps(root: Path, job: Job) -> dict[str, dict[str, Record]]:
    """Return the folders of all sweeps with the protocol of a job, by their tags and the keys of their runs."""
    sweeps: dict[str, dict[str, Record]] = defaultdict(dict)
    # In the order of their names, which begin with the time: the one made for a damaged one counts.
    for path in sorted(root.glob("records/*/*"), key=lambda path: path.name):
        with suppress(OSError, ValueError, TypeError):  # one that cannot be read is trained in a new folder
            sheet = Record(path).sheet
            if "sweep" in sheet.tags and sheet.params.get("sweep.protocol", job.sweep.protocol) == job.sweep.protocol:
                sweeps[sheet.tags["sweep"]][sheet.run_key] = Record(path)
    return sweeps


def take_over(job: Job, data: Data, record: Record) -> Run | None:
    """Return a run as it is in its folder: closed if it has ended. None where the folder is damaged."""
    try:
        outcome, history = record.outcome, record.history()
        curves = {name: curve.tolist() for name, curve in history.metrics.items()}
        epochs = history.epochs.tolist()
        run = Run(job, data, record, epochs, history.times.tolist(), curves, n_written=len(epochs))
        if outcome and outcome.tags.get("ending") in _ENDINGS:
            _end(run, outcome)
        else:
            record.open_again()
    except (StorageError, OSError, ValueError, TypeError):
        return None
    return run


def _end(run: Run, outcome: Outcome) -> None:
    """Give a run the end that is in its folder.

    Raises:
        StorageError: The folder is not whole.
    """
    file = run.record.path / "evidence.npz"
    evidence = Evidence.load(file) if file.exists() else None
    if evidence is not None and max(run.epochs, default=-1) < evidence.epochs[-1]:
        raise StorageError(f"The curves in {run.record.path} are not whole.")
    # That of a run which has diverged with other weights restored is not known, and nothing is told of it.
    kept = None if evidence is None else evidence.kept_epoch
    run.finished = Finished(
        run=0,
        ending=cast(Ending, outcome.tags["ending"]),
        epoch=kept if kept is not None else max(run.epochs, default=0),
        params=TrainedModel.read(run.record.path / MODEL_FOLDER).params,
        metrics={name: value for name, value in outcome.metrics.items() if name.startswith(("val/", "test/"))},
        evidence=evidence,
    )
    run.judge()
    run.forget_details()
    run.is_closed = True
