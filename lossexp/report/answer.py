"""What a sweep says, in plain words: the first paragraph of the report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from lossexp import ranking
from lossexp.comparing import Contest
from lossexp.comparison import wording
from lossexp.comparison.paired import Outcome
from lossexp.ranking import Row
from lossexp.report.table import estimate, in_words, number
from lossexp.run import Run

_IN_SHORT = {
    Outcome.A_BETTER: "better than",
    Outcome.B_BETTER: "worse than",
    Outcome.EQUIVALENT: "equivalent to",
    Outcome.UNDECIDED: "not to be told apart from",
}

MAX_REASONS = 3
"""Reasons of runs that failed; there is rarely more than one."""


def plain_answer(runs: Sequence[Run], losses: Mapping[str, Sequence[Row]], contest: Contest | None) -> list[str]:
    """Return the sentences that say which setting came first, by how much, and how sure that is.

    Args:
        runs: All runs; where settings were chosen for other seeds than were compared, those that chose them.
        losses: The rows of each loss, the best loss and the best row first.
        contest: The comparison of the losses, where there was one.
    """
    sound = [name for name, rows in losses.items() if rows[0].means]
    if not sound:
        rate = ["Try a smaller optimizer.lr."] if any(run.problem == "diverged" for run in runs) else []
        return [f"None of the {len(runs)} runs ended well.", *rate, *_lost(runs)]
    if contest and not {run.job.experiment.seed for run in runs} & set(contest.seeds):
        # These runs were for choosing settings. What came first among them is not what was asked.
        return [_compared(contest), *_overfit(runs), *_lost(runs)]
    sentences = [_first(sound[0], losses)]
    if contest:
        sentences += [*_other_order(sound[0], contest), _compared(contest)]
    elif len(sound) > 1:
        sentences.append(_runner_up(sound[1], losses[sound[0]][0], losses[sound[1]][0]))
    return [*sentences, *_overfit(runs), *_lost(runs)]


def _first(name: str, losses: Mapping[str, Sequence[Row]]) -> str:
    best = losses[name][0]
    metric = ranking.criterion(best.runs[0].data.target)[0]
    short = metric.partition("/")[2]
    mean = estimate(best, metric)
    settings = [f"{key}={value}" for key, value in best.settings.items() if key != "loss"]
    others = " ".join(setting for setting in settings if setting not in name)  # of one loss, some are in its name
    setting = f" with {others}" if others else ""
    text = (
        f"Of {len(losses)} losses, {name}{setting} comes first" if len(losses) > 1 else f"{name}{setting} comes first"
    )
    text += f": {in_words(metric)} {number(mean.value)}"
    if not math.isnan(mean.low):
        n_sound = sum(not run.problem for run in best.runs)
        text += f" over {n_sound} seeds (95 % interval {number(mean.low)} to {number(mean.high)})"
    on_test = [run.finished.metrics.get(f"test/{short}") for run in best.runs if run.finished and not run.problem]
    measured = [value for value in on_test if value is not None]
    if measured:
        text += f", and {number(float(np.mean(measured)))} on the test split, by which nothing was chosen"
    return f"{text}."


def _runner_up(name: str, first: Row, second: Row) -> str:
    metric = ranking.criterion(first.runs[0].data.target)[0]
    ahead, behind = estimate(first, metric), estimate(second, metric)
    text = f"Next is {name} with {number(behind.value)}"
    if math.isnan(ahead.low) or math.isnan(behind.low):
        return f"{text}; a single seed does not tell a difference from chance, seed=range(10) may."
    if ahead.low > behind.high or ahead.high < behind.low:
        return f"{text}; the two intervals do not meet."
    return f"{text}; the two intervals overlap, so chance may have made this order."


def _other_order(first: str, contest: Contest) -> list[str]:
    """Return a warning where what came first on the validation split does not on the test split."""
    arms = contest.comparisons[contest.metric].ranked
    means = {arm.label: arm.mean.value for arm in arms}
    if math.isclose(means.get(first, math.nan), means[arms[0].label]):
        return []
    return [f"On the test split the order is another, with {arms[0].label} ahead."]


def _compared(contest: Contest) -> str:
    """Return what the comparison found between the best loss and the others: of one in full, of many in short."""
    comparison = contest.comparisons[contest.metric]
    best, *others = (arm.label for arm in comparison.ranked)
    pairs = [comparison.between(best, other) for other in others]
    if len(pairs) == 1:
        return f"Compared by seed on the test split, {wording.sentence(pairs[0], comparison)}"
    found: dict[str, list[str]] = {}
    for pair in pairs:
        found.setdefault(_IN_SHORT[pair.outcome], []).append(pair.b)
    listed = "; ".join(f"{outcome} {', '.join(labels)}" for outcome, labels in found.items())
    return f"Compared by seed on the test split, by {in_words(comparison.metric)}, {best} is {listed}."


def _overfit(runs: Sequence[Run]) -> list[str]:
    judged = [run.verdict for run in runs if run.verdict]
    n_found = sum(verdict.is_overfit for verdict in judged)
    if not judged:
        return []
    return [
        f"{n_found} of {len(judged)} runs overfit." if n_found else f"None of {len(judged)} runs is shown to overfit."
    ]


def _lost(runs: Sequence[Run]) -> list[str]:
    counts = {problem: sum(run.problem == problem for run in runs) for problem in ("diverged", "failed")}
    reasons = list(dict.fromkeys(run.failure for run in runs if run.failure))[:MAX_REASONS]
    return [*(f"{count} of {len(runs)} runs {problem}." for problem, count in counts.items() if count), *reasons]
