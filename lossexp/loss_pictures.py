"""The shapes of losses in one picture: value, gradient, and the weight that an example gets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lossexp.components import Array
from lossexp.errors import IncompatibleError, StorageError
from lossexp.losses import Loss, Sum
from lossexp.losses.classes import ClassLoss
from lossexp.targets import Target, Task

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_Styles: TypeAlias = Mapping[str, tuple[str, str]]
"""Colour and dashes by name."""

_INK, _FAINT, _GRID = "#333333", "#999999", "#dddddd"

REACH, N_POINTS = 4.0, 401
"""Residuals and margins are drawn from minus to plus this, at so many points."""

MUCH_FARTHER = 2.5
"""A curve may take an axis so many times as far as the median of the curves does."""

_REGRESSION, _BINARY = Target(Task.REGRESSION), Target(Task.BINARY, 2)


@dataclass(frozen=True)
class Shape:
    """A loss along one line of raw predictions.

    Attributes:
        value: The loss at each point, `(n_points,)`.
        slope: Its derivative along the line.
    """

    value: Array
    slope: Array


def residual_shape(loss: Loss, residual: Array) -> Shape:
    """Return a loss of a real number against how far the raw prediction is from that of the target, which is 1.

    A second output, such as a log variance, is 0.
    """
    settled = loss.on(_REGRESSION)
    perfect = 0.0 if settled.link_name(_REGRESSION) == "log" else 1.0
    raw = np.zeros((settled.n_outputs(_REGRESSION), 1, len(residual)))
    raw[0] = perfect + residual
    return _along(settled, raw, np.ones_like(raw), np.eye(len(raw))[0])


def margin_shape(loss: Loss, margin: Array) -> Shape:
    """Return a loss of two classes against the margin: the raw score of the true class less that of the other.

    Weights of classes are left out: they scale a loss and leave its shape.
    """
    settled = _without_class_weights(loss).on(_BINARY)
    if settled.n_outputs(_BINARY) == 1:
        direction = np.ones(1)
        target = np.ones((1, 1, len(margin)))
    else:
        direction = np.array([-0.5, 0.5])
        target = np.repeat([[[0.0]], [[1.0]]], len(margin), axis=2)
    return _along(settled, direction[:, None, None] * margin, target, direction)


def example_weight(loss: Loss, p: Array) -> Array:
    """Return the weight w(p) of an example whose true class has probability p: 1 everywhere for cross-entropy.

    The gradient by the raw scores is w(p) times (probabilities - true class).
    """
    margin = np.log(p) - np.log1p(-p)
    return -margin_shape(loss, margin).slope / (1 - p)


def _along(loss: Loss, raw: Array, target: Array, direction: Array) -> Shape:
    gradient = np.empty_like(raw)
    with np.errstate(all="ignore"):
        value = loss.value(raw, target)[0]
        loss.gradient(raw, target, gradient)
    return Shape(value, direction @ gradient[:, 0])


def _without_class_weights(loss: Loss) -> Loss:
    if isinstance(loss, Sum):
        terms = (replace(term, loss=_without_class_weights(term.loss)) for term in loss.terms)
        return replace(loss, terms=tuple(terms))
    return replace(loss, class_weight=None) if isinstance(loss, ClassLoss) else loss


def _fits(loss: Loss, target: Target) -> bool:
    try:
        return target.task in loss.accepts and bool(loss.on(target))
    except IncompatibleError:  # a sum whose terms disagree on this kind of target
        return False


def loss_shapes_png(path: Path, losses: Mapping[str, Loss], target: Target | None = None) -> None:
    """Draw losses of real numbers against the residual, and those of classes against margin and probability.

    Args:
        path: The PNG file.
        losses: The losses by name.
        target: The kind of target they are used on; without one, all kinds that they accept.

    Raises:
        StorageError: The file cannot be written.
    """
    from lossexp.overview import COLORS

    rows = panel_rows(losses, target)
    shown = [name for name in losses if any(name in panel.curves for panels in rows for panel in panels)]
    dashes = ("-", "--", ":")
    styles = {
        name: (COLORS[place % len(COLORS)], dashes[place // len(COLORS) % len(dashes)])
        for place, name in enumerate(shown)
    }
    figure, grid = _figure(len(rows), max(1, *map(len, rows)), styles)
    for axes_of_row, panels in zip(grid, rows, strict=True):
        for axes in axes_of_row[len(panels) :]:
            axes.set_axis_off()
        for axes, panel in zip(axes_of_row, panels, strict=False):
            panel.draw(axes, styles)
    try:
        figure.savefig(path)
    except OSError as error:
        raise StorageError(f"Cannot write the picture {path}: {error.strerror}.") from error


def _figure(n_rows: int, n_columns: int, styles: _Styles) -> tuple[Figure, Any]:
    """Return a figure with a legend above and a grid of axes below.

    Places are in inches: laying out by what is inside would draw everything twice.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    width = 4.4 * n_columns
    n_names_a_line = max(1, int(width / (0.8 + 0.09 * max(map(len, styles), default=1))))
    legend_height = 0.2 + 0.23 * math.ceil(len(styles) / n_names_a_line)
    height = 3.4 * n_rows + legend_height
    figure = Figure(figsize=(width, height), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    figure.subplots_adjust(
        left=0.6 / width,
        right=1 - 0.25 / width,
        bottom=0.6 / height,
        top=1 - (legend_height + 0.3) / height,
        wspace=0.22,
        hspace=0.38,
    )
    # A legend fills its columns first; names are read along the lines.
    names = [name for column in range(n_names_a_line) for name in list(styles)[column::n_names_a_line]]
    lines: list[Any] = [Line2D([], [], **_line(styles[name])) for name in names]
    figure.legend(
        lines,
        names,
        loc="upper left",
        bbox_to_anchor=(0.25 / width, 1 - 0.08 / height),
        borderaxespad=0,
        ncols=n_names_a_line,
        frameon=False,
        labelcolor=_INK,
    )
    return figure, figure.subplots(n_rows, n_columns, squeeze=False)


@dataclass(frozen=True)
class Panel:
    """One pair of axes: what is drawn over which points."""

    title: str
    label: str
    points: Array
    curves: Mapping[str, Array]

    def draw(self, axes: Axes, styles: _Styles) -> None:
        """Draw the curves, cut off where one of them would flatten the others.

        Of curves that are the same each is dotted over the one before, so that the colours of all are seen.
        """
        drawn: list[Array] = []
        for name, curve in self.curves.items():
            n_below = sum(np.allclose(curve, other, rtol=1e-3, atol=1e-3, equal_nan=True) for other in drawn)
            over = {"linestyle": (6 * n_below, (6, 6 * n_below))} if n_below else {}
            axes.plot(self.points, curve, **_line(styles[name]) | over)
            drawn.append(curve)
        axes.set_ylim(*limits(list(self.curves.values())))
        axes.set_xlim(round(self.points[0], 1), round(self.points[-1], 1))
        axes.set_title(self.title, loc="left", fontsize=11, color=_INK)
        axes.set_xlabel(self.label, color=_INK)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(_FAINT)
        axes.tick_params(color=_FAINT, labelcolor=_INK)
        axes.grid(color=_GRID, linewidth=0.8)
        axes.set_axisbelow(True)


def _line(style: tuple[str, str]) -> dict[str, Any]:
    color, dashes = style
    return {"color": color, "linestyle": dashes, "linewidth": 1.8}


def panel_rows(losses: Mapping[str, Loss], target: Target | None) -> list[list[Panel]]:
    """Return the panels in rows; a row that shows only some losses is left out beside one that shows all."""
    rows = []
    for kind, panels in ((_REGRESSION, _residual_panels), (_BINARY, _class_panels)):
        fitting = {name: loss for name, loss in losses.items() if _fits(loss, kind)}
        if fitting and (target is None or target.task.is_classes is kind.task.is_classes):
            rows.append((len(fitting), panels(fitting)))
    most = max((n_shown for n_shown, _ in rows), default=0)
    return [panels for n_shown, panels in rows if n_shown == len(losses) or most < len(losses)] or [[]]


def _residual_panels(losses: Mapping[str, Loss]) -> list[Panel]:
    residual = np.linspace(-REACH, REACH, N_POINTS)
    shapes = {name: residual_shape(loss, residual) for name, loss in losses.items()}
    return _value_and_slope("continuous target", residual, "residual of the raw prediction, for target 1", shapes)


def _class_panels(losses: Mapping[str, Loss]) -> list[Panel]:
    margin, p = np.linspace(-REACH, REACH, N_POINTS), np.linspace(0, 1, N_POINTS + 2)[1:-1]
    shapes = {name: margin_shape(loss, margin) for name, loss in losses.items()}
    weights = {name: example_weight(loss, p) for name, loss in losses.items()}
    panels = _value_and_slope("two classes", margin, "margin: score of the true class less the other", shapes)
    return [*panels, Panel("weight w(p) of an example", "p, probability of the true class", p, weights)]


def _value_and_slope(kind: str, points: Array, label: str, shapes: Mapping[str, Shape]) -> list[Panel]:
    return [
        Panel(f"value, {kind}", label, points, {name: shape.value for name, shape in shapes.items()}),
        Panel(f"gradient, {kind}", label, points, {name: shape.slope for name, shape in shapes.items()}),
    ]


def limits(curves: Sequence[Array]) -> tuple[float, float]:
    """Return the ends of an axis that shows every curve, but the farthest points of those that go much farther."""
    highs, lows = (np.array([reach(curve[np.isfinite(curve)]) for curve in curves]) for reach in (np.max, np.min))
    high = min(highs.max(), MUCH_FARTHER * max(np.median(highs), 0.0)) if highs.max() > 0 else highs.max()
    low = max(lows.min(), MUCH_FARTHER * min(np.median(lows), 0.0)) if lows.min() < 0 else lows.min()
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin
