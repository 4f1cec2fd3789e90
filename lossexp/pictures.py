"""Train and validation loss in one picture: as a PNG file, and in text for the terminal.

Both draw on the same `LossAxis`, in the same colours: train blue and solid, validation orange and dashed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lossexp.components import Array
from lossexp.errors import StorageError
from lossexp.record import History

if TYPE_CHECKING:
    from PIL.Image import Image

TRAIN, VALIDATION, ALARM = "#2f7fc1", "#e07b1a", "#c62f3b"
_INK, _FAINT, _GRID = "#333333", "#999999", "#dddddd"

_LOG_RATIO = 20
"""Positive losses whose largest is more than this many times the smallest are drawn on a log scale."""

_DRAWABLE = 1e100
"""Losses from here on are drawn like infinity: not at all, so that one of them does not flatten the others."""


@dataclass(frozen=True)
class LossAxis:
    """Where a loss is drawn: at its value, or at its logarithm where that shows more.

    `low` and `high` are the ends of the axis in drawn units, that is log10(loss) on a log scale.
    """

    low: float
    high: float
    is_log: bool

    @classmethod
    def covering(cls, *curves: Array) -> LossAxis:
        """Return an axis that holds every drawable value of the curves, with a margin."""
        losses = np.concatenate([_drawable(curve) for curve in curves])
        losses = losses[np.isfinite(losses)]
        if not losses.size:
            return cls(0.0, 1.0, is_log=False)
        is_log = bool(losses.min() > 0 and losses.max() / _LOG_RATIO > losses.min())
        drawn = np.log10(losses) if is_log else losses
        low, high, largest = float(drawn.min()), float(drawn.max()), float(np.abs(drawn).max())
        margin = 0.05 * (high - low)
        if high - low <= 1e-4 * largest or largest < 1 / _DRAWABLE:
            margin = 0.1 * largest if largest > 1 / _DRAWABLE else 1.0  # a flat curve runs through the middle
        return cls(low - margin, high + margin, is_log)

    def position(self, losses: Array) -> Array:
        """Return `losses` in drawn units, NaN where there is nothing to draw."""
        drawable = _drawable(losses)
        return np.log10(drawable) if self.is_log else drawable

    def ticks(self) -> dict[float, str]:
        """Return the positions of round losses, in drawn units, with their labels."""
        if self.is_log:
            return {position: f"{10**position:g}" for position in _round_decades(self.low, self.high)}
        return {position: f"{position:g}" for position in round_numbers(self.low, self.high)}


def _drawable(losses: Array) -> Array:
    losses = np.asarray(losses, dtype=np.float64)
    return np.where(np.abs(losses) < _DRAWABLE, losses, np.nan)


def round_numbers(low: float, high: float, smallest_step: float = 0.0) -> list[float]:
    """Return about five multiples of 1, 2 or 5 times a power of ten between `low` and `high`."""
    n_steps = 6
    power = 10.0 ** math.floor(math.log10((high - low) / n_steps))
    step = max(next(power * m for m in (1, 2, 5, 10) if power * m * n_steps >= high - low), smallest_step)
    # Rounding takes away 0.30000000000000004, whose label would be fine but whose position would be off the grid.
    digits = max(0, 1 - math.floor(math.log10(step)))
    return [round(i * step, digits) for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _round_decades(low: float, high: float) -> list[float]:
    """Return log10 of at most seven numbers such as 0.1, 0.2, 0.5, 1 between 10**low and 10**high."""
    exponents = range(math.floor(low), math.ceil(high) + 1)
    for mantissas in ((1, 2, 5), (1, 3), (1,)):
        marks = [exponent + math.log10(mantissa) for exponent in exponents for mantissa in mantissas]
        marks = [mark for mark in marks if low <= mark <= high]
        if len(marks) <= 7:
            return marks
    return marks[:: math.ceil(len(marks) / 7)]


class CurvePainter:
    """Writes pictures of 800x500 pixels, one after the other, from one figure; belongs to one thread at a time.

    Drawing text and ticks is what takes matplotlib long. What the pictures of a sweep have in common (frame, epochs,
    legend) is therefore drawn once and copied under each of them, and the colours are few enough for a palette.
    """

    def __init__(self) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.lines import Line2D

        self._figure = Figure(figsize=(8, 5), dpi=100, facecolor="white")
        self._canvas = FigureCanvasAgg(self._figure)
        self._axes = axes = self._figure.add_axes((0.1, 0.11, 0.86, 0.74))
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(_FAINT)
        axes.grid(color=_GRID, linewidth=0.8)
        axes.tick_params(color=_FAINT, labelcolor=_INK)
        axes.xaxis.set_animated(True)
        axes.yaxis.set_animated(True)
        self._moving: list[Any] = [axes.xaxis, axes.yaxis]
        self._best_line = self._moving_line(color=_FAINT, linewidth=0.8)
        self._train = self._moving_line(color=TRAIN, linewidth=1.8, label="train")
        self._val = self._moving_line(color=VALIDATION, linewidth=1.8, linestyle=(0, (4, 1.6)), label="validation")
        dot: dict[str, Any] = {"color": VALIDATION, "marker": "o", "markersize": 7, "markeredgecolor": "white"}
        self._best = self._moving_line(**dot)
        self._end = self._moving_line(color=ALARM, marker="X", markersize=8, markeredgecolor="white", linestyle="")
        self._title = self._moving_text(0.1, 0.94, fontsize=13, fontweight="bold")
        self._loss_label = self._moving_text(0.01, 0.48, rotation=90, va="center")
        self._best_note = self._moving_text(0.435, 0.876)
        self._figure.text(0.53, 0.02, "epoch", color=_INK, ha="center")
        self._figure.add_artist(Line2D([0.42], [0.887], **dot))
        self._figure.legend(
            handles=[self._train, self._val], loc="center left", bbox_to_anchor=(0.092, 0.888), ncols=2,
            frameon=False, borderpad=0, handlelength=2.6, labelcolor=_INK,
        )  # fmt: skip
        self._palette = _palette()
        self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(self._figure.bbox)

    def paint(
        self,
        path: Path,
        history: History,
        *,
        title: str,
        best_epoch: int,
        loss_label: str,
        diverged: bool = False,
    ) -> None:
        """Write the loss curves of one run to `path`.

        Args:
            path: The PNG file.
            history: Curves with `train/loss` and `val/loss`; values that are not finite are left out.
            title: Heading, such as the name of the run.
            best_epoch: Epoch to mark on the validation curve.
            loss_label: Name of the vertical axis.
            diverged: Whether the curves end because the run diverged; their ends are marked.

        Raises:
            StorageError: The file cannot be written.
        """
        train, val = history.metrics["train/loss"], history.metrics["val/loss"]
        axis = LossAxis.covering(train, val)
        self._set_axes(int(history.epochs[0]), int(history.epochs[-1]), axis)
        self._loss_label.set_text(f"{loss_label} (log scale)" if axis.is_log else loss_label)
        marker = "o" if len(history.epochs) == 1 else ""
        for line, losses in ((self._train, train), (self._val, val)):
            line.set_data(history.epochs, axis.position(losses))
            line.set_marker(marker)
        self._title.set_text(title if len(title) <= 90 else title[:89] + "…")
        self._mark_best(history, best_epoch, axis)
        self._mark_end(history, axis, diverged)
        self._canvas.restore_region(self._background)
        renderer = self._canvas.get_renderer()
        for artist in self._moving:
            artist.draw(renderer)
        self._write(path)

    def _moving_line(self, **style: Any) -> Any:
        (line,) = self._axes.plot([], [], animated=True, **style)
        self._moving.append(line)
        return line

    def _moving_text(self, x: float, y: float, **style: Any) -> Any:
        # Without parse_math a name with two dollar signs would be read as a formula.
        text = self._figure.text(x, y, "", color=_INK, animated=True, parse_math=False, **style)
        self._moving.append(text)
        return text

    def _set_axes(self, first: int, last: int, axis: LossAxis) -> None:
        last, ticks = max(last, first + 1), axis.ticks()
        self._axes.set_xlim(first, last)
        self._axes.set_xticks(round_numbers(first, last, smallest_step=1.0))
        self._axes.set_ylim(axis.low, axis.high)
        self._axes.set_yticks(list(ticks), labels=list(ticks.values()))

    def _mark_best(self, history: History, epoch: int, axis: LossAxis) -> None:
        value = history.metrics["val/loss"][history.epochs == epoch]
        position = axis.position(value)
        shown = bool(np.isfinite(position).all())
        self._best.set_data([epoch], position if shown else [np.nan])
        self._best_line.set_data([epoch, epoch], [axis.low, axis.high] if shown else [np.nan, np.nan])
        self._best_note.set_text(f"best epoch {epoch}: {value[0]:.4g}" if shown else "")

    def _mark_end(self, history: History, axis: LossAxis, diverged: bool) -> None:
        ends = [_last_drawn(history.epochs, axis.position(history.metrics[key])) for key in ("train/loss", "val/loss")]
        points = [end for end in ends if end is not None] if diverged else []
        self._end.set_data([epoch for epoch, _ in points], [position for _, position in points])

    def _write(self, path: Path) -> None:
        from PIL import Image

        drawn = Image.frombuffer("RGBA", self._canvas.get_width_height(), self._canvas.buffer_rgba())
        image = drawn.convert("RGB").quantize(palette=self._palette, dither=Image.Dither.NONE)
        try:
            image.save(path, format="PNG", compress_level=1)
        except OSError as error:
            raise StorageError(f"Cannot write the picture {path}: {error.strerror}.") from error


def _last_drawn(epochs: Array, positions: Array) -> tuple[int, float] | None:
    drawn = np.flatnonzero(np.isfinite(positions))
    return (int(epochs[drawn[-1]]), float(positions[drawn[-1]])) if drawn.size else None


def _palette() -> Image:
    """Return an image whose palette holds every colour of the picture in 16 shades down to white."""
    from PIL import Image, ImageColor

    inks = np.array([ImageColor.getrgb(ink) for ink in ("#000000", _INK, TRAIN, VALIDATION, ALARM)])
    shades = np.linspace(0, 1, 16)[:, None, None]
    palette = Image.new("P", (1, 1))
    palette.putpalette((255 - shades * (255 - inks)).round().astype(np.uint8).tobytes())
    return palette


def curves_png(
    path: Path, history: History, *, title: str, best_epoch: int, loss_label: str, diverged: bool = False
) -> None:
    """Write one picture; see `CurvePainter.paint`, which is faster for many."""
    CurvePainter().paint(path, history, title=title, best_epoch=best_epoch, loss_label=loss_label, diverged=diverged)
