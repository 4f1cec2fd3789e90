"""Files of a run, from MLflow back to this machine."""

from __future__ import annotations

from pathlib import Path

from lossexp.errors import StorageError
from lossexp.trackers.store import database, open_store, shown


def download(uri: str, run_id: str, name: str, into: Path) -> Path:
    """Copy a file or folder of a run into a folder, and return where it is.

    Args:
        uri: The store.
        run_id: The run, as MLflow calls it.
        name: What to copy, relative to the artifacts of the run.
        into: The folder, which is there.

    Raises:
        StorageError: There is no such store, run or file, or the store does not answer.
    """
    path = database(uri)
    if path and not path.exists():
        raise StorageError(f"There is no run {run_id}: the MLflow store {path} does not exist.")
    client = open_store(uri)
    from mlflow.exceptions import MlflowException

    try:
        return Path(client.download_artifacts(run_id, name, str(into)))
    except (MlflowException, OSError) as error:
        raise StorageError(f"Run {run_id} of the MLflow store {shown(uri)} has no {name}: {error}") from error
