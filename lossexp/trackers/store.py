"""Where MLflow keeps runs: which store is meant, how a new one is made, and how it is opened."""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import os
import re
import shlex
import sqlite3
import sys
import warnings
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from lossexp.errors import StorageError
from lossexp.locking import locked

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SQLITE = "sqlite:///"
_KINDS = ("databricks", "databricks-uc", "http", "https", "mssql", "mysql", "postgresql", "sqlite", "uc")

_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_CONFIGURE_LOGGING": "false",
    # Two lines on standard output for each run of a server.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # With MLflow's own values (7 retries, each after a longer pause) a server that is down costs minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "GIT_PYTHON_REFRESH": "quiet",
}
"""What MLflow reads from the environment while it is imported; a value that the user set stays."""

_MOUNTS = Path("/proc/mounts")
_NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "9p", "ceph", "lustre", "gpfs", "glusterfs", "fuse", "afs", "virtiofs")


def load_mlflow(uri: str) -> None:
    """Import what MLflow needs for a store, which takes seconds, without telemetry, log lines and long retries."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    # What goes wrong is raised as well; the logs would show it again, with a traceback.
    logging.getLogger("mlflow").setLevel(logging.CRITICAL + 1)
    module = "mlflow.store.tracking.sqlalchemy_store" if database(uri) else "mlflow"
    if module not in sys.modules:
        # A million objects come in and stay. Looking for garbage among them costs a quarter of this import, and a
        # quarter of everything written later.
        gc.disable()
        with warnings.catch_warnings(action="ignore"):  # what MLflow uses of its libraries is not for the user
            importlib.import_module(module)
        gc.freeze()
        gc.enable()


def store_uri(root: Path, uri: str | None = None) -> str:
    """Return the store that is meant: `uri`, else `MLFLOW_TRACKING_URI`, else `mlflow.db` in the output folder.

    Args:
        root: The output folder, absolute.
        uri: An MLflow tracking URI.
    """
    return uri or os.environ.get("MLFLOW_TRACKING_URI") or _sqlite_uri(root / "mlflow.db")


def check_uri(uri: str) -> None:
    """Refuse what MLflow does not take as a store.

    Raises:
        StorageError: It is a folder, or of a kind that neither MLflow nor a plugin of it knows.
    """
    kind = uri.partition(":")[0].partition("+")[0].lower()
    known = {*_KINDS, *(plugin.name for plugin in entry_points(group="mlflow.tracking_store"))}
    if kind in known or "MLFLOW_ALLOW_FILE_STORE" in os.environ:  # which allows folders
        return
    raise StorageError(
        f"{shown(uri)} is no place where MLflow keeps runs. Expected for tracker.uri or MLFLOW_TRACKING_URI: "
        "http://HOST:PORT, sqlite:///FILE.db, postgresql://... or mysql://...; nothing for mlflow.db in runs_dir"
    )


def shown(uri: str) -> str:
    """Return a URI, or a text with one, without the password that may be in it."""
    return re.sub(r"(://[^/@:\s]*):[^/@\s]*@", r"\1:***@", uri)


def sync_command(root: Path, uri: str) -> str:
    """Return the command that fills a store from the run folders of an output folder."""
    return f"{_setting(root, uri)}python -m lossexp.sync {shlex.quote(str(root))}"


def ui_command(root: Path, uri: str) -> str | None:
    """Return the command that shows a store; None for that of a server, which has a page of its own."""
    if uri.startswith(("http://", "https://")):
        return None
    folder = "" if root == Path("runs").absolute() else " " + shlex.quote(os.path.relpath(root))
    return f"{_setting(root, uri)}python -m lossexp.ui{folder}"


def _setting(root: Path, uri: str) -> str:
    return "" if uri == _sqlite_uri(root / "mlflow.db") else f"MLFLOW_TRACKING_URI={shlex.quote(shown(uri))} "


def database(uri: str) -> Path | None:
    """Return the file of an SQLite store; None for any other store."""
    return Path(unquote(uri.removeprefix(_SQLITE))).absolute() if uri.startswith(_SQLITE) else None


def open_store(uri: str) -> MlflowClient:
    """Return a client of a store; an SQLite store that does not exist yet is made.

    Raises:
        StorageError: The store cannot be made or opened.
    """
    load_mlflow(uri)
    from mlflow import MlflowClient

    path = database(uri)
    if path:
        _ensure_database(path)
    try:
        return MlflowClient(tracking_uri=uri)
    except Exception as error:  # drivers, migrations and MLflow itself each have their own kinds
        raise StorageError(f"MLflow cannot open the store {shown(uri)}: {reason(error)}") from error


def reason(error: Exception) -> str:
    """Return what MLflow says: of a server that does not answer only the cause, no SQL and no password."""
    text = shown(str(error))
    _, found, cause = text.rpartition("(Caused by ")
    return cause.removesuffix(")") if found else text.partition("\n[SQL:")[0]


def _sqlite_uri(path: Path) -> str:
    # The only two characters of a path that mean something in an SQLAlchemy URL.
    return _SQLITE + str(path).replace("%", "%25").replace("?", "%3F")


def _ensure_database(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.with_name(path.name + ".lock")):
            if not path.exists() or not path.stat().st_size:
                _make_database(path)
        _check_database(path)
    except OSError as error:
        raise StorageError(f"The MLflow store {path} cannot be made: {error.strerror or error}.") from error


def _make_database(path: Path) -> None:
    """Make an empty store aside and move it into place.

    MLflow makes the tables of a new store step by step and without a lock: two processes at once, or one that is
    killed in the middle, leave a database that no version of MLflow can open.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    part = path.with_name(path.name + ".part")
    for leftover in path.parent.glob(part.name + "*"):
        leftover.unlink()
    # In memory first: the tables come about in hundreds of steps, each of which would wait for the disk.
    store = SqlAlchemyStore("sqlite://", (path.parent / "mlartifacts").as_uri())
    with (
        contextlib.closing(store.engine.raw_connection()) as memory,
        contextlib.closing(sqlite3.connect(part)) as file,
    ):
        memory.driver_connection.backup(file)
        if not _on_network(path.parent):
            # Readers no longer wait for writers, and a write costs half. It needs memory shared between processes,
            # which a network file system does not have.
            file.execute("PRAGMA journal_mode=WAL")
    store.engine.dispose()
    with part.open("rb") as written:
        os.fsync(written.fileno())
    part.replace(path)


def _check_database(path: Path) -> None:
    """Look whether SQLite can read the file: MLflow would try for minutes."""
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.DatabaseError as error:
        raise StorageError(
            f"The MLflow store {path} cannot be read: {error}. Move it away; `python -m lossexp.sync` makes a new "
            "one and fills it from the run folders."
        ) from error


def _on_network(folder: Path) -> bool:
    """Tell whether a folder is on a file system of another machine, as far as this one says."""
    lines = _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines() if _MOUNTS.exists() else []
    points = {Path(point): kind for _, point, kind, *_ in map(str.split, lines)}
    nearest = next((points[place] for place in (folder, *folder.parents) if place in points), "")
    return nearest.startswith(_NETWORK_FILE_SYSTEMS)
