"""Datasets of openml.org, by number."""

from __future__ import annotations

import os
import socket
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from lossexp.components import PositiveCount
from lossexp.datasets.base import Dataset
from lossexp.datasets.downloads import SECONDS_TO_ANSWER, cache, reason
from lossexp.datasets.file import ColumnName
from lossexp.datasets.labels import AskedTask
from lossexp.datasets.parquet import Parquet
from lossexp.datasets.table import Table
from lossexp.errors import DataError


@dataclass(frozen=True, kw_only=True)
class OpenML(Dataset):
    """A table of openml.org, downloaded once by scikit-learn, which checks it by its MD5, and kept as a Parquet file.

    Attributes:
        id: Its number there, as in openml.org/d/61.
        root: Folder with the Parquet file; None for the cache, where a missing one is downloaded to.
        target: The column to predict; None for the one that OpenML names, the last of the Parquet file.
        task: What the target is; `labels` says how auto decides.
        drop: Columns to leave out.
        missing: Whether a missing feature becomes the training mean, with a feature that says so, or is an error.
    """

    id: PositiveCount
    root: str | None = None
    target: ColumnName | None = None
    task: AskedTask = "auto"
    drop: tuple[ColumnName, ...] = ()
    missing: Literal["impute", "error"] = "impute"

    @property
    def name(self) -> str:
        """The number, with where it is from."""
        return f"openml_{self.id}"

    @property
    def where(self) -> str:
        """How it is chosen."""
        return f"dataset=openml dataset.id={self.id}"

    def table(self, rng: np.random.Generator) -> Table:
        """Return the rows, downloaded where they are not there yet.

        Raises:
            DataError: They are not there and cannot be downloaded, or a column is not what it should be.
        """
        folder = Path(self.root).expanduser().absolute() if self.root is not None else cache() / "openml"
        path = folder / f"{self.id}.parquet"
        if not path.exists() and self.root is not None:
            raise DataError(
                f"{self.where}: {path.name} is not in dataset.root={self.root}. Put it there, or leave dataset.root "
                "out, and it is downloaded."
            )
        if not path.exists():
            self._download(path)
        target = _last_column(path) if self.target is None else self.target
        file = Parquet(path=str(path), target=target, task=self.task, drop=self.drop, missing=self.missing)
        return file.table(rng)

    def _download(self, path: Path) -> None:
        from sklearn.datasets import fetch_openml

        part = path.with_name(f".{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with _impatiently(), tempfile.TemporaryDirectory() as home:  # where scikit-learn would keep it again
                found = fetch_openml(data_id=self.id, data_home=home, as_frame=True, parser="pandas", n_retries=1)
            features = [name for name in found.frame if name not in found.target_names]
            found.frame[[*features, *found.target_names]].to_parquet(part, index=False)
            os.replace(part, path)
        except (OSError, ValueError) as error:  # no network; no such dataset, another MD5, or a sparse one
            raise DataError(
                f"{self.where} cannot be downloaded: {reason(error)}\n"
                f"Where a network is, the same command keeps it in\n  {path}\n"
                "Put that file there, or into another folder and say which: dataset.root=PATH"
            ) from error


def _last_column(path: Path) -> str:
    from pyarrow import ArrowException, parquet

    try:
        return str(parquet.read_schema(path).names[-1])
    except (ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read: {error}. Remove it, and it is downloaded again.") from error


@contextmanager
def _impatiently() -> Iterator[None]:
    """Let no server be silent for long: scikit-learn would wait without end. What fails is said once, at the end."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SECONDS_TO_ANSWER)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "A network error occurred")
            yield
    finally:
        socket.setdefaulttimeout(before)
