"""What the picture of a run is drawn on: a frame with axes, and a sheet for lines, dots and bands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lossexp.components import Array
from lossexp.loss_axis import LossAxis, round_numbers

if TYPE_CHECKING:
    from PIL import ImageDraw

FAINT, GRID, BAND = "#999999", "#dddddd", "#fbeedd"

WIDTH, HEIGHT = 800, 500
LEFT, TOP, RIGHT, BOTTOM = 70, 92, 776, 452
_FINE = 3
"""Lines are drawn so many times larger and then reduced, which makes their edges smooth."""
_STRIP = 50


@dataclass(frozen=True)
class Frame:
    """Where epochs and losses lie in the picture, in pixels."""

    first: int
    last: int
    axis: LossAxis

    def x(self, epochs: Array) -> Array:
        """Return how far right epochs lie."""
        return LEFT + (epochs - self.first) / (self.last - self.first) * (RIGHT - LEFT)

    def y(self, positions: Array) -> Array:
        """Return how far down positions on the axis lie."""
        return BOTTOM - (positions - self.axis.low) / (self.axis.high - self.axis.low) * (BOTTOM - TOP)

    def points(self, epochs: Array, losses: Array) -> Array:
        """Return the points `(n_drawable, 2)` of a curve."""
        points = np.column_stack([self.x(epochs), self.y(self.axis.position(losses))])
        return points[np.isfinite(points).all(axis=1)]

    def epoch_ticks(self) -> dict[float, str]:
        """Return the labels of whole epochs by their places."""
        marks = round_numbers(self.first, self.last, smallest_step=1.0)
        return dict(zip(self.x(np.array(marks)).tolist(), (f"{mark:g}" for mark in marks), strict=True))

    def loss_ticks(self) -> dict[float, str]:
        """Return the labels of round losses by their places."""
        ticks = self.axis.ticks()
        return dict(zip(self.y(np.array(list(ticks))).tolist(), ticks.values(), strict=True))


class Sheet:
    """A picture without its text. Points are in pixels.

    What is not upright or level is drawn several times larger into a mask of its own, which is then reduced: its edges
    are smooth, and no more of the picture is made large than it covers.
    """

    def __init__(self) -> None:
        from PIL import Image, ImageDraw

        self.image = Image.new("RGB", (WIDTH, HEIGHT), "white")
        self._draw = ImageDraw.Draw(self.image)

    def grid(self, frame: Frame) -> None:
        """Draw the axes, and a thin line at each tick."""
        self.straight(frame.epoch_ticks(), (), GRID)
        self.straight((), frame.loss_ticks(), GRID)
        self.straight((LEFT,), (BOTTOM,), FAINT)

    def straight(self, xs: Iterable[float], ys: Iterable[float], colour: str) -> None:
        """Draw thin lines across the frame, upright at `xs` and level at `ys`, each on one row of pixels."""
        for x in xs:
            self._draw.line([round(x), TOP, round(x), BOTTOM], colour)
        for y in ys:
            self._draw.line([LEFT, round(y), RIGHT, round(y)], colour)

    def band(self, x0: float, x1: float) -> None:
        """Shade the frame between two places."""
        self._draw.rectangle([round(x0), TOP, round(x1), BOTTOM], BAND)

    def lines(self, strokes: Iterable[Array], colour: str, width: float) -> None:
        """Draw lines through points `(n, 2)` each."""
        with self._smooth(np.concatenate(strokes := list(strokes)), width, colour) as (draw, place):
            for points in strokes:
                # Joints take a loop in Python; where points are dense no gap between two segments can be seen.
                joint = "curve" if len(points) < WIDTH else None
                draw.line(place(points).ravel().tolist(), 255, round(width * _FINE), joint)

    def dashes(self, points: Array, colour: str, width: float) -> None:
        """Draw a line through points `(n, 2)` in dashes of one length."""
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
        period = max(15.0, along[-1] / 300)  # a curve that goes up and down all the time gets longer dashes
        starts = np.arange(0, along[-1], period)
        ends = np.minimum(starts + 0.7 * period, along[-1])
        cuts = np.sort(np.concatenate([along, starts, ends]))
        cut = np.column_stack([np.interp(cuts, along, side) for side in points.T])
        bounds = zip(np.searchsorted(cuts, starts), np.searchsorted(cuts, ends, side="right"), strict=True)
        self.lines([cut[start:end] for start, end in bounds], colour, width)

    def dots(self, points: Array, colour: str) -> None:
        """Draw a dot with a white rim at each point."""
        for point in points:
            for radius, fill in ((5.5, "white"), (4.2, colour)):
                with self._smooth(point[None], 2 * radius, fill) as (draw, place):
                    draw.ellipse([*place(point - radius), *place(point + radius)], 255)

    def crosses(self, points: Array, colour: str) -> None:
        """Draw a cross at each point."""
        for point in points:
            arms = (np.array([5, 5]), np.array([5, -5]))
            self.lines([np.stack([point - arm, point + arm]) for arm in arms], colour, 2.4)

    @contextmanager
    def _smooth(
        self, points: Array, width: float, colour: str
    ) -> Iterator[tuple[ImageDraw.ImageDraw, Callable[[Array], Array]]]:
        """Lay on a colour where something is drawn in 255 on what is given, at places that are given as well.

        Args:
            points: What it goes through, `(n, 2)`.
            width: How far it spreads around them.
            colour: What is laid on.
        """
        from PIL import Image, ImageDraw

        corner = np.floor(points.min(axis=0) - width)
        n_columns, n_rows = (np.ceil(points.max(axis=0) + width) - corner).astype(int).tolist()
        mask = Image.new("L", (n_columns * _FINE, n_rows * _FINE))
        yield ImageDraw.Draw(mask), lambda points: (points + 0.5 - corner) * _FINE
        mask, (left, top) = mask.reduce(_FINE), corner.astype(int).tolist()
        # Laying a colour on costs most, and most of the mask is empty: go through it in strips.
        for x in range(0, n_columns, _STRIP):
            strip = mask.crop((x, 0, min(x + _STRIP, n_columns), n_rows))
            if box := strip.getbbox():
                self.image.paste(colour, (left + x + box[0], top + box[1]), strip.crop(box))
