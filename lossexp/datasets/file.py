"""The contract of a file: which columns of it are what."""

from __future__ import annotations

import dataclasses
import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from lossexp.components import Array, PositiveCount
from lossexp.datasets import columns
from lossexp.datasets.base import Dataset
from lossexp.datasets.describing import describe
from lossexp.datasets.labels import AskedTask, labels
from lossexp.datasets.preparation import Rows
from lossexp.datasets.reading.compression import ENDINGS
from lossexp.datasets.reading.content import Content, Reader, joined
from lossexp.datasets.reading.files import Stamp, stamp
from lossexp.datasets.streaming import Streamed, StreamedArray, as_frame, spread
from lossexp.datasets.table import Table
from lossexp.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd

ColumnName: TypeAlias = str | int
"""A column by its name, or by its position from 0."""

_PATHS = ("path", "val_path", "test_path")
_ROLES: dict[str, Callable[[pd.Series, str], Array]] = {
    "weight": columns.weights,
    "group": columns.groups,
    "time": columns.times,
    "split_column": columns.parts,
}


@dataclass(frozen=True, kw_only=True)
class FileDataset(Dataset, ABC):
    """Rows of a file of the user's. Its name is that of the file, without its ending.

    Columns of numbers, truth values, dates and text become features as `Preparation` says. A subclass is a format.

    Attributes:
        path: The file, relative to the current folder.
        target: The column to predict, by name or by position from 0; not needed where the format keeps it apart.
        task: What the target is; `labels` says how auto decides.
        weight: The column that says how much each row counts; None where all count alike.
        group: Rows with the same value in this column are never in two splits, and count as one in a verdict.
        time: A column by which training rows come before validation rows, and those before test rows. In a verdict,
            rows that are close in time count as one, in 50 stretches of the validation split.
        split_column: A column with the split of each row: train, val or test.
        val_path: A file with the validation rows.
        test_path: A file with the test rows.
        drop: Columns to leave out.
        missing: Whether a missing feature becomes the training mean, with a feature that says so, or is an error.
        max_memory: MiB that columns may take as float64. Larger tables are streamed, where the format allows it.
    """

    path: str
    target: ColumnName | None = None
    task: AskedTask = "auto"
    weight: ColumnName | None = None
    group: ColumnName | None = None
    time: ColumnName | None = None
    split_column: ColumnName | None = None
    val_path: str | None = None
    test_path: str | None = None
    drop: tuple[ColumnName, ...] = ()
    missing: Literal["impute", "error"] = "impute"
    max_memory: PositiveCount = 512

    def __post_init__(self) -> None:
        super().__post_init__()
        for one, other in (("group", "time"), ("split_column", "val_path"), ("split_column", "test_path")):
            if getattr(self, one) is not None and getattr(self, other) is not None:
                raise ConfigError(f"dataset.{one} and dataset.{other} both say which rows go where. Use one of them.")

    @property
    @abstractmethod
    def reader(self) -> Reader:
        """What reads the file."""

    def reader_after(self, first: Content) -> Reader:
        """Return what reads the other files: what was recognized in the first holds for them as well."""
        return self.reader

    @property
    def name(self) -> str:
        """The name of the file without its ending."""
        name = Path(self.path).name
        name = name.removesuffix(next(filter(name.endswith, ENDINGS), ""))
        return Path(name).stem or name

    @property
    def where(self) -> str:
        """The file, as given."""
        return self.path

    def table(self, rng: np.random.Generator) -> Table:
        """Return the rows of the file; it is read again only if it has changed."""
        other_settings: dict[str, Any] = {field.name: field.default for field in dataclasses.fields(Dataset)}
        return _table(dataclasses.replace(self, **other_settings), self.stamps())

    def stamps(self) -> tuple[Stamp | None, ...]:
        """Look at the files of the three splits, and after them at what belongs to these, without reading any.

        Raises:
            DataError: One is not a file that can be read.
        """
        return tuple(self.look(setting) for setting in _PATHS)

    def look(self, setting: str) -> Stamp | None:
        """Look at the file that a setting names, without reading it; None where it names none."""
        path = getattr(self, setting)
        return None if path is None else stamp(path, f"dataset.{setting}")

    def streamed(self, file: Stamp) -> Streamed | None:
        """Return the columns of a file that are not read as a whole, where the format has that, or None."""
        return None

    def assembled(self, stamps: Sequence[Stamp | None]) -> Table:
        """Read the files and give each column its part.

        Raises:
            DataError: A file cannot be read, or a column is missing or not what it should be.
        """
        files = {place: file.path for place, file in enumerate(stamps[: len(_PATHS)]) if file}
        source = ", ".join(path.name for path in files.values())  # their folders may come from the environment
        if (large := self._large(stamps)) is not None:
            seen = spread(np.arange(large.shape[0]))
            content = Content(as_frame(large.sample(seen)), notes=tuple(large.notes))
            return self._assembled(content, source, large=large, seen=seen)
        path, *others = files.values()
        first = self.reader(path)
        contents = [first, *map(self.reader_after(first), others)]
        content = joined(contents, list(files.values()))
        file = stamps[0]
        if file and len(files) == 1 and isinstance(content.inputs, np.memmap) and self._is_large(content.inputs.shape):
            content = dataclasses.replace(content, inputs=StreamedArray(file, content.inputs))
        part = np.repeat(list(files), [len(one.named) for one in contents]) if len(files) > 1 else None
        return self._assembled(content, source, part=part)

    def _large(self, stamps: Sequence[Stamp | None]) -> Streamed | None:
        """Return the columns of a file that is too large to be read as a whole; None where it is not."""
        if stamps[0] is None or any(stamps[1 : len(_PATHS)]):
            return None
        columns_on_disk = self.streamed(stamps[0])
        return columns_on_disk if columns_on_disk is not None and self._is_large(columns_on_disk.shape) else None

    def _is_large(self, shape: tuple[int, ...]) -> bool:
        return math.prod(shape) * np.dtype(np.float64).itemsize > self.max_memory * 2**20

    def _assembled(
        self,
        content: Content,
        source: str,
        *,
        part: Array | None = None,
        large: Streamed | None = None,
        seen: Array | slice = slice(None),
    ) -> Table:
        """Give each column its part.

        Args:
            content: All rows, or those that are `seen` of a table that is streamed.
            source: What is read.
            part: The split of each row where files say so.
            large: The table that is streamed.
            seen: Rows that `content` has.
        """
        roles = self._roles(content)
        if large is not None:
            roles = {role: large.column(str(values.name)) for role, values in roles.items()}
        target = roles.pop("target")
        found = labels(target, self.task, self.where)
        known = {role: _ROLES[role](values, self.where) for role, values in roles.items()}
        taken = {str(target.name), *(str(values.name) for values in roles.values())}
        X, names, notes = self._inputs(content, taken)
        decisions = [note for note in (*content.notes, found.note, *notes) if note]
        if large is not None:
            judged = f"columns are judged by {len(content.named)} rows, and what is missing by all (dataset.max_memory)"
            decisions.append(judged)
        card = describe(source, str(target.name), found._replace(y=found.y[seen]), X, names, decisions)
        counts = np.bincount(found.y).tolist() if found.class_names else []
        together = next((role for role in ("group", "time") if role in roles), None)
        return Table(
            X=X if large is None else large.only(names),
            y=found.y,
            feature_names=tuple(names),
            class_names=found.class_names,
            target_name=str(target.name),
            weight=known.get("weight"),
            group=known.get("group"),
            time=known.get("time"),
            part=known.get("split_column", part),
            fills_missing=self.missing == "impute",
            unused=tuple(content.named.columns.difference([str(target.name), *names], sort=False)),
            card=dataclasses.replace(
                card,
                rows=len(found.y),
                groups=f"{known[together].max() + 1} {together}s by {roles[together].name}" if together else "",
                classes=dict(zip(found.class_names, counts, strict=True)),
            ),
        )

    def _roles(self, content: Content) -> dict[str, pd.Series]:
        """Return the target and the other columns that are no features, by what they are for."""
        names = list(content.named.columns)
        if self.target is None and content.inputs is None:
            raise DataError(
                f"dataset.target is not set: which column of {self.where} is to be predicted? "
                f"Columns: {columns.listed(names)}. E.g. dataset.target={names[-1]}"
            )
        roles = {"target": names[0]} if self.target is None else {}
        for role in ("target", *_ROLES):
            if (wanted := getattr(self, role)) is not None:
                name = columns.find(wanted, names, role, self.where, content.notes)
                if name in roles.values():
                    raise DataError(
                        f"dataset.{role}={name} is another setting's column already. Choose another column."
                    )
                roles[role] = name
        return {role: content.named[name] for role, name in roles.items()}

    def _inputs(self, content: Content, taken: Collection[str]) -> tuple[Rows, list[str], list[str]]:
        """Return the features before they are prepared, their names, and what was decided about them."""
        if content.inputs is not None:
            if self.drop:
                raise ConfigError(
                    f"dataset.drop={list(self.drop)} does not fit {self.where}, whose features are one array. "
                    "Leave the columns out of the array."
                )
            return content.inputs, [f"x{place}" for place in range(content.inputs.shape[1])], []
        names = list(content.named.columns)
        dropped = {columns.find(wanted, names, "drop", self.where, content.notes) for wanted in self.drop}
        offered = [name for name in names if name not in taken and name not in dropped]
        usable, notes = columns.usable(content.named[offered])
        if not usable:
            reasons = "; ".join((*content.notes, *notes))
            raise DataError(f"{self.where}: no column is left that could be a feature. {reasons}".rstrip())
        return content.named[usable], usable, notes


@functools.lru_cache(maxsize=4)
def _table(dataset: FileDataset, stamps: tuple[Stamp | None, ...]) -> Table:
    """Return the table of a file as it is now: the many runs of a sweep read it once."""
    return dataset.assembled(stamps)
