"""The losses of a sweep as they are drawn: each with its colour, its settings, and means over seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lossexp.components import Array
from lossexp.losses import Loss
from lossexp.ranking import Row
from lossexp.report.charts import Line
from lossexp.run import Run
from lossexp.targets import Target

MAX_SHOWN = 8
"""Losses that are drawn, the best ones: more lines cannot be told apart."""


@dataclass(frozen=True)
class Contender:
    """A loss as it is drawn.

    Attributes:
        name: What it is called.
        color: Number of its colour.
        rows: Its settings, the best first.
    """

    name: str
    color: int
    rows: Sequence[Row]

    @property
    def best(self) -> Row:
        """Its best setting."""
        return self.rows[0]

    @property
    def runs(self) -> list[Run]:
        """The runs of its best setting that ended well."""
        return [run for run in self.best.runs if not run.problem]

    @property
    def lr(self) -> float:
        """The learning rate of its best setting."""
        return float(self.runs[0].job.experiment.optimizer.lr)

    @property
    def target(self) -> Target:
        """What is predicted."""
        return self.runs[0].data.target

    @property
    def loss(self) -> Loss:
        """The loss itself, settled on the target."""
        return self.runs[0].job.experiment.loss.on(self.target)

    def mean(self, curve: Callable[[Run], Array], *, dashed: bool = False) -> Line:
        """Return the mean of a curve over the seeds of the best setting, as long as all of them train.

        Args:
            curve: Returns it for one run, `(n_epochs,)`.
            dashed: How it is drawn.
        """
        n_epochs = min(len(run.epochs) for run in self.runs)
        values = np.stack([curve(run)[:n_epochs] for run in self.runs])
        mean, epochs = values.mean(axis=0), np.array(self.runs[0].epochs[:n_epochs], dtype=float)
        if len(values) == 1:
            return Line(self.color, epochs, mean, dashed=dashed)
        sd = values.std(axis=0, ddof=1)
        return Line(self.color, epochs, mean, mean - sd, mean + sd, dashed)


def by_loss(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the rows of each loss, the best loss first, each with its best row first.

    A sweep over the settings of a single loss compares those.
    """
    one_loss = len({row.runs[0].job.choices["loss"] for row in rows}) == 1
    found: dict[str, list[Row]] = {}
    for row in rows:
        run = row.runs[0]
        found.setdefault(run.loss_label if one_loss else run.job.choices["loss"], []).append(row)
    return found


def best_contenders(losses: Mapping[str, Sequence[Row]]) -> list[Contender]:
    """Return the losses that are drawn: the best ones, of which some run ended well."""
    drawable = [(name, rows) for name, rows in losses.items() if rows[0].means]
    return [Contender(name, color, rows) for color, (name, rows) in enumerate(drawable[:MAX_SHOWN])]
