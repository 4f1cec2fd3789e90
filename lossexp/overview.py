"""The picture and the table of a whole sweep."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lossexp import metrics, ranking

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEARNING_RATE = "optimizer.lr"
COLORS = ("#2470b3", "#d1670a", "#37a65c", "#5d2b71", "#98002e", "#735100", "#d575a5", "#5e6264")
"""Told apart by people who see no red, no green or no blue as well; those of the report."""
MAX_LINES = 16
_INK, _GRID = "#333333", "#dddddd"
_WIDTH, _PLOT_HEIGHT = 8.0, 3.7
"""Inches; what is above and below the plot comes on top."""
_LARGE_RATIO = 100
"""Where the worst mean is so many times the best, as of a run that nearly diverged, a linear axis shows it alone."""
_CROSS = 0.13
"""Inches between the crosses of losses that diverged at the same rate."""
_CHARACTER = 0.085
"""Inches that a character of a label takes at most, on average."""


def write_table(path: Path, rows: Sequence[ranking.Row]) -> None:
    """Write the ranked rows as CSV: settings, runs, verdicts, then mean and standard deviation of each metric."""
    names = sorted({name for row in rows for name in row.means})
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        spreads = [f"{name} {kind}" for name in names for kind in ("mean", "sd")]
        writer.writerow(["rank", *rows[0].settings, "runs", "diverged or failed", "verdicts", *spreads])
        for rank, row in enumerate(rows, start=1):
            values = [repr(source.get(name, math.nan)) for name in names for source in (row.means, row.deviations)]
            counts = len(row.runs), len(row.problems), ranking.in_words(row.verdicts)
            writer.writerow([rank, *row.settings.values(), *counts, *values])


def overview_png(path: Path, rows: Sequence[ranking.Row], title: str) -> None:
    """Draw the metric that rows are ranked by: against the learning rate with a line per loss, or by setting.

    Bands and bars are one standard deviation over the seeds.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    metric = ranking.criterion(rows[0].runs[0].data.target)[0]
    figure = Figure(dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#999999")
    axes.tick_params(color="#999999", labelcolor=_INK)
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    better = "more" if metric.partition("/")[2] in metrics.HIGHER_IS_BETTER else "less"
    means = [row.means[metric] for row in rows if metric in row.means]
    if better == "less" and means and 0 < min(means) < max(means) / _LARGE_RATIO:
        axes.set_yscale("log")
    axes.set_ylabel(f"{metric} at the end ({better} is better)", color=_INK)
    if not means:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no run ended well", transform=axes.transAxes, ha="center", color=_INK)
    if LEARNING_RATE in rows[0].settings:
        _against_learning_rate(axes, rows, metric)
    else:
        _by_setting(axes, rows, metric)
    _lay_out(figure, axes, title)
    figure.savefig(path)


def _lay_out(figure: Figure, axes: Axes, title: str) -> None:
    """Give the title, the lines of the legend and the names below the plot the room that they need."""
    handles, labels = axes.get_legend_handles_labels()
    widest = max(map(len, labels), default=0)
    n_columns = max(1, int(_WIDTH * 0.86 / (_CHARACTER * widest + 0.55)))
    below = 0.6 + _CHARACTER * max(
        (len(tick.get_text()) for tick in axes.get_xticklabels() if tick.get_rotation()), default=0
    )
    above = 0.6 + 0.25 * math.ceil(len(labels) / n_columns)
    height = below + _PLOT_HEIGHT + above
    figure.set_size_inches(_WIDTH, height)
    axes.set_position((0.1, below / height, 0.86, _PLOT_HEIGHT / height))
    figure.text(0.1, 1 - 0.38 / height, title, fontsize=13, fontweight="bold", color=_INK)
    if labels:
        axes.legend(
            handles,
            labels,
            ncols=n_columns,
            frameon=False,
            labelcolor=_INK,
            loc="lower left",
            bbox_to_anchor=(-0.01, 1),
        )


def _against_learning_rate(axes: Axes, rows: Sequence[ranking.Row], metric: str) -> None:
    lines: dict[str, list[ranking.Row]] = {}
    for row in rows:
        label = " ".join(
            value if name == "loss" else f"{name}={value}"
            for name, value in row.settings.items()
            if name != LEARNING_RATE
        )
        lines.setdefault(label or row.runs[0].job.choices["loss"], []).append(row)
    n_lost = Counter[float]()
    for place, (label, members) in enumerate(list(lines.items())[:MAX_LINES]):
        color, style = COLORS[place % len(COLORS)], ("-", "--")[place // len(COLORS) % 2]
        points = sorted((row for row in members if metric in row.means), key=_rate)
        rates = [_rate(row) for row in points]
        means = [row.means[metric] for row in points]
        spreads = [0.0 if math.isnan(sd := row.deviations[metric]) else sd for row in points]
        axes.plot(rates, means, style, color=color, marker="o", markersize=4, linewidth=1.8, label=label)
        axes.fill_between(
            rates, np.subtract(means, spreads), np.add(means, spreads), color=color, alpha=0.15, linewidth=0
        )
        for rate in {_rate(row) for row in members if row.problems}:  # from the axis up, wherever that is in the end
            height = _CROSS * n_lost[rate] / _PLOT_HEIGHT
            axes.plot(rate, height, "x", color=color, clip_on=False, transform=axes.get_xaxis_transform())
            n_lost[rate] += 1
    if n_lost:
        axes.plot([], [], "x", color=_INK, label="diverged or failed")
    axes.set_xscale("log")
    axes.set_xlabel("learning rate", color=_INK)


def _rate(row: ranking.Row) -> float:
    return float(row.runs[0].job.experiment.optimizer.lr)


def _by_setting(axes: Axes, rows: Sequence[ranking.Row], metric: str) -> None:
    shown = [row for row in rows if metric in row.means][:MAX_LINES]
    labels = [" ".join(row.settings.values()) or row.runs[0].job.choices["loss"] for row in shown]
    for place, row in enumerate(shown):
        spread = row.deviations[metric]
        error = None if math.isnan(spread) else spread
        axes.errorbar(place, row.means[metric], yerr=error, fmt="o", color=COLORS[0], capsize=4)
    axes.set_xticks(range(len(shown)), labels, rotation=0 if sum(map(len, labels)) < 60 else 90)
