"""The contract of a dataset: rows in, three splits that never meet out."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, final

import numpy as np

from lossexp.components import Array, Component, Count, Interval, InvalidValueError, PositiveCount
from lossexp.datasets.card import DataCard
from lossexp.datasets.conversion import is_sparse
from lossexp.datasets.corruption import add_noise, add_outliers, replace_labels
from lossexp.datasets.preparation import Preparation, Rows
from lossexp.datasets.scaling import centre_and_scale
from lossexp.datasets.splitting import draw, draw_together, imbalanced, n_rows
from lossexp.datasets.streaming import Streamed
from lossexp.datasets.table import PARTS, Table
from lossexp.errors import DataError
from lossexp.randomness import Purpose, stream
from lossexp.targets import Target


@dataclass(frozen=True)
class Split:
    """Examples of one split.

    Attributes:
        X: Features `(n_samples, n_features)`, an array or a SciPy CSR matrix.
        y: Targets `(n_samples,)`.
        weight: How much each example counts `(n_samples,)`, at least 0; None where all count alike.
        groups: Examples with the same number depend on each other `(n_samples,)`; None where all are independent.
    """

    X: Rows
    y: Array
    weight: Array | None = None
    groups: Array | None = None

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class Data:
    """What a run trains on and is measured on.

    Every array is contiguous and read-only. Features and continuous targets are float64, class labels int64.

    Attributes:
        fingerprint: SHA-256 of the arrays alone: the names do not enter.
        preparation: What turned the columns into features; new data goes through the same.
        target_name: What the target is called.
        target_mean: What was subtracted from a continuous target, 0 where it was not standardized.
        target_scale: What it was divided by then: a target is `y * target_scale + target_mean`.
        card: What a person should know about a file; None for data that are known.
    """

    name: str
    target: Target
    train: Split
    val: Split
    test: Split
    class_names: tuple[str, ...]
    feature_names: tuple[str, ...]
    fingerprint: str
    preparation: Preparation = Preparation()
    target_name: str = "target"
    target_mean: float = 0.0
    target_scale: float = 1.0
    card: DataCard | None = None

    @property
    def n_features(self) -> int:
        """Number of inputs."""
        return int(self.train.X.shape[1])


@dataclass(frozen=True, kw_only=True)
class Dataset(Component, ABC):
    """Where rows come from, and what is done to them before a model sees them.

    A subclass states its `name` and returns its rows from `table()`. The rest is common to all:

        table -> imbalance -> train, validation, test -> train_size -> label_noise, outliers -> features, standardize

    Only the training split is made smaller or noisier, and only its statistics standardize the others. A table that is
    streamed is split once for all seeds: its seeds are `split_seed` and `noise_seed`, or 0.

    Attributes:
        val_fraction: Validation rows as a fraction of all rows, rounded up.
        test_fraction: Test rows as a fraction of all rows, rounded up; 0 for none.
        stratify: Whether each split has the classes in the proportions of the table.
        standardize: Whether each feature gets mean 0 and standard deviation 1 on the training split.
        standardize_target: The same for a continuous target.
        train_size: How many training rows to keep, or which fraction of them; None for all.
        label_noise: Classes: fraction of the training labels replaced by another class, uniformly at random.
            Continuous target: standard deviation of Gaussian noise on it, in units of its own.
        outliers: Fraction of the training rows whose continuous target moves by ±10 standard deviations.
        imbalance: Rows of the first class per row of the last one, in geometric progression between them;
            1 leaves the table as it is.
        split_seed: Seed of imbalance, split and train_size; None follows the seed of the run.
        noise_seed: Seed of label_noise and outliers; None follows the seed of the run.
    """

    val_fraction: Annotated[float, Interval(0, 1, open_low=True, open_high=True)] = 0.2
    test_fraction: Annotated[float, Interval(0, 1, open_high=True)] = 0.2
    stratify: bool = True
    standardize: bool = True
    standardize_target: bool = False
    train_size: PositiveCount | Annotated[float, Interval(0, 1, open_low=True)] | None = None
    label_noise: Annotated[float, Interval(0, 1)] = 0.0
    outliers: Annotated[float, Interval(0, 1)] = 0.0
    imbalance: Annotated[float, Interval(1)] = 1.0
    split_seed: Count | None = None
    noise_seed: Count | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.val_fraction + self.test_fraction >= 1:
            expected = f"a number below {1 - self.val_fraction:g}, since val_fraction={self.val_fraction:g}"
            raise InvalidValueError("test_fraction", self.test_fraction, expected)

    @property
    @abstractmethod
    def name(self) -> str:
        """What it is called; a subclass may set it as an attribute of the class."""

    @abstractmethod
    def table(self, rng: np.random.Generator) -> Table:
        """Return all rows. A synthetic dataset draws them from `rng`, a recorded one ignores it."""

    @property
    def where(self) -> str:
        """What messages call it."""
        return f"dataset={self.name}"

    @final
    def load(self, seed: int) -> Data:
        """Return the splits that the run with this seed trains on and is measured on.

        Raises:
            DataError: The rows are malformed, or too few for the settings.
        """
        table = self.table(stream(seed, "sample"))
        if isinstance(table.X, Streamed):
            return table.X.once(self, lambda: self._split(table, 0))
        return self._split(table, seed)

    def _split(self, table: Table, seed: int) -> Data:
        self._check_settings(table.target)
        table.check(self.where)
        rows = self._rows(table, _stream(self.split_seed, seed, "split"))
        if isinstance(table.X, Streamed):
            for part in rows:
                part.sort()  # in the order of the file
        y: list[Array] = [
            table.y[part].astype(np.int64 if table.target.task.is_classes else np.float64) for part in rows
        ]
        y[0] = self._corrupted(y[0], table.target, _stream(self.noise_seed, seed, "noise"))
        mean, scale = map(float, centre_and_scale(y[0])) if self.standardize_target else (0.0, 1.0)
        if self.standardize_target:
            y = [(part - mean) / scale for part in y]
        train, lacking = table.learned_on(rows[0])
        preparation = Preparation.learned(
            train,
            table.feature_names,
            standardize=self.standardize,
            unit=table.unit,
            unused=(table.target_name, *table.unused),
            lacking=lacking,
        )
        weights = [None if table.weight is None else table.weight[part].astype(np.float64) for part in rows]
        groups = [table.dependent(part) for part in rows]
        others = [array for array in (*y, *weights, *groups) if array is not None]
        if isinstance(table.X, Streamed):
            X, seal = table.X.store(
                rows,
                preparation,
                check=lambda piece: table.check_features(piece, self.where),
                strict=not table.fills_missing,
            )
            fingerprint = hashlib.sha256(f"{seal}{_seal(*others)}".encode()).hexdigest()
        else:
            X = [preparation.transform(part) for part in (train, table.rows(rows[1]), table.rows(rows[2]))]
            fingerprint = _seal(*X, *others)
        return Data(
            name=self.name,
            target=table.target,
            **dict(zip(PARTS, map(Split, X, y, weights, groups), strict=True)),
            class_names=table.class_names,
            feature_names=preparation.feature_names,
            fingerprint=fingerprint,
            preparation=preparation,
            target_name=table.target_name,
            target_mean=mean,
            target_scale=scale,
            card=table.card,
        )

    def _check_settings(self, target: Target) -> None:
        if target.task.is_classes:
            self._refuse_if_set("outliers", target, "To spoil class labels, use dataset.label_noise=0.1.")
            self._refuse_if_set("standardize_target", target, "It is for continuous targets.")
        else:
            self._refuse_if_set("imbalance", target, "It is for class labels.")

    def _refuse_if_set(self, setting: str, target: Target, advice: str) -> None:
        value = getattr(self, setting)
        if value != getattr(Dataset, setting):
            raise DataError(f"dataset.{setting}={value} does not fit {self.where}, which has {target}. {advice}")

    def _rows(self, table: Table, rng: np.random.Generator) -> tuple[Array, Array, Array]:
        """Return the rows of train, validation and test, each in random order."""
        order = rng.permutation(len(table.y))
        if self.imbalance > 1:
            order = imbalanced(order, table.y, self.imbalance)
        if table.part is None:
            n_val, n_test = self._held_out(len(order))
            test, rest = self._cut(table, order, n_test, rng)
            val, train = self._cut(table, rest, n_val, rng)
        else:
            train, val, test = (order[table.part[order] == place] for place in range(len(PARTS)))
            if not len(val):
                val, train = self._cut(table, train, n_rows(self.val_fraction, len(train)), rng)
        if not (len(train) and len(val)):
            together = "group" if table.time is None else "time"
            advice = "Use more rows."
            if table.part is not None:
                advice = "Say of more rows that they are for training."
            elif table.group is not None or table.time is not None:
                advice = f"Use more rows, or a dataset.{together} that keeps fewer of them together."
            raise DataError(
                f"{self.where}: {len(train)} rows are for training and {len(val)} for validation, at least one is "
                f"needed for each. {advice}"
            )
        train, _ = draw(train, self._strata(table), self._n_train(len(train)))
        if table.target.task.is_classes:
            self._require_every_class(table, train)
        return train, val, test

    def _strata(self, table: Table) -> Array:
        by_class = table.target.task.is_classes and self.stratify
        return table.y if by_class else np.zeros(len(table.y), dtype=np.int64)

    def _cut(self, table: Table, order: Array, size: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return rows to hold out, about `size`, and the rest."""
        if table.time is not None:
            return draw_together(order, table.time, np.unique(table.time)[::-1], size)
        if table.group is not None:
            return draw_together(order, table.group, rng.permutation(np.unique(table.group)), size)
        return draw(order, self._strata(table), size)

    def _held_out(self, n: int) -> tuple[int, int]:
        n_val, n_test = n_rows(self.val_fraction, n), n_rows(self.test_fraction, n)
        if n_val + n_test >= n:
            raise DataError(
                f"{self.where}: of {n} rows, {n_val} are for validation and {n_test} for testing, "
                "which leaves none for training. Use more rows, or smaller fractions."
            )
        return n_val, n_test

    def _n_train(self, available: int) -> int:
        size = available if self.train_size is None else self.train_size
        if isinstance(size, float):
            return n_rows(size, available)
        if size > available:
            raise DataError(
                f"dataset.train_size={size} is more than the {available} training rows of "
                f"{self.where}. Use a number up to {available}, or a fraction such as 0.5."
            )
        return size

    def _require_every_class(self, table: Table, train: Array) -> None:
        missing = np.flatnonzero(np.bincount(table.y[train], minlength=table.target.n_classes) == 0)
        if missing.size:
            names = ", ".join(table.class_names[label] for label in missing)
            advice = "Use a larger dataset.train_size, a smaller dataset.imbalance, or dataset.stratify=true."
            if table.part is not None or table.group is not None or table.time is not None:
                advice = "Move some of its rows to the training split, mend the label, or leave these rows out."
            raise DataError(
                f"{self.where}: none of the {len(train)} training rows is of class {names}, which can "
                f"then not be learnt. {advice}"
            )

    def _corrupted(self, y: Array, target: Target, rng: np.random.Generator) -> Array:
        if target.task.is_classes:
            return replace_labels(y, self.label_noise, target.n_classes, rng)
        sd = float(y.std())
        return add_outliers(add_noise(y, self.label_noise * sd, rng), self.outliers, 10 * sd, rng)


def _stream(own: int | None, seed: int, purpose: Purpose) -> np.random.Generator:
    return stream(seed if own is None else own, purpose)


def _seal(*tables: Rows) -> str:
    """Make the arrays read-only and return the SHA-256 of their types, shapes and numbers."""
    digest = hashlib.sha256()
    for table in tables:
        for array in (table.data, table.indices, table.indptr) if is_sparse(table) else (table,):
            array.setflags(write=False)
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(array.data)
    return digest.hexdigest()
