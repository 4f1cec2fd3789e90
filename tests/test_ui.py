import base64
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib import request

import pytest

from lossexp import ui
from lossexp.errors import StorageError
from lossexp.trackers.projection import Projection

from .trackers.records import finished
from .trackers.stores import empty_store, quiet


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current folder."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_runs_there_is_a_hint(here, capsys):
    assert ui.main([]) == 2
    assert f"{here}/runs/mlflow.db does not exist. Begin with a run: python -m lossexp" in capsys.readouterr().err
    assert list(here.iterdir()) == []


def test_a_server_that_runs_already_is_only_named(here, capsys, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example.org")
    assert ui.main([]) == 0
    assert capsys.readouterr().out == "MLflow is at https://mlflow.example.org\n"


@contextlib.contextmanager
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_free_port_is_found_where_the_usual_one_is_taken(monkeypatch):
    with taken_port() as port:
        monkeypatch.setattr(ui, "_PORT", port)
        assert ui.free_port("127.0.0.1", None) not in (port, 0)
    assert ui.free_port("127.0.0.1", None) == port


def test_a_wish_for_a_port_is_not_overruled():
    with taken_port() as port, pytest.raises(StorageError, match=rf"Cannot listen on 127.0.0.1:{port}: .* --port N"):
        ui.free_port("127.0.0.1", port)
    assert ui.free_port("127.0.0.1", port) == port


@pytest.fixture
def served(here) -> Iterator[tuple[str, str]]:
    """The addresses of a server on two runs and of its view; the server is stopped as by Ctrl-C."""
    root = here / "runs"
    projection = Projection(root, empty_store(root))
    for name in ("bce lr=0.1", "mse lr=0.1"):
        projection.project(finished(root, n_epochs=20, name=name, loss=name[:3], verdict="good fit"))
    command = [sys.executable, "-m", "lossexp.ui"]
    environment = {**os.environ, "PYTHONPATH": str(Path(ui.__file__).parents[1])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True) as page:
        assert page.stdout.readline().startswith("Starting MLflow on sqlite:///")
        server = page.stdout.readline().removeprefix("MLflow is at ").removesuffix(" until Ctrl-C.\n")
        yield server, page.stdout.readline().strip().removeprefix("breast_cancer: ")
        os.killpg(page.pid, signal.SIGINT)
        assert page.wait(timeout=30) == 0
    with pytest.raises(OSError, match="refused"):
        request.urlopen(f"{server}/health")


@quiet
@pytest.mark.slow
def test_only_known_hosts_are_served(served):
    server, _ = served
    url = f"{server}/api/2.0/mlflow/experiments/search?max_results=1"
    assert request.urlopen(url).status == 200
    for host in ("evil.example", "10.0.0.1"):
        with pytest.raises(OSError, match="403"):
            request.urlopen(request.Request(url, headers={"Host": host}))


class Browser:
    """Chromium, over the protocol of its driver."""

    def __init__(self, profile: Path) -> None:
        with taken_port() as port:
            pass
        command = ["chromedriver", f"--port={port}"]
        self._driver = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._session = f"http://127.0.0.1:{port}/session"
        switches = "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking"
        arguments = [f"--{name}" for name in f"{switches} disable-component-update disable-sync".split()]
        options = {"args": [*arguments, f"--user-data-dir={profile}", "--window-size=1600,1200"]}
        wanted = {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}}
        self._session += "/" + until(lambda: self._ask("", wanted))["sessionId"]

    def _ask(self, path: str, body: object = None, method: str | None = None):
        data = None if body is None else json.dumps(body).encode()
        call = request.Request(self._session + path, data, {"Content-Type": "application/json"}, method=method)
        with request.urlopen(call, timeout=60) as response:
            return json.load(response)["value"]

    def open(self, url: str) -> None:
        self._ask("/url", {"url": url})

    def resize(self, width: int, height: int) -> None:
        self._ask("/window/rect", {"width": width, "height": height})

    def run(self, script: str):
        return self._ask("/execute/sync", {"script": script, "args": []})

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._ask("/screenshot")))

    def command(self, name: str, **parameters: object) -> None:
        """Give a command of the DevTools protocol."""
        self._ask("/goog/cdp/execute", {"cmd": name, "params": parameters})

    def close(self) -> None:
        self._ask("", method="DELETE")
        self._driver.terminate()
        self._driver.wait()


def until(attempt, seconds=60):
    """Repeat until the answer is true; what the network says in between does not count."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if answer := attempt():
                return answer
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds} seconds")


@pytest.fixture
def browser(tmp_path):
    if not (shutil.which("chromedriver") and shutil.which("chromium")):
        pytest.skip("no chromium with chromedriver")
    with contextlib.closing(Browser(tmp_path / "profile")) as opened:
        yield opened


CHARTS = """
return [...document.querySelectorAll(".js-plotly-plot")].map(plot => ({
    scale: plot.layout.yaxis.type,
    lines: plot.data.map(line => [line.name, line.metricKey, line.line.dash]),
}))
"""


@quiet
@pytest.mark.browser
def test_the_page_shows_train_and_validation_in_one_chart_by_loss(served, browser, tmp_path):
    _, view = served
    browser.open(view)
    charts = until(lambda: (found := browser.run(CHARTS)) and all(chart["lines"] for chart in found) and found)
    browser.screenshot(tmp_path / "view.png")
    losses, gap = charts
    assert losses["scale"] == "log"
    # Runs are grouped by loss: each has a line for each curve, and bands that have no metric.
    curves = {tuple(line[1:]) for line in losses["lines"] if line[1]}
    assert curves == {("train/loss", "solid"), ("val/loss", "dash")}
    assert {metric for _, metric, _ in gap["lines"] if metric} == {"gap"}
    page = browser.run("return document.body.innerText")
    assert {f"Group: {loss}" for loss in ("bce", "mse")} <= set(page.splitlines())
    headers = 'return [...document.querySelectorAll("[role=columnheader]")].map(header => header.innerText)'
    browser.open(view.replace("compareRunsMode=CHART", "compareRunsMode=TABLE"))
    browser.resize(4000, 1000)  # columns out of sight are not there
    wanted = {"best/epoch", "best/val_loss", "optimizer.lr", "verdict"}
    assert until(lambda: wanted <= set(browser.run(headers)))
