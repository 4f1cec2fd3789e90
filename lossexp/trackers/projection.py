"""The projection: what a run folder holds, written into MLflow so that it may be repeated at any time."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from lossexp.errors import StorageError
from lossexp.locking import locked
from lossexp.record import MODEL_FOLDER, History, Outcome, Record, RunSheet
from lossexp.trackers.base import TrackedRun
from lossexp.trackers.serving import make_servable
from lossexp.trackers.store import database, open_store, reason, shown
from lossexp.trackers.view import VIEW_TAG, view_value

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Metric, Run

_RUN_TAG = "lossexp.run_id"
"""The run tag that names the run folder: by it a run is found again before one is made."""

_NO_ARTIFACTS = {"run.json", "done.json"}
"""What of a run folder is written into MLflow in other ways than as a file."""

_PATIENCE = (0.1, 0.5, 2.0, 8.0)
"""Seconds between attempts while another process holds the database; in each MLflow itself waits 20 s."""

T = TypeVar("T")


@dataclass
class _Progress:
    """What of a run folder is already in MLflow: rows of its history, the end that it had, and the values at that.

    A run that the user deleted in MLflow stays as it is.
    """

    tracked: TrackedRun
    ended: int | None = None
    is_deleted: bool = False
    n_rows: int = 0
    final: Mapping[str, float] = field(default_factory=dict)


class Projection:
    """Fills one store from run folders, and remembers what it has written.

    A fresh process writes again what an earlier one wrote. MLflow drops the points that it has, because each keeps
    the time at which it was recorded.
    """

    def __init__(self, root: Path, uri: str) -> None:
        self._root = root
        self._uri = uri
        self._client = open_store(uri)
        self._experiments: dict[str, str] = {}
        self._progress: dict[Path, _Progress] = {}

    def check(self) -> None:
        """Ask the store for a sign of life.

        Raises:
            StorageError: There is none.
        """
        self._patiently(lambda: self._client.search_experiments(max_results=1))

    def ended(self, experiment: str) -> dict[str, int | None]:
        """Return when the runs of an experiment ended that are in MLflow with their end, by the name of their folder.

        None for a run that the user deleted in MLflow: it stays as it is.

        Raises:
            StorageError: MLflow cannot be read.
        """
        return self._patiently(lambda: self._ended(experiment))

    def project(self, record: Record) -> TrackedRun:
        """Write what a run folder holds and MLflow does not.

        Raises:
            StorageError: MLflow cannot be written.
        """
        # Held, so that two processes never make two runs of one folder.
        with locked(record.path / "run.json"):
            return self._patiently(lambda: self._project(record))

    def _patiently(self, attempt: Callable[[], T]) -> T:
        from mlflow.exceptions import MlflowException

        for pause in (*_PATIENCE, None):
            try:
                return attempt()
            except MlflowException as error:
                if pause is None or "database is locked" not in str(error):
                    raise StorageError(f"MLflow store {shown(self._uri)}: {reason(error)}") from error
                time.sleep(pause * random.uniform(0.5, 1.5))
        raise AssertionError("the last attempt returns or raises")

    def _ended(self, experiment: str) -> dict[str, int | None]:
        from mlflow.entities import ViewType

        found = self._client.get_experiment_by_name(experiment)
        ended: dict[str, int | None] = {}
        token: str | None = None
        while found:
            runs = self._client.search_runs([found.experiment_id], "", ViewType.ALL, page_token=token)
            for run in runs:
                is_deleted = run.info.lifecycle_stage == "deleted"
                if _RUN_TAG in run.data.tags and (is_deleted or run.info.status != "RUNNING"):
                    ended[run.data.tags[_RUN_TAG]] = None if is_deleted else run.info.end_time
            token = runs.token
            if not token:
                break
        return ended

    def _project(self, record: Record) -> TrackedRun:
        sheet = record.sheet
        experiment_id = self._experiment(sheet.experiment)
        progress = self._progress.get(record.path) or self._find(experiment_id, record)
        if progress is None:
            tags = {**sheet.tags, _RUN_TAG: record.path.name, "lossexp.run_key": sheet.run_key}
            run = self._client.create_run(experiment_id, sheet.started, tags, sheet.name)
            progress = _Progress(self._tracked(run))
        self._progress[record.path] = progress
        outcome = record.outcome
        if not progress.is_deleted and (outcome is None or outcome.ended != progress.ended):
            self._advance(record, sheet, progress)
        return progress.tracked

    def _find(self, experiment_id: str, record: Record) -> _Progress | None:
        from mlflow.entities import ViewType

        mine = f"tags.`{_RUN_TAG}` = '{record.path.name}'"
        runs = self._client.search_runs([experiment_id], mine, ViewType.ALL, max_results=1)
        if not runs:
            return None
        ended = None if runs[0].info.status == "RUNNING" else runs[0].info.end_time
        is_deleted = runs[0].info.lifecycle_stage == "deleted"
        return _Progress(self._tracked(runs[0]), ended, is_deleted, final=runs[0].data.metrics)

    def _advance(self, record: Record, sheet: RunSheet, progress: _Progress) -> None:
        from mlflow.entities import Param

        run_id = progress.tracked.run_id
        outcome = record.outcome  # read before the curves: where the end is there, the curves are whole
        if outcome is None and progress.ended is not None:  # it was cut off, and goes on
            self._client.update_run(run_id, "RUNNING")
            progress.ended = None
        history = record.history()
        points = _points(history, sheet.curves, since=progress.n_rows)
        points += _final_points(outcome, history, progress.final)
        params = [] if progress.n_rows else [Param(key, value) for key, value in sheet.params.items()]
        if not progress.n_rows:
            self._client.log_inputs(run_id, [_dataset_input(sheet)])
        self._client.log_batch(run_id, points, params, _final_tags(outcome))
        # A run that was begun again repeats rows that are already there.
        progress.n_rows = max(progress.n_rows, len(history.epochs))
        if outcome:
            if (model := record.path / MODEL_FOLDER).is_dir():
                make_servable(model)
            for artifact in sorted(path for path in record.path.iterdir() if path.name not in _NO_ARTIFACTS):
                self._client.log_artifact(run_id, artifact)
            self._client.set_terminated(run_id, outcome.status, outcome.ended)
            progress.ended, progress.final = outcome.ended, outcome.metrics

    def _experiment(self, name: str) -> str:
        """Return the id of an experiment, made if it is missing."""
        if name not in self._experiments:
            self._experiments[name] = self._find_experiment(name) or self._create_experiment(name)
        return self._experiments[name]

    def _find_experiment(self, name: str) -> str | None:
        found = self._client.get_experiment_by_name(name)
        if found is None:
            return None
        if found.lifecycle_stage != "active":
            raise StorageError(
                f"The MLflow experiment {name} is deleted. To bring it back: "
                f"MLFLOW_TRACKING_URI={shown(self._uri)} mlflow experiments restore -x {found.experiment_id}"
            )
        for key, value in _experiment_tags().items():
            if key not in found.tags:
                self._client.set_experiment_tag(found.experiment_id, key, value)
        return str(found.experiment_id)

    def _create_experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        # A server knows where artifacts go. A database file must be told a place that does not depend on the
        # current folder. A dataset called ".." is not above that place.
        folder = self._root / "mlartifacts" / (name.lstrip(".") or "_")
        location = folder.as_uri() if database(self._uri) else None
        try:
            return str(self._client.create_experiment(name, location, _experiment_tags()))
        except MlflowException:
            faster = self._find_experiment(name)  # made by another process in between
            if faster is None:
                raise
            return faster

    def _tracked(self, run: Run) -> TrackedRun:
        experiment_id, run_id = str(run.info.experiment_id), str(run.info.run_id)
        if not self._uri.startswith(("http://", "https://")):
            return TrackedRun(experiment_id, run_id)
        page = re.sub(r"//[^/@]*@", "//", self._uri).rstrip("/")
        return TrackedRun(experiment_id, run_id, f"{page}/#/experiments/{experiment_id}/runs/{run_id}")


def _experiment_tags() -> dict[str, str]:
    return {"mlflow.experimentKind": "custom_model_development", VIEW_TAG: view_value()}


def _dataset_input(sheet: RunSheet) -> DatasetInput:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    description = json.dumps(dict(sheet.dataset))
    name, digest = sheet.dataset["name"], sheet.dataset["fingerprint"][:36]  # longer ones are refused
    dataset = Dataset(name, digest, source_type="lossexp", source=description, profile=description)
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])


def _points(history: History, curves: Sequence[str] | None, since: int) -> list[Metric]:
    """Return the points of the curves that are tracked from row `since` on, newest first.

    MLflow keeps the latest value of each metric, and rewrites it for each point that is newer than those before it:
    once, if the newest comes first. Infinite values would become 1.8e308, and NaN breaks charts: they are left out.
    """
    from mlflow.entities import Metric

    epochs, times = history.epochs.tolist(), history.times.tolist()
    return [
        Metric(name, float(curve[row]), times[row], epochs[row])
        for name, curve in history.metrics.items()
        if curves is None or name.rpartition("/")[2] in curves
        for row in np.flatnonzero(np.isfinite(curve))[::-1].tolist()
        if row >= since
    ]


def _final_points(outcome: Outcome | None, history: History, known: Mapping[str, float]) -> list[Metric]:
    """Return what was measured at the end, but for what is there: another end may have come to the same values."""
    from mlflow.entities import Metric

    if outcome is None:
        return []
    last = int(history.epochs[-1]) if len(history.epochs) else 0
    final = {name: value for name, value in outcome.metrics.items() if np.isfinite(value) and value != known.get(name)}
    return [Metric(name, value, outcome.ended, last) for name, value in final.items()]


def _final_tags(outcome: Outcome | None) -> list[Any]:
    from mlflow.entities import RunTag

    if outcome is None:
        return []
    return [RunTag(key, value) for key, value in {**outcome.tags, "mlflow.note.content": outcome.description}.items()]
