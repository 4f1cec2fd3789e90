"""Settings of a loss that were tried, and the one that was chosen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lossexp import judgement, metrics, ranking
from lossexp.components import Array
from lossexp.run import Run

TUNABLE = ("loss.", "optimizer.")
"""How settings begin that are tuned for each loss."""


@dataclass(frozen=True)
class Trial:
    """One setting of a loss, tried on some seeds.

    Attributes:
        dataset: The choice of the group `dataset`.
        loss: The choice of the group `loss`.
        settings: What was set but the seed, as typed: name to value.
        lr: The learning rate.
        runs: One for each seed.
        metric: What settings are chosen by.
        scores: That metric on the validation split, `(n_seeds,)`; NaN where a run did not end well.
    """

    dataset: str
    loss: str
    settings: Mapping[str, str]
    lr: float
    runs: Sequence[Run]
    metric: str
    scores: Array

    @property
    def mean(self) -> float:
        """Mean score over the seeds; NaN where one of them did not end well."""
        return float(np.mean(self.scores))


@dataclass(frozen=True)
class Tuned:
    """A loss with all its settings that were tried.

    Attributes:
        dataset: The choice of the group `dataset`.
        loss: The choice of the group `loss`.
        trials: The settings, by learning rate.
        best: The one that was chosen; None where all diverged or failed.
    """

    dataset: str
    loss: str
    trials: Sequence[Trial]
    best: Trial | None

    @property
    def metric(self) -> str:
        """What settings were chosen by."""
        return self.trials[0].metric

    @property
    def rates(self) -> list[float]:
        """The learning rates that were tried."""
        return sorted({trial.lr for trial in self.trials})

    @property
    def edge(self) -> str:
        """`lowest` or `highest` where the best learning rate is the last that was tried on that side, else nothing."""
        if self.best is None or len(self.rates) < 2:
            return ""
        return {self.rates[0]: "lowest", self.rates[-1]: "highest"}.get(self.best.lr, "")


def trials(runs: Iterable[Run], metric: str) -> list[Trial]:
    """Group runs that differ in nothing but their seed, and judge them on the validation split."""
    groups: dict[tuple[tuple[str, str], ...], list[Run]] = {}
    for run in runs:
        key = tuple((name, value) for name, value in run.overrides.items() if name != "seed")
        groups.setdefault(key, []).append(run)
    return [
        _trial(
            {name: value for name, value in key if name.startswith(TUNABLE)},
            same,
            metric,
            np.array([judgement.on_validation(run, metric) for run in same]),
        )
        for key, same in groups.items()
    ]


def _trial(settings: Mapping[str, str], runs: Sequence[Run], metric: str, scores: Array) -> Trial:
    choices, lr = runs[0].job.choices, float(runs[0].job.experiment.optimizer.lr)
    return Trial(choices["dataset"], choices["loss"], settings, lr, runs, metric, scores)


def by_score(tried: Iterable[Trial]) -> Tuned:
    """Choose the setting with the best mean; of equal ones that with the lowest learning rate."""
    ordered = sorted(tried, key=lambda trial: trial.lr)
    sign = -1 if ordered[0].metric in metrics.HIGHER_IS_BETTER else 1
    sound = [trial for trial in ordered if math.isfinite(trial.mean)]
    best = min(sound, key=lambda trial: sign * trial.mean, default=None)
    return Tuned(ordered[0].dataset, ordered[0].loss, ordered, best)


def by_rank(rows: Sequence[ranking.Row]) -> Tuned:
    """Choose the setting that the ranked table has first, of rows with the same loss; some seeds may be lost there."""
    metric = ranking.criterion(rows[0].runs[0].data.target)[0]
    tried = [_trial_of_row(row, metric) for row in rows]
    best = tried[0] if rows[0].means else None
    return Tuned(tried[0].dataset, tried[0].loss, sorted(tried, key=lambda trial: trial.lr), best)


def _trial_of_row(row: ranking.Row, metric: str) -> Trial:
    scores = np.array([math.nan if run.problem else run.last_metrics()[metric] for run in row.runs])
    return _trial(row.settings, row.runs, metric.partition("/")[2], scores)


def notes_on(tuned: Sequence[Tuned]) -> list[str]:
    """Say what was not equal, or not found, when the settings of each loss were chosen."""
    notes = [f"{one.loss} is left out: at every setting a run diverged or failed." for one in tuned if not one.best]
    at_edge: dict[tuple[str, float], list[str]] = {}
    for one in tuned:
        if one.best and one.edge:
            at_edge.setdefault((one.edge, one.best.lr), []).append(one.loss)
    for (edge, rate), losses in at_edge.items():
        notes.append(
            f"{_listed(losses)} {'are' if len(losses) > 1 else 'is'} best at the {edge} learning rate that was tried, "
            f"{rate:g}; a {'lower' if edge == 'lowest' else 'higher'} one may be better."
        )
    counts = {one.loss: len(one.trials) for one in tuned}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{loss} {count}" for loss, count in counts.items())
        notes.append(f"Not every loss had as many settings to choose from: {listed}.")
    if all(len(one.rates) == 1 for one in tuned):
        notes.append("There was one learning rate, which may suit one loss better than another.")
    return notes


def _listed(names: Sequence[str]) -> str:
    """Return names as in `mse, mae and huber`."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
