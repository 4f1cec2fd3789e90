"""MLflow stores for tests."""

import functools
import tempfile
from pathlib import Path

import pytest

from lossexp.trackers.store import open_store

quiet = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""For tests that run MLflow, which uses what its own libraries deprecate."""


@functools.cache
def _empty_database() -> bytes:
    """Make an empty store, which takes seconds, once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mlflow.db"
        open_store(f"sqlite:///{path}")
        return path.read_bytes()


def empty_store(root: Path) -> str:
    """Give an output folder an empty store. Return its URI."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "mlflow.db").write_bytes(_empty_database())
    return f"sqlite:///{root / 'mlflow.db'}"
