"""The comparison of losses as it is shown: a forest plot of paired differences, and losses against metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lossexp import metrics
from lossexp.comparing import Contender, Contest
from lossexp.comparison import wording
from lossexp.comparison.matrix import Matrix
from lossexp.comparison.paired import Comparison, Pair
from lossexp.loss_axis import LossAxis
from lossexp.report.charts import span
from lossexp.report.table import Cell, in_words, mean_cell, number

MAX_PAIRS = 15
"""Beyond so many pairs, only those with the best loss are shown."""

FOREST_WIDTH = 240
"""Width of the picture beside each pair."""


OWN_SPLITS = "Each seed has a split of its own; intervals and p allow for their overlap."


@dataclass(frozen=True)
class ForestRow:
    """A pair of losses. Places are along the picture."""

    a: str
    b: str
    difference: str
    p: str
    share: str
    outcome: str
    low: float
    value: float
    high: float


@dataclass(frozen=True)
class Forest:
    """Paired differences by one metric, on one axis.

    Attributes:
        heading: What is compared.
        rows: The pairs.
        zero: Where no difference is.
        margin: Where differences start and end that do not matter.
        ticks: Places and labels of the axis.
    """

    heading: str
    rows: Sequence[ForestRow]
    zero: float
    margin: tuple[float, float]
    ticks: Sequence[tuple[float, str]]


@dataclass(frozen=True)
class Arm:
    """A loss in the comparison: its tuned settings and what came out."""

    loss: str
    lr: str
    edge: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class MatrixCell:
    """A loss by a metric: as text, how good it is among the losses from 0 to 1, and its marks."""

    text: str
    goodness: float
    is_best: bool
    matches: bool
    n_left_out: int


@dataclass(frozen=True)
class Compared:
    """All that is shown of a comparison."""

    n_seeds: int
    chosen_by: str
    metrics: Sequence[str]
    arms: Sequence[Arm]
    forests: Sequence[Forest]
    matrix_metrics: Sequence[str]
    matrix: Sequence[tuple[str, Sequence[MatrixCell]]]
    notes: Sequence[str]


def shown_comparison(contest: Contest) -> Compared:
    """Return a comparison as it is shown."""
    comparisons = list(contest.comparisons.values())
    by_loss = {one.loss: one for one in contest.contenders}
    return Compared(
        n_seeds=len(contest.seeds),
        chosen_by=in_words(contest.contenders[0].tuned.metric),
        metrics=[in_words(comparison.metric) for comparison in comparisons],
        arms=[_arm(by_loss[arm.label], comparisons) for arm in comparisons[0].ranked],
        forests=[_forest(comparison) for comparison in comparisons],
        matrix_metrics=[in_words(name) for name in contest.matrix.metrics],
        matrix=_matrix_rows(contest.matrix),
        notes=[*([OWN_SPLITS] if contest.test_to_train else []), *contest.notes],
    )


def _arm(contender: Contender, comparisons: Sequence[Comparison]) -> Arm:
    best = contender.tuned.best
    of_loss = [next(arm for arm in comparison.arms if arm.label == contender.loss) for comparison in comparisons]
    return Arm(
        contender.loss,
        f"{best.lr:g}" if best else "",
        contender.tuned.edge,
        [mean_cell(arm.mean, arm.sd) for arm in of_loss],
    )


def _forest(comparison: Comparison) -> Forest:
    pairs = [pair for pair in _shown(comparison) if math.isfinite(pair.difference.value)]
    ends = [0.0, comparison.margin, -comparison.margin]
    for pair in pairs:
        ends += [
            end for end in (pair.difference.low, pair.difference.value, pair.difference.high) if math.isfinite(end)
        ]
    axis = span(ends, margin=0.04)
    direction = "higher" if comparison.higher_is_better else "lower"
    return Forest(
        heading=f"{in_words(comparison.metric)}: by how much the first is {direction}, that is better",
        rows=[_forest_row(pair, axis) for pair in pairs],
        zero=_place(0.0, axis),
        margin=(_place(-comparison.margin, axis), _place(comparison.margin, axis)),
        ticks=[(_place(position, axis), label) for position, label in _few(list(axis.ticks().items()))],
    )


def _few(ticks: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """Return every second tick, 0 among them, where there are many: the axis is short."""
    zero = next((place for place, (position, _) in enumerate(ticks) if position == 0), 0)
    return ticks[zero % 2 :: 2] if len(ticks) > 3 else ticks


def _shown(comparison: Comparison) -> list[Pair]:
    """Return the pairs as seen from the one of them that did better."""
    order = [arm.label for arm in comparison.ranked]
    winners = order if len(comparison.pairs) <= MAX_PAIRS else order[:1]
    return [comparison.between(a, b) for i, a in enumerate(winners) for b in order[i + 1 :]]


def _forest_row(pair: Pair, axis: LossAxis) -> ForestRow:
    low, value, high = (
        _place(end if math.isfinite(end) else pair.difference.value, axis)
        for end in (pair.difference.low, pair.difference.value, pair.difference.high)
    )
    outcome = f"{pair.winner} better" if pair.winner else str(pair.outcome)
    more = f", {wording.more_seeds(pair)} seeds" if pair.n_more else ""
    return ForestRow(
        pair.a,
        pair.b,
        difference=wording.with_interval(pair.difference),
        p=wording.probability(pair.p_holm).removeprefix("= "),
        share=f"{pair.probability.value:.0%} of {pair.n}",
        outcome=outcome + more,
        low=low,
        value=value,
        high=high,
    )


def _place(value: float, axis: LossAxis) -> float:
    return round(FOREST_WIDTH * (value - axis.low) / (axis.high - axis.low), 1)


def _matrix_rows(matrix: Matrix) -> list[tuple[str, Sequence[MatrixCell]]]:
    signs = np.array([1 if name in metrics.HIGHER_IS_BETTER else -1 for name in matrix.metrics])
    worth = np.where(np.isfinite(matrix.means), signs * matrix.means, np.nan)
    spread = np.nanmax(worth, axis=0) - np.nanmin(worth, axis=0)
    # Where all are equally good, all are the best.
    goodness = np.divide(worth - np.nanmin(worth, axis=0), spread, out=np.ones_like(worth), where=spread > 0)
    goodness[np.isnan(worth)] = 0
    return [
        (
            loss,
            [
                MatrixCell(
                    text=number(mean) if math.isfinite(mean) else "–",
                    goodness=round(float(goodness[i, j]), 2),
                    is_best=bool(matrix.best[i, j]),
                    matches=bool(matrix.matches[i, j]),
                    n_left_out=int(matrix.n_left_out[i, j]),
                )
                for j, mean in enumerate(matrix.means[i].tolist())
            ],
        )
        for i, loss in enumerate(matrix.losses)
    ]
