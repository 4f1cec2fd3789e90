"""Going on with a sweep that was cut off.

Runs that have ended are read from their folders. The others are trained again, each in the folder that it has: the
epochs that are in it keep their times, so that a tracker does not take them for new ones.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from lossexp import __version__
from lossexp.checkpoints import Ending
from lossexp.config import Job
from lossexp.datasets.base import Data
from lossexp.errors import StorageError
from lossexp.record import MODEL_FOLDER, Outcome, Record
from lossexp.run import Run
from lossexp.trained import TrainedModel
from lossexp.training import Finished
from lossexp.verdict import Evidence

if TYPE_CHECKING:
    from lossexp.sweeping import Plan

_ENDINGS = ("completed", "stopped early", "diverged")
"""How a run ends by itself; others failed or were killed."""


_NOT_THE_RUN = ("grid", "runs_dir", "sweep", "tracker")
"""Settings and groups that are about where, with what others and why a run is done."""


def run_key(job: Job, data: Data) -> str:
    """Return what tells a run from others: everything that decides its curves, and what it is called."""
    decisive = [
        {name: value for name, value in settings.items() if name not in _NOT_THE_RUN}
        for settings in (job.tree, job.choices)
    ]
    told = json.dumps([*decisive, data.fingerprint, __version__], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()


def last_sweep(root: Path, planned: Plan) -> tuple[str, Mapping[str, Record]] | None:
    """Find the latest sweep in an output folder that has some of the planned runs.

    Returns:
        Its tag, and the folders of all its runs by their keys; None where there is no such sweep.

    Raises:
        StorageError: It is still running.
    """
    keys = {run_key(job, member.data) for job, member in zip(planned.jobs, planned.members, strict=True)}
    sweeps: dict[str, dict[str, Record]] = defaultdict(dict)
    for path in root.glob("records/*/*"):
        with suppress(OSError, ValueError, TypeError):  # one that cannot be read is trained in a new folder
            sheet = Record(path).sheet
            if "sweep" in sheet.tags and "kind" not in sheet.tags:
                sweeps[sheet.tags["sweep"]][sheet.run_key] = Record(path)
    found = [tag for tag, records in sweeps.items() if not records.keys().isdisjoint(keys)]
    if not found:
        return None
    latest = max(found)  # a tag begins with the time
    if any(record.is_open for record in sweeps[latest].values()):
        raise StorageError(f"Sweep {latest} is still running in {root}. Wait until it has ended.")
    return latest, sweeps[latest]


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
    run.recorded_verdict = outcome.tags.get("verdict", "")
    run.is_closed = True
