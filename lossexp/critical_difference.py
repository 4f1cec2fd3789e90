"""The critical-difference diagram: mean ranks over datasets, with bars over losses that cannot be told apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lossexp.comparison.ranks import Ranking

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK, _BAR = "#333333", "#e07b1a"
_ROW = 0.32
"""Height of a line of text, in inches."""


def critical_difference_png(path: Path, ranking: Ranking, metric: str) -> None:
    """Draw the diagram: the best loss at the left, 1 is the best rank.

    Source: Demšar (2006).
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    k = len(ranking.labels)
    n_rows = _first_row(ranking) + (k + 1) // 2
    figure = Figure(figsize=(8, 1.4 + _ROW * n_rows), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.22, 0.02, 0.56, 0.82))
    axes.set(xlim=(1, k), ylim=(n_rows, -1.6))
    axes.axis("off")
    figure.suptitle(f"Mean rank by {metric} over {ranking.n_datasets} datasets", color=_INK, fontsize=13)
    axes.plot([1, k], [0, 0], color=_INK, linewidth=1.2, clip_on=False)
    for rank in range(1, k + 1):
        axes.plot([rank, rank], [0, -0.2], color=_INK, linewidth=1.2, clip_on=False)
        axes.text(rank, -0.35, str(rank), ha="center", va="bottom", color=_INK)
    shown = min(ranking.critical_difference, k - 1)
    axes.plot([1, 1 + shown], [-1.3, -1.3], color=_BAR, linewidth=3, solid_capstyle="butt", clip_on=False)
    label = f"critical difference {ranking.critical_difference:.2f}"
    axes.text(1 + shown + 0.02 * k, -1.3, label, va="center", color=_INK, fontsize=9)
    _draw_groups(axes, ranking)
    _draw_losses(axes, ranking, k)
    figure.savefig(path)


def _first_row(ranking: Ranking) -> float:
    """Return where the losses begin, below the bars."""
    return 0.6 * len(ranking.groups) + 1.2


def _draw_groups(axes: Axes, ranking: Ranking) -> None:
    """Draw a bar over the losses of each group, which do not differ."""
    ranks = dict(zip(ranking.labels, ranking.mean_ranks, strict=True))
    for number, group in enumerate(ranking.groups):
        height = 0.6 + 0.6 * number
        ends = [ranks[group[0]], ranks[group[-1]]]
        axes.plot(ends, [height, height], color=_BAR, linewidth=4, solid_capstyle="round", clip_on=False)


def _draw_losses(axes: Axes, ranking: Ranking, k: int) -> None:
    """Write the better half at the left and the other half at the right, each with a line to its rank."""
    below, half = _first_row(ranking), (k + 1) // 2
    for number, (label, rank) in enumerate(zip(ranking.labels, ranking.mean_ranks, strict=True)):
        is_left = number < half
        height = below + (number if is_left else k - 1 - number)
        edge, side = (1 - 0.02 * k, "right") if is_left else (k + 0.02 * k, "left")
        axes.plot([rank, rank, edge], [0, height, height], color=_INK, linewidth=1, clip_on=False)
        axes.text(edge, height, f" {label}  {rank:.2f} ", ha=side, va="center", color=_INK)
