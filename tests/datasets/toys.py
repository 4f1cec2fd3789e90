"""Two datasets whose rows can be told apart, and how to look at their splits."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lossexp.datasets import Data, Dataset, Table


@dataclass(frozen=True, kw_only=True)
class Classes(Dataset):
    """Column 0 is the row number; the label of row i is known from `counts` alone."""

    counts: tuple[int, ...] = (100, 60, 40)
    standardize: bool = False

    name: ClassVar[str] = "classes"

    def table(self, rng: np.random.Generator) -> Table:
        y = self.labels
        X = np.column_stack([np.arange(len(y)), np.ones(len(y)), rng.standard_normal(len(y))])
        return Table(X, y, ("row", "one", "draw"), tuple("abcdefgh")[: len(self.counts)])

    @property
    def labels(self):
        return np.repeat(np.arange(len(self.counts)), self.counts)


@dataclass(frozen=True, kw_only=True)
class Values(Dataset):
    """Column 0 is the row number; the target of row i is i."""

    n: int = 200
    standardize: bool = False

    name: ClassVar[str] = "values"

    def table(self, rng: np.random.Generator) -> Table:
        y = np.arange(float(self.n))
        return Table(np.column_stack([y, rng.standard_normal(self.n)]), y, ("row", "draw"))


def rows(split):
    return split.X[:, 0].astype(int)


def counts(split, n_classes=3):
    return np.bincount(split.y, minlength=n_classes).tolist()


def parts(data: Data):
    return data.train, data.val, data.test
