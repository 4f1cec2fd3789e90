"""`python -m lossexp.ui`: MLflow's page on the right store, at the view that lossexp ships."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import webbrowser
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib import request

from lossexp.errors import EXIT_USER_ERROR, LossexpError, StorageError
from lossexp.trackers.store import check_uri, database, shown, store_uri
from lossexp.trackers.view import VIEW_TAG, view_link

_PORT = 5000
"""MLflow's own default."""

# The server is on this machine: what the environment says about proxies is not meant for it.
_direct = request.build_opener(request.ProxyHandler({}))


def show(root: Path, uri: str, host: str, port: int | None, *, open_browser: bool) -> None:
    """Serve a store until Ctrl-C; of a store that a server has already, print the address.

    Args:
        root: The output folder, absolute.
        uri: The store.
        host: The network interface to listen on.
        port: The port to listen on; without one 5000, or any free one where 5000 is taken.
        open_browser: Whether to open the first view in a browser.

    Raises:
        StorageError: There is nothing to show, or it cannot be served.
    """
    check_uri(uri)
    if uri.startswith(("http://", "https://")):
        print(f"MLflow is at {shown(uri)}")
        return
    path = database(uri)
    if path and not path.exists():
        raise StorageError(f"There are no runs to show: {path} does not exist. Begin with a run: python -m lossexp")
    port = free_port(host, port)
    server = f"http://{host}:{port}"
    print(f"Starting MLflow on {shown(uri)} ...", flush=True)
    with _running(root, uri, host, port) as process:
        links = view_links(server)
        print(f"MLflow is at {server} until Ctrl-C.", flush=True)
        for experiment, link in links.items():
            print(f"  {experiment}: {link}", flush=True)
        if open_browser:
            webbrowser.open(next(iter(links.values()), server))
        process.wait()


def free_port(host: str, wanted: int | None) -> int:
    """Return the wanted port; without a wish 5000, or any free one where 5000 is taken.

    Raises:
        StorageError: The wanted port is taken, or the host is not of this machine.
    """
    candidates = [_PORT, 0] if wanted is None else [wanted]
    for candidate in candidates:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((host, candidate))
            except OSError as error:
                reason = error.strerror
            else:
                return int(listener.getsockname()[1])
    raise StorageError(f"Cannot listen on {host}:{wanted or _PORT}: {reason}. Choose another one: --port N")


def view_links(server: str) -> dict[str, str]:
    """Return the address of the saved view of each experiment that has it, the newest experiment first."""
    query = json.dumps({"max_results": 1000}).encode()
    call = request.Request(f"{server}/api/2.0/mlflow/experiments/search", query, {"Content-Type": "application/json"})
    with _direct.open(call, timeout=60) as response:
        experiments = json.load(response).get("experiments", [])
    return {
        experiment["name"]: view_link(server, experiment["experiment_id"])
        for experiment in experiments
        if VIEW_TAG in {tag["key"] for tag in experiment.get("tags", [])}
    }


@contextlib.contextmanager
def _running(root: Path, uri: str, host: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run the server, from the moment it answers to the end of the block."""
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri]
    command += ["--artifacts-destination", str(root / "mlartifacts")]
    command += ["--host", host, "--port", str(port), "--workers", "1"]
    hosts = ",".join(f"{name}:{port}" for name in dict.fromkeys((host, "127.0.0.1", "localhost")))
    environment = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # nothing here runs code on behalf of the page
        "MLFLOW_SERVER_ALLOWED_HOSTS": hosts,  # MLflow's own list lets in any name that begins with `10.`
        **os.environ,
    }
    with tempfile.TemporaryFile() as log:
        # A session of its own: Ctrl-C reaches this process only, which then stops the server and its workers in order.
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait_until_healthy(process, f"http://{host}:{port}/health")
            if process.poll() is not None:
                log.seek(0)
                raise StorageError(f"MLflow did not start:\n{log.read().decode(errors='replace')[-2000:]}")
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def _wait_until_healthy(process: subprocess.Popen[bytes], url: str) -> None:
    """Wait until the server answers or has ended."""
    while process.poll() is None:
        with contextlib.suppress(OSError), _direct.open(url, timeout=5):
            return
        time.sleep(0.1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m lossexp.ui",
        description="Show the runs in MLflow's page. The store is MLFLOW_TRACKING_URI, else mlflow.db in the output "
        "folder.",
    )
    parser.add_argument("runs", nargs="?", type=Path, default=Path("runs"), help="the output folder (default: runs)")
    parser.add_argument("--host", default="127.0.0.1", help="the interface to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, help=f"the port to listen on (default: {_PORT}, or a free one)")
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    options = parser.parse_args(arguments)
    root = options.runs.absolute()
    try:
        show(root, store_uri(root), options.host, options.port, open_browser=options.open)
    except LossexpError as error:
        print(f"lossexp: {error}", file=sys.stderr)
        return EXIT_USER_ERROR
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)  # stop the server then, too
    sys.exit(main())
