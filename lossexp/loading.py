"""Trained models of earlier runs, found by the name of the run folder or by MLflow's run id."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from lossexp.errors import StorageError, did_you_mean
from lossexp.record import MODEL_FOLDER, Record
from lossexp.trained import TrainedModel

_SHOWN = 5


def load(run: str | Path, runs_dir: str | Path = "runs") -> TrainedModel:
    """Return the trained model of a run.

    Args:
        run: A run folder, its name, or an MLflow run id; the latter is looked up in `MLFLOW_TRACKING_URI` if that is
            set, else in `mlflow.db` in the output folder.
        runs_dir: The output folder.

    Raises:
        StorageError: There is no such run, or it has no trained model.
    """
    root = Path(runs_dir).expanduser().absolute()
    folder = _folder(str(run), root)
    if folder:
        _refuse_without_model(folder)
        return TrainedModel.read(folder / MODEL_FOLDER)
    if not re.fullmatch("[0-9a-f]{32}", str(run)):
        latest = sorted((path.parent.name for path in root.glob(f"records/*/*/{MODEL_FOLDER}")), reverse=True)
        names = "".join(f"\n  {name}" for name in latest[:_SHOWN])
        known = f"The latest in {root}:{names}" if names else f"There are no trained models in {root}."
        raise StorageError(
            f"There is no run {run}: expected a run folder, its name, or an MLflow run id."
            f"{did_you_mean(str(run), latest)} {known}"
        )
    from lossexp.trackers.artifacts import download
    from lossexp.trackers.store import store_uri

    with tempfile.TemporaryDirectory() as into:
        return TrainedModel.read(download(store_uri(root), str(run), MODEL_FOLDER, Path(into)))


def _folder(run: str, root: Path) -> Path | None:
    """Return the run folder that a path or a name means, if there is one."""
    named = (path for path in root.glob("records/*/*") if path.name == run)
    return next((path for path in (Path(run).expanduser(), *named) if (path / "run.json").is_file()), None)


def _refuse_without_model(folder: Path) -> None:
    if not (folder / MODEL_FOLDER).is_dir():
        outcome = Record(folder).outcome
        ended = f"it ended {outcome.status}: {outcome.description}" if outcome else "it has not ended"
        raise StorageError(f"The run in {folder} has no trained model; {ended}")
