"""Train and validation loss of a run in one picture.

The small one in the terminal has the same axis and the same colours: train blue, validation orange.
"""

from __future__ import annotations

import functools
import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lossexp.components import Array
from lossexp.drawing import BAND, BOTTOM, FAINT, GRID, HEIGHT, LEFT, RIGHT, TOP, Frame, Sheet
from lossexp.errors import StorageError
from lossexp.loss_axis import LossAxis
from lossexp.record import History

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage
    from PIL.ImageFont import FreeTypeFont, ImageFont

TRAIN, VALIDATION, ALARM = "#2f7fc1", "#e07b1a", "#c62f3b"
_INK = "#333333"


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
        frame = Frame(first, max(last, first + 1), LossAxis.covering(train, val))
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
        self._write_text(sheet.image, frame, title, legend)
        if finding and len(best):
            self._write_finding(sheet.image, finding, best[0])
        self._save(sheet.image, path)

    def _write_text(self, image: PILImage, frame: Frame, title: str, legend: list[tuple[str, str]]) -> None:
        self._write(image, (LEFT, 36), self._fitting(title), "ls", bold=True)
        for x, label in frame.epoch_ticks().items():
            self._write(image, (x, BOTTOM + 8), label, "mt")
        for y, label in frame.loss_ticks().items():
            self._write(image, (LEFT - 8, y), label, "rm")
        self._write(image, ((LEFT + RIGHT) / 2, HEIGHT - 8), "epoch", "ms")
        x = float(LEFT)
        for text, colour in legend:
            self._write(image, (x, 68), text, "ls", colour)
            x += self._font.getlength(text)

    def _write_finding(self, image: PILImage, finding: Finding, best: Array) -> None:
        """Write the verdict at the top right of the frame, and a rise below its bracket."""
        self._write(image, (RIGHT - 4, TOP + 6), finding.name, "rt", ALARM if finding.rise else _INK, bold=True)
        if finding.rise:
            text = f"+{100 * finding.rise:.0f} % of headroom"
            self._write(image, (RIGHT - 6, best[1] + 7), text, "rt", ALARM)

    def _write(
        self, image: PILImage, at: tuple[float, float], text: str, anchor: str, ink: str = _INK, *, bold: bool = False
    ) -> None:
        mask, (left, top) = _written(text, self._bold if bold else self._font, anchor)
        image.paste(ink, (round(at[0]) + left, round(at[1]) + top), mask)

    def _fitting(self, title: str) -> str:
        """Return `title` in one line of drawable characters, cut to the width of the picture."""
        title = " ".join(title.encode(errors="replace").decode().split())
        excess = self._bold.getlength(title) / (RIGHT - LEFT)
        return title if excess <= 1 else title[: int(len(title) / excess) - 2] + "…"

    def _save(self, image: PILImage, path: Path) -> None:
        from PIL import Image

        # With a palette the file has half the size and takes a quarter of the time.
        few_colours = image.quantize(palette=self._palette, dither=Image.Dither.NONE)
        try:
            few_colours.save(path, format="PNG", compress_level=1)
        except OSError as error:
            raise StorageError(f"Cannot write the picture {path}: {error.strerror}.") from error


def _draw(frame: Frame, train: Array, val: Array, best: Array, diverged: bool, finding: Finding | None = None) -> Sheet:
    """Draw everything but the text; curves and the best point are points `(n, 2)`."""
    sheet = Sheet()
    if finding:
        sheet.band(*frame.x(np.array(finding.best_set)).tolist())
    sheet.grid(frame)
    sheet.straight(best[:, 0], (), FAINT)
    for points, colour in ((train, TRAIN), (val, VALIDATION)):
        if len(points) < 2:
            sheet.dots(points, colour)
        elif colour == TRAIN:
            sheet.lines([points], colour, 2.3)
        else:
            sheet.dashes(points, colour, 2.3)
    if finding and finding.rise and len(best) and len(val):
        # A bracket at the right end, from the level of the best epoch up to that of the last.
        corner = np.array([RIGHT - 6, best[0, 1]])
        sheet.lines([np.stack([best[0], corner])], ALARM, 1)
        sheet.lines([np.stack([corner, [RIGHT - 6, val[-1, 1]]])], ALARM, 2.4)
    sheet.dots(best, VALIDATION)
    if diverged:
        sheet.crosses(np.concatenate([train[-1:], val[-1:]]), ALARM)
    return sheet


@functools.lru_cache(maxsize=1000)  # the pictures of a sweep have most of their text in common
def _written(text: str, font: FreeTypeFont | ImageFont, anchor: str) -> tuple[PILImage, tuple[int, int]]:
    """Return a mask of a text, and where its upper left corner lies from the anchor."""
    from PIL import Image, ImageDraw

    left, top, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).textbbox((0, 0), text, font, anchor)
    corner = math.floor(left), math.floor(top)
    mask = Image.new("L", (math.ceil(right) - corner[0], math.ceil(bottom) - corner[1]))
    ImageDraw.Draw(mask).text((-corner[0], -corner[1]), text, 255, font, anchor)
    return mask, corner


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

    smooth, flat = (TRAIN, VALIDATION, ALARM, _INK), (FAINT, GRID, BAND)
    inks = np.array([ImageColor.getrgb(ink) for ink in smooth])
    shades = 255 - np.linspace(0, 1, 16)[:, None, None] * (255 - inks)
    palette = Image.new("P", (1, 1))
    palette.putpalette(
        [*shades.round().astype(int).ravel().tolist(), *(v for ink in flat for v in ImageColor.getrgb(ink))]
    )
    return palette
