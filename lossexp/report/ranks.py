"""Losses over several datasets as they are shown: the critical-difference diagram as places in a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lossexp import comparison_files
from lossexp.comparing import Compared
from lossexp.report.table import in_words

WIDTH, _SIDE = 640, 190
"""Width of the picture, and of the names at either side of it."""

_AXIS, _ROW, _BAR = 44, 20, 8
"""How far down the axis lies, and the heights of a name and of a bar."""


@dataclass(frozen=True)
class RankedLoss:
    """A loss: its name and mean rank as text, and the line from its rank to that text."""

    text: str
    rank: float
    edge: float
    height: float
    is_left: bool


@dataclass(frozen=True)
class Ranks:
    """Mean ranks of losses, the best at the left.

    Attributes:
        heading: What is ranked by what.
        text: What it says, in words.
        height: Height of the picture.
        axis: How far down the axis lies.
        ends: Where the axis starts and ends.
        ticks: Places and labels of whole ranks.
        critical: Where the bar of the critical difference ends; it starts with the axis.
        distance: The critical difference as text.
        bars: Start, end and height of a bar over each group of losses that cannot be told apart.
        losses: The losses, the best first.
    """

    heading: str
    text: str
    height: float
    axis: float
    ends: tuple[float, float]
    ticks: Sequence[tuple[float, str]]
    critical: float
    distance: str
    bars: Sequence[tuple[float, float, float]]
    losses: Sequence[RankedLoss]


def shown_ranks(compared: Compared) -> Ranks | None:
    """Return the ranks over the datasets, where there are enough of those.

    Source: Demšar (2006).
    """
    ranking = compared.over_datasets
    if ranking is None:
        return None
    ranks = dict(zip(ranking.labels, ranking.mean_ranks, strict=True))
    k, n_left = len(ranks), (len(ranks) + 1) // 2
    below = _AXIS + _BAR * (len(ranking.groups) + 1) + _ROW
    return Ranks(
        heading=f"Mean rank by {in_words(compared.metric)} over {ranking.n_datasets} datasets, 1 is best",
        text=comparison_files.ranks_in_words(ranking),
        height=below + _ROW * n_left,
        axis=_AXIS,
        ends=(_SIDE, WIDTH - _SIDE),
        ticks=[(_place(rank, k), str(rank)) for rank in range(1, k + 1)],
        critical=_place(min(1 + ranking.critical_difference, k), k),
        distance=f"{ranking.critical_difference:.2f}",
        bars=[
            (_place(ranks[group[0]], k), _place(ranks[group[-1]], k), _AXIS + _BAR * number)
            for number, group in enumerate(ranking.groups, start=1)
        ],
        losses=[
            RankedLoss(
                f"{label}  {rank:.2f}",
                _place(rank, k),
                edge=_SIDE - 8 if number < n_left else WIDTH - _SIDE + 8,
                # The right half is read from the bottom up: no line crosses another.
                height=below + _ROW * (number if number < n_left else k - 1 - number),
                is_left=number < n_left,
            )
            for number, (label, rank) in enumerate(ranks.items())
        ],
    )


def _place(rank: float, n_losses: int) -> float:
    return round(_SIDE + (WIDTH - 2 * _SIDE) * (rank - 1) / (n_losses - 1), 1)
