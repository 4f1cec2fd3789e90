"""The model of a run as MLflow sees it."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib import request
from urllib.error import HTTPError

import numpy as np
import pandas as pd
import pytest

import lossexp
from lossexp.trackers.projection import Projection
from lossexp.trackers.serving import make_servable
from tests.trained_runs import run, write_files

from .stores import empty_store, quiet

# MLflow warns of the type hints of its own classes while it is imported.
pytestmark = [quiet, pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType")]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Return the current folder, with files of rows."""
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path, "kind")
    return tmp_path


def test_mlflow_predicts_from_the_folder_without_any_pickle(here):
    from mlflow import pyfunc
    from mlflow.exceptions import MlflowException

    record = run("kind", "loss=bce")
    make_servable(record.path / "model")
    files = sorted(path.name for path in (record.path / "model").iterdir())
    assert files == ["MLmodel", "model.json", "predictor.py", "weights.npz"]
    served, ours = pyfunc.load_model(str(record.path / "model")), lossexp.load(record.path)
    rows = pd.read_csv("test.csv")
    pd.testing.assert_frame_equal(served.predict(rows), ours.predictions(rows))
    pd.testing.assert_frame_equal(served.predict(rows.to_dict("list")), ours.predictions(rows))
    with pytest.raises(MlflowException, match="The data lacks length"):
        served.predict(rows[["colour"]])
    with pytest.raises(MlflowException, match="Text was given; expected rows"):  # no file of the server is opened
        served.predict("test.csv")


def test_every_projected_run_has_its_model(here, monkeypatch):
    from mlflow import pyfunc

    record = run("kind", "loss=bce")
    root = here / "runs"
    uri = empty_store(root)
    tracked = Projection(root, uri).project(record)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    rows = pd.read_csv("test.csv")
    served = pyfunc.load_model(f"runs:/{tracked.run_id}/model")
    pd.testing.assert_frame_equal(served.predict(rows), lossexp.load(record.path).predictions(rows))


@pytest.mark.slow
def test_mlflow_models_serve_answers(here):
    """As a user types it, on loopback; one good request, and one that lacks a column."""
    record = run("kind", "loss=bce")
    root = here / "runs"
    uri = empty_store(root)
    tracked = Projection(root, uri).project(record)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", f"runs:/{tracked.run_id}/model"]
    command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": uri,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path(lossexp.__file__).parents[1]),
    }
    rows = pd.read_csv("test.csv").iloc[:5].fillna(0.0)
    with subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(f"http://127.0.0.1:{port}/ping", server)
            answer = invoke(port, rows)["predictions"]
            expected = lossexp.load(record.path).predictions(rows)
            assert [row["prediction"] for row in answer] == expected["prediction"].tolist()
            np.testing.assert_allclose(
                [row["probability_rose"] for row in answer], expected["probability_rose"], rtol=1e-12
            )
            with pytest.raises(HTTPError) as refused:
                invoke(port, rows[["colour"]])
            assert refused.value.code == 400
            assert "The data lacks length" in json.load(refused.value)["message"]
        finally:
            os.killpg(server.pid, 15)


def wait_for(url, server, seconds=60):
    """Wait until a server answers."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert server.poll() is None
        try:
            request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(url)


def invoke(port, rows):
    """Ask for predictions, and return the answer."""
    body = json.dumps({"dataframe_split": rows.to_dict(orient="split", index=False)}).encode()
    call = request.Request(f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "application/json"})
    with request.urlopen(call, timeout=30) as answer:
        return json.load(answer)
