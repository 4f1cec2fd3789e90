"""Line charts as numbers: where things lie in the picture. The template writes them down as SVG.

Lengths are in units of the picture, which is as wide as a phone is: text keeps its size there, and wide screens show
several charts side by side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lossexp.components import Array
from lossexp.loss_axis import LossAxis

WIDTH, HEIGHT = 360, 230
_TOP, _RIGHT, _BOTTOM = 8, 10, 36
_CHARACTER = 6.2
"""Width of a digit."""
_CROSS = 11
"""Room that a cross takes."""

MAX_POINTS = 120
"""Points of a curve: more cannot be seen at this size."""


@dataclass(frozen=True)
class Mark:
    """A point of a curve that is marked: its index, the text that a pointer sees there, and its size."""

    index: int
    text: str
    radius: float = 3.5


@dataclass(frozen=True)
class Line:
    """A curve, with a band and marks where they are given.

    Attributes:
        color: Number of its colour.
        x: Where it is known, `(n,)`.
        y: Its values, `(n,)`; it is broken where they are not finite.
        low: Lower edge of the band, `(n,)`.
        high: Upper edge of the band, `(n,)`.
        dashed: Whether it is drawn in dashes.
        marks: Points of the curve to mark.
    """

    color: int
    x: Array
    y: Array
    low: Array | None = None
    high: Array | None = None
    dashed: bool = False
    marks: Sequence[Mark] = ()

    def thinned(self) -> Line:
        """Return the same line with at most `MAX_POINTS` points, and the marked ones."""
        if len(self.x) <= MAX_POINTS:
            return self
        evenly = np.linspace(0, len(self.x) - 1, MAX_POINTS).round().astype(int)
        kept = np.union1d(evenly, np.array([mark.index for mark in self.marks], dtype=int))
        low, high = (None if edge is None else edge[kept] for edge in (self.low, self.high))
        marks = [replace(mark, index=int(np.searchsorted(kept, mark.index))) for mark in self.marks]
        return Line(self.color, self.x[kept], self.y[kept], low, high, self.dashed, marks)


@dataclass(frozen=True)
class Chart:
    """Curves in a frame.

    Attributes:
        title: Its heading.
        x_label: What the horizontal axis shows.
        x_axis: The horizontal axis.
        y_axis: The vertical axis; what lies outside is cut off.
        lines: The curves.
        color: Number of the colour of the heading, where the chart is about one loss.
        lost: Values of x for which there is no y, each with its colour and why; marked at the lower edge.
        diagonal: Whether y = x is drawn.
        whole: Whether only whole numbers are written below the frame.
    """

    title: str
    x_label: str
    x_axis: LossAxis
    y_axis: LossAxis
    lines: Sequence[Line]
    color: int | None = None
    lost: Sequence[tuple[float, int, str]] = ()
    diagonal: bool = False
    whole: bool = False

    @property
    def left(self) -> float:
        """Left edge of the frame, right of the labels of the vertical axis."""
        return round(10 + _CHARACTER * max((len(label) for _, label in self.y_ticks), default=0), 1)

    @property
    def width(self) -> float:
        """Width of the frame."""
        return round(WIDTH - self.left - _RIGHT, 1)

    @property
    def height(self) -> float:
        """Height of the frame."""
        return HEIGHT - _TOP - _BOTTOM

    @property
    def top(self) -> float:
        """Upper edge of the frame."""
        return _TOP

    @property
    def x_ticks(self) -> list[tuple[float, str]]:
        """Places of the labels below the frame, from its left edge, without those that would run into another."""
        marks = self.x_axis.ticks()
        if self.whole:
            marks = {position: label for position, label in marks.items() if float(position).is_integer()}
        ticks: list[tuple[float, str]] = []
        for position, label in zip(marks, _labels(self.x_axis, marks), strict=True):
            place = self.width * (position - self.x_axis.low) / (self.x_axis.high - self.x_axis.low)
            if not ticks or place - ticks[-1][0] > _CHARACTER * (2 + (len(label) + len(ticks[-1][1])) / 2):
                ticks.append((round(place, 1), label))
        return ticks

    @property
    def y_ticks(self) -> list[tuple[float, str]]:
        """Places of the labels left of the frame, from its upper edge."""
        spread, ticks = self.y_axis.high - self.y_axis.low, self.y_axis.ticks()
        places = (round(self.height * (self.y_axis.high - position) / spread, 1) for position in ticks)
        return list(zip(places, _labels(self.y_axis, ticks), strict=True))

    @property
    def curves(self) -> list[dict[str, object]]:
        """The lines as the attributes of SVG paths: `line`, `band` and `marks`."""
        return [self._curve(line.thinned()) for line in self.lines]

    def _curve(self, line: Line) -> dict[str, object]:
        x, y = self._x(line.x), self._y(line.y)
        band = ""
        if line.low is not None and line.high is not None:
            known = np.isfinite(y)
            low, high = (self._y(edge, filled=True)[known] for edge in (line.low, line.high))
            band = _path(np.concatenate([x[known], x[known][::-1]]), np.concatenate([high, low[::-1]]))
        marks = [
            {"x": round(float(x[mark.index]), 1), "y": round(float(y[mark.index]), 1), "of": mark}
            for mark in line.marks
            if np.isfinite(y[mark.index])
        ]
        return {"color": line.color, "dashed": line.dashed, "line": _path(x, y), "band": band, "marks": marks}

    @property
    def crosses(self) -> list[tuple[float, float, int, str]]:
        """Places of what was lost, from the left and the upper edge: at the lower edge, one above the other."""
        places, counts = [], Counter[float]()
        for x, color, text in self.lost:
            counts[x] += 1
            y = self.height + _CROSS * (0.5 - counts[x])
            places.append((round(float(self._x(np.array(x))), 1), round(y, 1), color, text))
        return places

    def _x(self, values: Array) -> Array:
        return self.width * (self.x_axis.position(values) - self.x_axis.low) / (self.x_axis.high - self.x_axis.low)

    def _y(self, values: Array, *, filled: bool = False) -> Array:
        """Return places from the upper edge, at most a frame away from it; `filled`: far below where there is none."""
        with np.errstate(divide="ignore", invalid="ignore"):  # a band may reach below 0 on a log scale
            place = self.height * (self.y_axis.high - self.y_axis.position(values))
        place = place / (self.y_axis.high - self.y_axis.low)
        if filled:
            place = np.where(np.isnan(place), 2 * self.height, place)
        return np.clip(place, -self.height, 2 * self.height)


def _labels(axis: LossAxis, ticks: Mapping[float, str]) -> list[str]:
    """Return labels, on a linear axis with as many digits after the point as the longest has."""
    labels = list(ticks.values())
    if axis.is_log or any("e" in label for label in labels):
        return labels
    n_digits = max((len(label.partition(".")[2]) for label in labels), default=0)
    return [f"{float(label):.{n_digits}f}" for label in labels]


def _path(x: Array, y: Array) -> str:
    """Return the `d` of a path through the points, interrupted where one is not finite."""
    parts, is_drawing = [], False
    for at_x, at_y in zip(x.tolist(), y.tolist(), strict=True):
        if np.isfinite(at_y):
            # A line of no length shows a point that is by itself.
            parts.append(f"L{at_x:.1f} {at_y:.1f}" if is_drawing else f"M{at_x:.1f} {at_y:.1f}h0")
        is_drawing = bool(np.isfinite(at_y))
    return "".join(parts)


def span(values: Sequence[float], *, is_log: bool = False, margin: float = 0.0) -> LossAxis:
    """Return an axis from the least to the largest of some values, with a margin relative to their distance."""
    ends = np.log10([min(values), max(values)]) if is_log else np.array([min(values), max(values)], dtype=float)
    low, high = ends.tolist()
    room = margin * (high - low) or (0.5 if low == high else 0.0)
    return LossAxis(low - room, high + room, is_log)
