"""Train and validation loss of a run in one picture.

The small one in the terminal has the same axis and the same colours: train blue, validation orange.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lossexp.components import Array
from lossexp.errors import StorageError
from lossexp.loss_axis import LossAxis, round_numbers
from lossexp.record import History

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage
    from PIL.ImageFont import FreeTypeFont, ImageFont

TRAIN, VALIDATION, ALARM = "#2f7fc1", "#e07b1a", "#c62f3b"
_INK, _FAINT, _GRID, _BAND = "#333333", "#999999", "#dddddd", "#fbeedd"

_WIDTH, _HEIGHT = 800, 500
_LEFT, _TOP, _RIGHT, _BOTTOM = 70, 92, 776, 452
_FINE = 3
"""Lines are drawn so many times larger and then reduced, which makes their edges smooth."""


@dataclass(frozen=True)
class Finding:
    """What was found about a validation curve.

    Attributes:
        name: The verdict.
        best_set: First and last epoch that may be the best; shaded.
        rise: How far the end lies above the best epoch, in parts of the headroom; 0 marks none.
    """

    name: str
    best_set: tuple[int, int]
    rise: float = 0.0


@dataclass(frozen=True)
class _Frame:
    """Where epochs and losses lie in the picture, in pixels."""

    first: int
    last: int
    axis: LossAxis

    def x(self, epochs: Array) -> Array:
        return _LEFT + (epochs - self.first) / (self.last - self.first) * (_RIGHT - _LEFT)

    def y(self, positions: Array) -> Array:
        return _BOTTOM - (positions - self.axis.low) / (self.axis.high - self.axis.low) * (_BOTTOM - _TOP)

    def points(self, epochs: Array, losses: Array) -> Array:
        """Return the points `(n_drawable, 2)` of a curve."""
        points = np.column_stack([self.x(epochs), self.y(self.axis.position(losses))])
        return points[np.isfinite(points).all(axis=1)]

    def epoch_ticks(self) -> dict[float, str]:
        marks = round_numbers(self.first, self.last, smallest_step=1.0)
        return dict(zip(self.x(np.array(marks)).tolist(), (f"{mark:g}" for mark in marks), strict=True))

    def loss_ticks(self) -> dict[float, str]:
        ticks = self.axis.ticks()
        return dict(zip(self.y(np.array(list(ticks))).tolist(), ticks.values(), strict=True))


class _Sheet:
    """A picture without its text. Points are in pixels of the finished picture."""

    def __init__(self) -> None:
        from PIL import Image, ImageDraw

        self._image = Image.new("RGB", (_WIDTH * _FINE, _HEIGHT * _FINE), "white")
        self._draw = ImageDraw.Draw(self._image)

    def grid(self, frame: _Frame) -> None:
        self.straight(frame.epoch_ticks(), (), _GRID)
        self.straight((), frame.loss_ticks(), _GRID)
        self.straight((_LEFT,), (_BOTTOM,), _FAINT)

    def straight(self, xs: Iterable[float], ys: Iterable[float], colour: str) -> None:
        """Draw thin lines across the frame, upright at `xs` and level at `ys`, each on one row of pixels."""
        middle = (_FINE // 2) / _FINE
        for x in xs:
            self.line(np.array([[round(x) + middle, _TOP], [round(x) + middle, _BOTTOM]]), colour, 1)
        for y in ys:
            self.line(np.array([[_LEFT, round(y) + middle], [_RIGHT, round(y) + middle]]), colour, 1)

    def band(self, x0: float, x1: float) -> None:
        """Shade the frame between two places."""
        self._draw.rectangle([x * _FINE for x in (x0, _TOP, x1, _BOTTOM)], _BAND)

    def line(self, points: Array, colour: str, width: float) -> None:
        # Joints take a loop in Python; where points are dense no gap between two segments can be seen.
        joint = "curve" if len(points) < _WIDTH else None
        self._draw.line((points * _FINE).ravel().tolist(), colour, round(width * _FINE), joint)

    def dashes(self, points: Array, colour: str, width: float) -> None:
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
        period = max(15.0, along[-1] / 300)  # a curve that goes up and down all the time gets longer dashes
        for start in np.arange(0, along[-1], period):
            end = min(start + 0.7 * period, along[-1])
            between = slice(*np.searchsorted(along, (start, end)))
            cuts = np.concatenate([[start], along[between], [end]])
            self.line(np.column_stack([np.interp(cuts, along, side) for side in points.T]), colour, width)

    def dots(self, points: Array, colour: str) -> None:
        for x, y in points * _FINE:
            for radius, fill in ((5.5 * _FINE, "white"), (4.2 * _FINE, colour)):
                self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill)

    def crosses(self, points: Array, colour: str) -> None:
        for point in points:
            for arm in (np.array([5, 5]), np.array([5, -5])):
                self.line(np.stack([point - arm, point + arm]), colour, 2.4)

    def finished(self) -> PILImage:
        return self._image.reduce(_FINE)


class CurvePainter:
    """Writes pictures of 800x500 pixels; holds the fonts and the palette that they share.

    Pillow draws them: matplotlib takes longer to import than a short run lasts, and twice as long for each of the
    pictures of a sweep.
    """

    def __init__(self) -> None:
        self._font, self._bold = _font("DejaVuSans.ttf", 14), _font("DejaVuSans-Bold.ttf", 18)
        self._palette = _palette()

    def paint(
        self,
        path: Path,
        history: History,
        *,
        title: str,
        best_epoch: int,
        loss_label: str,
        diverged: bool = False,
        finding: Finding | None = None,
    ) -> None:
        """Write the loss curves of one run to `path`.

        Args:
            path: The PNG file.
            history: Curves with `train/loss` and `val/loss`, or none at all; values that are not finite are left out.
            title: Heading, such as the name of the run.
            best_epoch: Epoch to mark on the validation curve.
            loss_label: What the vertical axis shows.
            diverged: Whether the curves end because the run diverged; their ends are marked.
            finding: What was found about the validation curve, to be marked.

        Raises:
            StorageError: The file cannot be written.
        """
        epochs = history.epochs
        train, val = (history.metrics.get(f"{split}/loss", np.empty(0)) for split in ("train", "val"))
        first, last = (int(epochs[0]), int(epochs[-1])) if len(epochs) else (0, 1)
        frame = _Frame(first, max(last, first + 1), LossAxis.covering(train, val))
        is_best = epochs == best_epoch
        best = frame.points(epochs[is_best], val[is_best])
        curves = frame.points(epochs, train), frame.points(epochs, val)
        sheet = _draw(frame, *curves, best, diverged, finding)
        legend = [
            (f"{loss_label}, log scale" if frame.axis.is_log else loss_label, _INK),
            *(("    ━━━ ", TRAIN), ("train", _INK), ("    ━ ━ ", VALIDATION), ("validation", _INK)),
        ]
        if len(best):
            legend += [("    ● ", VALIDATION), (f"best epoch {best_epoch}: {val[is_best][0]:.4g}", _INK)]
        if diverged:
            legend += [("    ✕ diverged", ALARM)]
        image = sheet.finished()
        self._write_text(image, frame, title, legend)
        if finding and len(best):
            self._write_finding(image, finding, best[0])
        self._save(image, path)

    def _write_text(self, image: PILImage, frame: _Frame, title: str, legend: list[tuple[str, str]]) -> None:
        from PIL import ImageDraw

        draw = ImageDraw.Draw(image)
        draw.text((_LEFT, 36), self._fitting(title), _INK, self._bold, anchor="ls")
        for x, label in frame.epoch_ticks().items():
            draw.text((x, _BOTTOM + 8), label, _INK, self._font, anchor="mt")
        for y, label in frame.loss_ticks().items():
            draw.text((_LEFT - 8, y), label, _INK, self._font, anchor="rm")
        draw.text(((_LEFT + _RIGHT) / 2, _HEIGHT - 8), "epoch", _INK, self._font, anchor="ms")
        x = float(_LEFT)
        for text, colour in legend:
            draw.text((x, 68), text, colour, self._font, anchor="ls")
            x += self._font.getlength(text)

    def _write_finding(self, image: PILImage, finding: Finding, best: Array) -> None:
        """Write the verdict at the top right of the frame, and a rise below its bracket."""
        from PIL import ImageDraw

        draw = ImageDraw.Draw(image)
        draw.text((_RIGHT - 4, _TOP + 6), finding.name, ALARM if finding.rise else _INK, self._bold, anchor="rt")
        if finding.rise:
            text = f"+{100 * finding.rise:.0f} % of headroom"
            draw.text((_RIGHT - 6, best[1] + 7), text, ALARM, self._font, anchor="rt")

    def _fitting(self, title: str) -> str:
        """Return `title` in one line of drawable characters, cut to the width of the picture."""
        title = " ".join(title.encode(errors="replace").decode().split())
        excess = self._bold.getlength(title) / (_RIGHT - _LEFT)
        return title if excess <= 1 else title[: int(len(title) / excess) - 2] + "…"

    def _save(self, image: PILImage, path: Path) -> None:
        from PIL import Image

        # With a palette the file has half the size and takes a quarter of the time.
        few_colours = image.quantize(palette=self._palette, dither=Image.Dither.NONE)
        try:
            few_colours.save(path, format="PNG", compress_level=1)
        except OSError as error:
            raise StorageError(f"Cannot write the picture {path}: {error.strerror}.") from error


def _draw(
    frame: _Frame, train: Array, val: Array, best: Array, diverged: bool, finding: Finding | None = None
) -> _Sheet:
    """Draw everything but the text; curves and the best point are points `(n, 2)`."""
    sheet = _Sheet()
    if finding:
        sheet.band(*frame.x(np.array(finding.best_set)).tolist())
    sheet.grid(frame)
    sheet.straight(best[:, 0], (), _FAINT)
    for points, colour, stroke in ((train, TRAIN, sheet.line), (val, VALIDATION, sheet.dashes)):
        if len(points) > 1:
            stroke(points, colour, 2.3)
        else:
            sheet.dots(points, colour)
    if finding and finding.rise and len(best) and len(val):
        # A bracket at the right end, from the level of the best epoch up to that of the last.
        sheet.line(np.array([best[0], [_RIGHT - 6, best[0, 1]]]), ALARM, 1)
        sheet.line(np.array([[_RIGHT - 6, best[0, 1]], [_RIGHT - 6, val[-1, 1]]]), ALARM, 2.4)
    sheet.dots(best, VALIDATION)
    if diverged:
        sheet.crosses(np.concatenate([train[-1:], val[-1:]]), ALARM)
    return sheet


def _font(name: str, size: int) -> FreeTypeFont | ImageFont:
    """Return matplotlib's copy of a font, found without importing matplotlib, or else Pillow's own."""
    from PIL import ImageFont

    package = importlib.util.find_spec("matplotlib")
    folder = Path(package.origin if package and package.origin else "").parent / "mpl-data" / "fonts" / "ttf"
    try:
        return ImageFont.truetype(folder / name, size)
    except OSError:
        return ImageFont.load_default(size)


def _palette() -> PILImage:
    """Return an image whose palette holds the colours of a picture: lines and text in 16 shades down to white."""
    from PIL import Image, ImageColor

    smooth, flat = (TRAIN, VALIDATION, ALARM, _INK), (_FAINT, _GRID, _BAND)
    inks = np.array([ImageColor.getrgb(ink) for ink in smooth])
    shades = 255 - np.linspace(0, 1, 16)[:, None, None] * (255 - inks)
    palette = Image.new("P", (1, 1))
    palette.putpalette(
        [*shades.round().astype(int).ravel().tolist(), *(v for ink in flat for v in ImageColor.getrgb(ink))]
    )
    return palette
