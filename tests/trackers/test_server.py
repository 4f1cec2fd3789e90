"""A real MLflow server on loopback."""

import contextlib
import os
import socket
import sqlite3
import subprocess
import sys
import time
from urllib import request

import pytest

from lossexp.trackers import Mlflow

from .records import finished
from .stores import empty_store

pytestmark = pytest.mark.slow


class Server:
    """A server that can be killed and started again, with the same port and store."""

    def __init__(self, folder):
        self.folder, self.store = folder, empty_store(folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", self.store]
        command += [
            "--artifacts-destination",
            str(self.folder / "artifacts"),
            "--port",
            str(self.port),
            "--workers",
            "1",
        ]
        quietly = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
        self._process = subprocess.Popen(command, env=environment, start_new_session=True, **quietly)
        wait_for(lambda: request.urlopen(f"{self.url}/health", timeout=5).close() or True)

    def kill(self):
        os.killpg(self._process.pid, 9)
        self._process.wait()

    def runs(self):
        with contextlib.closing(sqlite3.connect(self.folder / "mlflow.db")) as connection:
            return sorted(connection.execute("SELECT name, status FROM runs").fetchall())


def wait_for(condition, seconds=90):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if condition():
                return
        time.sleep(0.1)
    raise TimeoutError


@pytest.fixture
def server(tmp_path):
    started = Server(tmp_path / "server")
    yield started
    with contextlib.suppress(ProcessLookupError):
        started.kill()


def test_runs_come_to_a_server_that_is_killed_and_comes_back(server, tmp_path):
    root = tmp_path / "runs"
    with Mlflow(uri=server.url).start(root) as follower:
        first, second, third = (finished(root, name=name) for name in ("first", "second", "third"))
        follower.changed(first.path)
        wait_for(lambda: server.runs() == [("first", "FINISHED")])
        server.kill()
        follower.changed(second.path)
        time.sleep(3)
        server.start()
        follower.changed(third.path)
        summary = follower.close()
    assert summary.problem is None
    assert server.runs() == [(name, "FINISHED") for name in ("first", "second", "third")]
    assert all(run.link.startswith(f"{server.url}/#/experiments/") for run in summary.runs.values())
    assert len(list((server.folder / "artifacts").rglob("curves.png"))) == 3


def test_what_a_server_that_stays_away_missed_is_told(server, tmp_path):
    root = tmp_path / "runs"
    with Mlflow(uri=server.url).start(root) as follower:
        server.kill()
        follower.changed(finished(root).path)
        summary = follower.close()
    assert summary.problem.startswith("1 run folder(s) not in MLflow yet. MLflow store http://127.0.0.1:")
    assert f"MLFLOW_TRACKING_URI={server.url} python -m lossexp.sync" in summary.problem
