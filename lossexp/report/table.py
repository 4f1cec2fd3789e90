"""The ranked rows of a sweep in numbers and words: intervals, verdicts, and the command that makes each again."""

from __future__ import annotations

import math
import re
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lossexp import comparing, metrics
from lossexp.comparison.estimates import Estimate, mean_with_interval
from lossexp.comparison.wording import metric_name
from lossexp.ranking import Row
from lossexp.run import Run

MAX_ROWS = 100
"""Rows that are shown; `table.csv` has all of them."""

SPLITS = {"val": "validation ", "train": "training "}


@dataclass(frozen=True)
class Cell:
    """A metric: its mean, the spread over seeds and the interval of the mean, as text."""

    mean: str
    spread: str = ""
    interval: str = ""


@dataclass(frozen=True)
class TableRow:
    """One row as it is shown; without cells where no run ended well."""

    rank: int
    settings: Sequence[str]
    n_runs: int
    cells: Sequence[Cell]
    verdicts: Sequence[tuple[str, int]]
    command: str


def table_rows(rows: Sequence[Row]) -> list[TableRow]:
    """Return the first rows as they are shown."""
    names = [f"val/{name}" for name in metrics.names(rows[0].runs[0].data.target)]
    return [
        TableRow(
            rank=rank,
            settings=list(row.settings.values()),
            n_runs=len(row.runs),
            cells=[mean_cell(estimate(row, name), row.deviations[name]) for name in names] if row.means else [],
            verdicts=row.verdicts,
            command=command(row.runs),
        )
        for rank, row in enumerate(rows[:MAX_ROWS], start=1)
    ]


def estimate(row: Row, name: str) -> Estimate:
    """Return the mean of a metric over the runs that ended well, with its 95 % t interval."""
    mean = mean_with_interval(np.array([run.last_metrics()[name] for run in row.runs if not run.problem]))
    return mean.within(*metrics.bounds(name.rpartition("/")[2]))


def mean_cell(mean: Estimate, sd: float) -> Cell:
    """Return a mean as it is shown, with spread and interval where they are known."""
    if math.isnan(mean.low):
        return Cell(number(mean.value))
    return Cell(number(mean.value), f"{sd:.2g}", f"{number(mean.low)} to {number(mean.high)}")


def number(value: float) -> str:
    """Return a number with four digits that count."""
    return f"{value:.0f}" if 1e3 <= abs(value) < 1e6 else f"{value:#.4g}".rstrip(".")


def in_words(metric: str) -> str:
    """Return the name of a metric as it is read."""
    split, slash, name = metric.rpartition("/")
    return SPLITS.get(split, split + slash) + metric_name(name)


def title(row: Row) -> str:
    """Return the settings of a row in one line, as they are typed."""
    return " ".join(f"{name}={value}" for name, value in row.settings.items())


def short_names(settings: Sequence[str]) -> list[str]:
    """Return the settings without their groups, where that leaves them apart."""
    endings = Counter(name.rpartition(".")[2] for name in settings)
    return [end if endings[end := name.rpartition(".")[2]] == 1 else name for name in settings]


def command(runs: Sequence[Run]) -> str:
    """Return the command that makes these runs again; they differ in nothing but their seeds."""
    others = ("seed", "sweep.resume")
    settings = [_typed(override) for override in runs[0].job.overrides if _key(override) not in others]
    if any(_key(override) == "grid" for override in settings):
        settings.append("hydra.sweeper.params=null")  # what it would sweep is given value by value
    if runs[0].job.sweep.protocol != "none":
        settings.append("sweep.protocol=none")  # which would choose settings of its own
    seeds = [str(run.job.experiment.seed) for run in runs]
    several = ["-m"] if len(runs) > 1 else []
    folder = comparing.config_dir()
    return shlex.join(["python", "-m", "lossexp", *folder, *several, *settings, f"seed={','.join(seeds)}"])


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def _typed(override: str) -> str:
    """Return an override as a person types it: new names of a loss need no plus."""
    return re.sub(r"^\+\+(loss\.)", r"\1", override)
