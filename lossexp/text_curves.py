"""The curves of a run drawn in text, for the end of a run in a terminal."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from lossexp.components import Array
from lossexp.loss_axis import LossAxis
from lossexp.pictures import TRAIN, VALIDATION
from lossexp.record import History

Line: TypeAlias = list[tuple[str, str]]
"""Pieces of text, each with its colour, which is empty for axes."""


@dataclass(frozen=True)
class _Signs:
    """What curves are drawn with.

    Attributes:
        train, val: What each dot of a character adds to its code, `(rows, columns)`.
        dash: Dots in a dash of the validation curve, and in the gap after it.
        legend: How the legend shows the two curves.
        best: The mark of the best epoch.
        axes: Upright line, corner and level line.
    """

    train: Array
    val: Array
    dash: int
    legend: tuple[str, str]
    best: str
    axes: tuple[str, str, str]


_DOTS = 0x2800 + np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
_BRAILLE = _Signs(_DOTS, _DOTS, 3, ("━━━", "━ ━"), "●", ("│", "└", "─"))
_ASCII = _Signs(np.array([[ord("*")]]), np.array([[ord("o")]]), 1, ("***", "o o"), "@", ("|", "+", "-"))


def draw(history: History, best_epoch: int, *, width: int, height: int = 10, ascii_only: bool = False) -> list[Line]:
    """Draw train and validation loss over the epochs: train solid, validation dashed and on top of it.

    Args:
        history: Curves with `train/loss` and `val/loss` of at least one epoch.
        best_epoch: Epoch to mark on the validation curve.
        width: Characters of a line, labels of losses included.
        height: Lines for the curves; there are three more for legend and epochs.
        ascii_only: Whether braille and box characters cannot be shown.
    """
    signs = _ASCII if ascii_only else _BRAILLE
    train, val = history.metrics["train/loss"], history.metrics["val/loss"]
    plot = _Plot(history.epochs, LossAxis.covering(train, val), signs, width, height)
    plot.add(plot.dots(train), signs.train, TRAIN)
    plot.add(plot.dots(val) & plot.is_dash, signs.val, VALIDATION)
    is_marked = plot.mark(best_epoch, val[history.epochs == best_epoch])
    legend = [("loss, log scale  " if plot.axis.is_log else "loss  ", "")]
    legend += [(signs.legend[0], TRAIN), (" train  ", ""), (signs.legend[1], VALIDATION), (" val  ", "")]
    if is_marked:
        legend += [(signs.best, VALIDATION), (f" best epoch {best_epoch}", "")]
    return [legend, *plot.lines()]


class _Plot:
    """The plotting area: a code and a colour for each character, both `(height, n_columns)`."""

    def __init__(self, epochs: Array, axis: LossAxis, signs: _Signs, width: int, height: int) -> None:
        self.epochs, self.axis, self.signs, self.height = epochs, axis, signs, height
        self.first, self.last = int(epochs[0]), max(int(epochs[-1]), int(epochs[0]) + 1)
        self.rows_per_line, self.columns_per_character = signs.train.shape
        self.labels = {self.line_of(position): label for position, label in axis.ticks().items()}
        self.margin = max(map(len, self.labels.values()), default=0)
        self.n_columns = width - self.margin - 2
        self.is_dash = np.arange(self.n_columns * self.columns_per_character) % (2 * signs.dash) < signs.dash
        self.codes = np.full((height, self.n_columns), ord(" "))
        self.colours = np.full((height, self.n_columns), "", dtype=object)

    def rows(self, positions: Array | float) -> Array:
        """Return the row of dots, counted from the top, at each position of the axis."""
        share = (self.axis.high - positions) / (self.axis.high - self.axis.low)
        return np.round(share * (self.height * self.rows_per_line - 1))

    def line_of(self, position: float) -> int:
        return int(self.rows(position)) // self.rows_per_line

    def dots(self, losses: Array) -> Array:
        """Return which dots `(n_rows, n_columns)` a curve covers, without gaps where it is steep."""
        rows = self.rows(self.axis.position(losses))
        drawn = np.isfinite(rows)
        if not drawn.any():
            return np.zeros((self.height * self.rows_per_line, len(self.is_dash)), dtype=bool)
        grid = np.linspace(self.first, self.last, len(self.is_dash))
        level = np.round(np.interp(grid, self.epochs[drawn], rows[drawn], right=np.nan))
        before = np.concatenate([level[:1], level[:-1]])
        start = before + np.sign(level - before)  # the column before has covered its own level
        row = np.arange(self.height * self.rows_per_line)[:, None]
        return (row >= np.fmin(start, level)) & (row <= np.fmax(start, level)) & np.isfinite(level)

    def add(self, dots: Array, codes: Array, colour: str) -> None:
        """Draw a curve over what is there; braille keeps the dots below."""
        blocks = dots.reshape(self.height, self.rows_per_line, self.n_columns, self.columns_per_character)
        new = np.bitwise_or.reduce(blocks * codes[:, None, :], axis=(1, 3))
        covered = new > 0
        below = np.where(self.codes >= _DOTS.min(), self.codes, 0)
        self.codes[covered] = (new | below)[covered]
        self.colours[covered] = colour

    def mark(self, epoch: int, losses: Array) -> bool:
        """Mark the best epoch on the validation curve; tell whether there is a value to mark."""
        positions = self.axis.position(losses)
        for position in positions[np.isfinite(positions)]:
            column = round((epoch - self.first) / (self.last - self.first) * (self.n_columns - 1))
            self.codes[self.line_of(position), column] = ord(self.signs.best)
            self.colours[self.line_of(position), column] = VALIDATION
        return bool(np.isfinite(positions).any())

    def lines(self) -> list[Line]:
        """Return the plotting area with its axes."""
        upright, corner, level = self.signs.axes
        lines: list[Line] = []
        for number, (codes, colours) in enumerate(zip(self.codes.tolist(), self.colours.tolist(), strict=True)):
            cells = itertools.groupby(zip(colours, map(chr, codes), strict=True), key=lambda cell: cell[0])
            pieces = [("".join(text for _, text in group), colour) for colour, group in cells]
            lines.append([(f"{self.labels.get(number, ''):>{self.margin}} {upright}", ""), *pieces])
        between = self.n_columns - len(f"{self.first}{self.last}")
        epochs = f"{self.first}{'epoch':^{max(between, 0)}}{self.last}"
        lines.append([(f"{'':{self.margin}} {corner}{level * self.n_columns}", "")])
        lines.append([(f"{'':{self.margin}}  {epochs}", "")])
        return lines
