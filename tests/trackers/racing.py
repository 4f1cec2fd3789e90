"""What many processes do at once. Imported by the server that they are forked from, so that none has to import."""

import os
from threading import Barrier

from lossexp.trackers.store import load_mlflow, open_store

load_mlflow("sqlite:///")


def open_store_together(uri: str, gate: Barrier) -> str:
    """Open a store in the same moment as the others, and add something to it."""
    gate.wait()
    return open_store(uri).create_experiment(f"from process {os.getpid()}")
