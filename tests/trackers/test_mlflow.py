import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from lossexp.errors import StorageError
from lossexp.trackers import Mlflow, TrackingSummary

from .records import begun, finished
from .stores import empty_store, quiet


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path / "runs"


@pytest.fixture
def as_child(tmp_path, monkeypatch):
    """Let another program stand in for the child process."""

    def stand_in(program: str) -> None:
        path = tmp_path / "child"
        source = tmp_path / "child.py"
        source.write_text(f"import json, os, sys, time\n{program}\n")
        # Through a shell: the first line of a script cannot name an interpreter in a folder with a space.
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{source}"\n')
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))

    return stand_in


def stored(root) -> list[tuple[str, str]]:
    """Name and status of the runs in a store."""
    with contextlib.closing(sqlite3.connect(root / "mlflow.db")) as connection:
        return sorted(connection.execute("SELECT name, status FROM runs").fetchall())


@quiet
def test_the_child_fills_mlflow_and_says_where(root):
    empty_store(root)
    with Mlflow().start(root) as follower:
        first, second = finished(root, name="first"), begun(root, n_epochs=2, name="second")
        for _ in range(3):
            follower.changed(first.path)
            follower.changed(second.path)
        summary = follower.close()
        assert follower.close() is summary
    assert stored(root) == [("first", "FINISHED"), ("second", "RUNNING")]
    assert set(summary.runs) == {first.path, second.path}
    assert summary.problem is None
    folder = root / "mlartifacts" / "breast_cancer" / summary.runs[first.path].run_id / "artifacts"
    assert (folder / "model" / "model.json").exists()


PARENT = """
import sys, time
from pathlib import Path
from lossexp.trackers import Mlflow

follower = Mlflow().start(Path(sys.argv[1]))
follower.changed(Path(sys.argv[2]))
print("told", flush=True)
time.sleep(60)
"""


@quiet
def test_the_child_outlives_ctrl_c_and_the_death_of_its_parent(root):
    empty_store(root)
    record = finished(root)
    command = [sys.executable, "-c", PARENT, str(root), str(record.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True) as parent:
        assert parent.stdout.readline() == b"told\n"
        os.killpg(parent.pid, signal.SIGINT)  # what Ctrl-C in a terminal does: the whole group gets it
        os.killpg(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while stored(root) != [("bce lr=0.1", "FINISHED")] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert stored(root) == [("bce lr=0.1", "FINISHED")]


def test_nothing_is_made_and_nothing_waited_for_without_news(root, as_child):
    as_child("time.sleep(30)")
    begin = time.monotonic()
    follower = Mlflow().start(root)
    assert follower.close() == TrackingSummary()
    assert time.monotonic() - begin < 5
    assert not root.exists()
    stop(follower)


def stop(follower) -> None:
    follower._child.kill()
    follower._child.wait()


def test_news_never_waits_for_a_child_that_does_not_read(root, as_child):
    """More than a pipe holds: what does not fit is sent later."""
    as_child("""
time.sleep(1)
names = dict.fromkeys(line.rstrip() for line in sys.stdin)
print(json.dumps({"runs": {name: {"experiment_id": "1", "run_id": name, "link": None} for name in names},
                  "problem": None}))""")
    folders = [root / "records" / "experiment" / f"folder-{number:05}" for number in range(6000)]
    with Mlflow().start(root) as follower:
        begin = time.monotonic()
        for folder in folders:
            follower.changed(folder)
        assert time.monotonic() - begin < 0.9
        summary = follower.close()
    assert list(summary.runs) == folders
    assert summary.runs[folders[-1]].run_id == "records/experiment/folder-05999"


def test_a_child_that_dies_is_a_problem_to_report_not_an_error(root, as_child):
    as_child("sys.exit(7)")
    with Mlflow().start(root) as follower:
        for _ in range(50):
            follower.changed(root / "records" / "experiment" / "folder")
            time.sleep(0.01)
        summary = follower.close()
    assert summary.runs == {}
    assert "ended early (exit code 7)" in summary.problem
    assert f"python -m lossexp.sync {root}" in summary.problem


def test_waiting_has_an_end(root, as_child):
    as_child("time.sleep(30)")
    follower = Mlflow().start(root)
    follower.changed(root / "records" / "experiment" / "folder")
    begin = time.monotonic()
    assert "in the background" in follower.close(timeout=0.2).problem
    assert 0.2 <= time.monotonic() - begin < 5
    stop(follower)


def test_leaving_early_does_not_wait(root, as_child):
    as_child("time.sleep(30)")
    begin = time.monotonic()
    with Mlflow().start(root) as follower:
        follower.changed(root / "records" / "experiment" / "folder")
    assert time.monotonic() - begin < 5
    stop(follower)


def test_a_child_that_cannot_be_started(root, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(root / "missing"))
    with pytest.raises(StorageError, match=r"cannot be started: .* To go without: tracker=none"):
        Mlflow().start(root)


def test_the_child_is_told_which_store(root, as_child, monkeypatch):
    as_child('sys.stdin.read(); print(json.dumps({"runs": {}, "problem": os.environ["MLFLOW_TRACKING_URI"]}))')
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://server")
    for uri, expected in ((None, "http://server"), ("sqlite:////mine.db", "sqlite:////mine.db")):
        with Mlflow(uri=uri).start(root) as follower:
            follower.changed(root / "records" / "a" / "b")
            assert follower.close().problem == expected
