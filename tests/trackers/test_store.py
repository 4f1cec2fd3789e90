import contextlib
import multiprocessing
import os
import sqlite3
from pathlib import Path
from threading import Barrier

import pytest

from lossexp.errors import StorageError
from lossexp.trackers import store
from lossexp.trackers.store import (
    check_uri,
    database,
    load_mlflow,
    open_store,
    shown,
    store_uri,
    sync_command,
    ui_command,
)

from .stores import empty_store, quiet

pytestmark = quiet


def test_the_store_that_is_asked_for_comes_first(monkeypatch):
    root = Path("/somewhere/runs")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://server")
    assert store_uri(root, "sqlite:////mine.db") == "sqlite:////mine.db"
    assert store_uri(root) == "http://server"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert store_uri(root) == "sqlite:////somewhere/runs/mlflow.db"


def test_the_command_that_fills_a_store_names_the_store_where_it_is_not_the_usual_one():
    root = Path("/somewhere/runs")
    assert sync_command(root, "sqlite:////somewhere/runs/mlflow.db") == "python -m lossexp.sync /somewhere/runs"
    expected = "MLFLOW_TRACKING_URI=http://server python -m lossexp.sync /somewhere/runs"
    assert sync_command(root, "http://server") == expected


def test_the_command_that_shows_a_store_is_for_the_current_folder(monkeypatch):
    monkeypatch.chdir("/usr")
    runs, others = Path("/usr/runs"), Path("/usr/my runs")
    assert ui_command(runs, store_uri(runs, None)) == "python -m lossexp.ui"
    assert ui_command(others, store_uri(others, None)) == "python -m lossexp.ui 'my runs'"
    assert ui_command(runs, "sqlite:///x.db") == "MLFLOW_TRACKING_URI=sqlite:///x.db python -m lossexp.ui"
    assert ui_command(runs, "http://server") is None


@pytest.mark.parametrize(
    ("uri", "public"),
    [
        ("postgresql://me:secret@host:5432/base", "postgresql://me:***@host:5432/base"),
        ("mysql+pymysql://me:se:cr%40et@host/base", "mysql+pymysql://me:***@host/base"),
        ("https://:token@host/path@v1", "https://:***@host/path@v1"),
        ("http://me@host:5000", "http://me@host:5000"),
        ("http://host:5000/a:b@c", "http://host:5000/a:b@c"),
        ("sqlite:////a:b@c/d.db", "sqlite:////a:b@c/d.db"),
    ],
)
def test_a_password_is_not_shown(uri, public):
    assert shown(uri) == public
    assert "secret" not in sync_command(Path("/runs"), uri)


def test_a_password_is_not_shown_in_errors():
    with pytest.raises(StorageError, match="^MLflow cannot open the store my://me:\\*\\*\\*@host: ") as refused:
        open_store("my://me:secret@host")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("uri", ["mlruns", "./mlruns", "/a/mlruns", "file:///a/mlruns", "htp://host", "C:\\runs", ""])
def test_what_cannot_be_a_store_is_refused(uri, monkeypatch):
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    with pytest.raises(
        StorageError, match=r" is no place where MLflow keeps runs\. Expected for tracker\.uri or MLFLOW_"
    ):
        check_uri(uri)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    check_uri(uri)


@pytest.mark.parametrize(
    "uri",
    ["sqlite:////a.db", "HTTP://host", "https://u:p@host/x", "postgresql+psycopg://host/base", "databricks", "uc:x"],
)
def test_what_may_be_a_store_is_not_asked(uri):
    check_uri(uri)


def test_only_an_sqlite_store_is_a_file():
    assert database("sqlite:////a/b.db") == Path("/a/b.db")
    assert database("sqlite:///b.db") == Path.cwd() / "b.db"
    assert database("http://server") is None
    assert database("postgresql://server/base") is None


@pytest.mark.parametrize("name", ["a b", "a%20b", "a?b", "a#b", "grün"])
def test_any_folder_name_will_do(tmp_path, name):
    root = tmp_path / name
    empty_store(root)
    uri = store_uri(root, None)
    assert database(uri) == root / "mlflow.db"
    open_store(uri).create_experiment("here")
    with contextlib.closing(sqlite3.connect(root / "mlflow.db")) as connection:
        assert ("here",) in connection.execute("SELECT name FROM experiments").fetchall()


def test_a_file_that_is_no_database_is_refused_at_once(tmp_path):
    path = tmp_path / "mlflow.db"
    path.write_bytes(b"not a database, but longer than the header of one" * 20)
    with pytest.raises(StorageError, match=r"mlflow.db cannot be read: file is not a database. Move it away"):
        open_store(store_uri(tmp_path))
    assert path.read_bytes().startswith(b"not a database")


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"file/mlflow.db cannot be made: "):
        open_store(store_uri(tmp_path / "file"))


def test_network_file_systems_are_told_from_local_ones(tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    mounts.write_text("/dev/sda / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\n/dev/sdb /home/fast xfs rw 0 0\n")
    monkeypatch.setattr(store, "_MOUNTS", mounts)
    assert store._on_network(Path("/home/me/runs"))
    assert not store._on_network(Path("/home/fast/runs"))
    assert not store._on_network(Path("/homes"))
    monkeypatch.setattr(store, "_MOUNTS", tmp_path / "missing")
    assert not store._on_network(Path("/home/me/runs"))


def _open_and_add(uri: str, gate: Barrier) -> str:
    gate.wait()
    return open_store(uri).create_experiment(f"from process {os.getpid()}")


def open_together(root: Path, n_processes: int) -> set[str]:
    """Open a store that does not exist yet from many processes in the same moment, each of which adds to it."""
    uri = store_uri(root)
    load_mlflow(uri)  # once here, and not in each process
    context = multiprocessing.get_context("fork")
    with context.Manager() as manager, context.Pool(n_processes) as pool:
        gate = manager.Barrier(n_processes)
        return set(pool.starmap(_open_and_add, [(uri, gate)] * n_processes, chunksize=1))


def test_processes_that_begin_together_share_one_store_whatever_an_interrupted_one_left(tmp_path):
    root = tmp_path / "deep" / "runs"
    root.mkdir(parents=True)
    for leftover in ("mlflow.db", "mlflow.db.part", "mlflow.db.part-journal"):
        (root / leftover).write_bytes(b"" if leftover == "mlflow.db" else b"half")
    assert len(open_together(root, 4)) == 4
    assert {path.name for path in root.iterdir()} <= {"mlflow.db", "mlflow.db.lock", "mlflow.db-wal", "mlflow.db-shm"}
    with contextlib.closing(sqlite3.connect(root / "mlflow.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        locations = dict(connection.execute("SELECT name, artifact_location FROM experiments"))
    assert len(locations) == 5
    assert locations["Default"] == (root / "mlartifacts" / "0").as_uri()


@pytest.mark.slow
@pytest.mark.parametrize("attempt", range(3))
def test_sixteen_of_sixteen_processes_share_one_store(tmp_path, attempt):
    assert len(open_together(tmp_path, 16)) == 16
