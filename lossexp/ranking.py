"""Ranking the runs of a sweep by a metric that means the same for every loss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lossexp import metrics
from lossexp.run import Run
from lossexp.targets import Target


@dataclass(frozen=True)
class Row:
    """Runs that differ in nothing but their seed.

    Attributes:
        settings: What sets them apart from other rows.
        runs: The runs.
        means: Mean over the runs of each metric at the end of training; those that diverged or failed do not count.
        deviations: Standard deviation over the runs, NaN for a single one.
    """

    settings: Mapping[str, str]
    runs: Sequence[Run]
    means: Mapping[str, float]
    deviations: Mapping[str, float]

    @property
    def verdicts(self) -> list[tuple[str, int]]:
        """How many runs have each verdict, the most frequent first."""
        return verdicts(self.runs)

    @property
    def problems(self) -> list[str]:
        """What became of the runs that did not end well, each in one word."""
        return [run.problem for run in self.runs if run.problem]


def verdicts(runs: Sequence[Run]) -> list[tuple[str, int]]:
    """Return how many runs have each verdict, the most frequent first."""
    return Counter(run.problem or (run.verdict.name if run.verdict else "no verdict") for run in runs).most_common()


def in_words(counts: Sequence[tuple[str, int]]) -> str:
    """Return verdicts in one line, such as `good fit 2, inconclusive 1`; of a single run just its verdict."""
    if sum(count for _, count in counts) == 1:
        return counts[0][0]
    return ", ".join(f"{name} {count}" for name, count in counts)


def criterion(target: Target) -> tuple[str, ...]:
    """Return the metrics that rows are ranked by: the first decides, the next breaks ties."""
    return ("val/accuracy", "val/log_loss") if target.task.is_classes else ("val/rmse", "val/mae")


def by_dataset(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Return the runs of each dataset: metrics of different data do not rank runs."""
    apart: dict[str, list[Run]] = {}
    for run in runs:
        apart.setdefault(run.job.choices["dataset"], []).append(run)
    return apart


def rank(runs: Sequence[Run]) -> list[Row]:
    """Return one row per setting, the best first, rows with runs that diverged or failed last."""
    varying = varying_settings(runs)
    grouped: dict[tuple[str, ...], list[Run]] = {}
    for run in runs:
        grouped.setdefault(tuple(run.setting(name) for name in varying if name != "seed"), []).append(run)
    names = [name for name in varying if name != "seed"]
    rows = [_row(dict(zip(names, key, strict=True)), members) for key, members in grouped.items()]
    by = criterion(runs[0].data.target)
    return sorted(rows, key=lambda row: (len(row.problems), *(_badness(row, name) for name in by)))


def best_per_loss(rows: Sequence[Row]) -> dict[str, Row]:
    """Return the first row of each loss, in order of rank."""
    best: dict[str, Row] = {}
    for row in rows:
        best.setdefault(row.runs[0].job.choices["loss"], row)
    return best


def varying_settings(runs: Sequence[Run]) -> list[str]:
    """Return the settings, as typed, in which the runs differ."""
    names = dict.fromkeys(name for run in runs for name in run.overrides)
    return [name for name in names if len({run.setting(name) for run in runs}) > 1]


def _row(settings: dict[str, str], runs: Sequence[Run]) -> Row:
    sound = [run for run in runs if not run.problem]
    final = [run.last_metrics() for run in sound]
    names = final[0] if final else {}
    values = {name: np.array([metric[name] for metric in final]) for name in names}
    deviations = {name: float(np.std(v, ddof=1)) if len(v) > 1 else float("nan") for name, v in values.items()}
    return Row(settings, runs, {name: float(np.mean(v)) for name, v in values.items()}, deviations)


def _badness(row: Row, name: str) -> float:
    value = row.means.get(name, float("nan"))
    if np.isnan(value):
        return float("inf")
    return -value if name.partition("/")[2] in metrics.HIGHER_IS_BETTER else value
