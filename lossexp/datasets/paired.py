"""Features in one file, their targets in another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from lossexp.components import Array
from lossexp.datasets.file import FileDataset
from lossexp.datasets.reading.arrays import Paired
from lossexp.datasets.reading.content import Reader
from lossexp.datasets.reading.files import Stamp
from lossexp.errors import ConfigError

_PARTNERS = {"path": "target_path", "val_path": "val_target_path", "test_path": "test_target_path"}


@dataclass(frozen=True, kw_only=True)
class PairedFiles(FileDataset, ABC):
    """Files of arrays, whose targets may be in files of their own.

    Attributes:
        target_path: The file with the targets of `path`, one for each row.
        val_target_path: The same for `val_path`.
        test_target_path: The same for `test_path`.
    """

    target_path: str | None = None
    val_target_path: str | None = None
    test_target_path: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for features, targets in _PARTNERS.items():
            alone = (getattr(self, features) is None) != (getattr(self, targets) is None)
            if alone and self.target_path is not None:
                raise ConfigError(f"dataset.{features} and dataset.{targets} belong together. Give both or neither.")

    @abstractmethod
    def read_array(self, path: Path) -> Array:
        """Return the one array of a file."""

    @property
    def reader(self) -> Reader:
        """What reads a file, and its partner if there is one."""
        pairs = ((self.look(features), self.look(targets)) for features, targets in _PARTNERS.items())
        return Paired(self.read_array, {one.path: other.path for one, other in pairs if one and other})

    def stamps(self) -> tuple[Stamp | None, ...]:
        """Look at the files of features, then at those of targets, without reading any."""
        return (*super().stamps(), *map(self.look, _PARTNERS.values()))
