"""A small picture of curves in text, for the end of a run in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lossexp.components import Array
from lossexp.pictures import LossAxis

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Bits of a braille character, by column and row of its dots."""


def draw(
    epochs: Array, curves: Mapping[str, Array], marks: Sequence[str], width: int = 60, height: int = 9
) -> list[list[tuple[str, int | None]]]:
    """Draw curves over epochs, the later ones on top.

    Args:
        epochs: `(n_epochs,)`.
        curves: Values `(n_epochs,)` by name.
        marks: One character per curve for terminals without braille; empty where braille can be shown.
        width: Characters of the plotting area.
        height: Lines of the plotting area.

    Returns:
        Lines of pieces of text, each with the index of the curve it shows, or None for axes.
    """
    axis = LossAxis.covering(*curves.values())
    scale = axis.high - axis.low
    positions = [(axis.position(values) - axis.low) / scale for values in curves.values()]
    across, up = (width * 2, height * 4) if not marks else (width, height)
    columns = np.round(np.linspace(0, across - 1, len(epochs))).astype(int) if len(epochs) > 1 else np.zeros(1, int)
    codes = np.zeros((height, width), dtype=int)
    owners = np.full((height, width), -1)
    for owner, position in enumerate(positions):
        for column, value in _filled(columns, position, across):
            row = up - 1 - round(value * (up - 1))
            x, y = (column // 2, row // 4) if not marks else (column, row)
            fresh = owners[y, x] != owner
            dot = _DOTS[column % 2][row % 4] if not marks else ord(marks[owner])
            codes[y, x] = dot if fresh or marks else codes[y, x] | dot
            owners[y, x] = owner
    rows = {up - 1 - round((tick - axis.low) / scale * (up - 1)): label for tick, label in axis.ticks().items()}
    labels = {row if marks else row // 4: label for row, label in rows.items()}
    margin = max(map(len, labels.values()), default=1)
    lines: list[list[tuple[str, int | None]]] = []
    for y in range(height):
        line: list[tuple[str, int | None]] = [(f"{labels.get(y, ''):>{margin}} ", None)]
        for x in range(width):
            owner = int(owners[y, x])
            dots = int(codes[y, x])
            character = (chr(dots) if marks else chr(0x2800 + dots)) if dots else " "
            line.append((character, owner if owner >= 0 else None))
        lines.append(line)
    ends = f"{int(epochs[0])}", f"epoch {int(epochs[-1])}"
    lines.append([(" " * (margin + 1) + ends[0] + ends[1].rjust(width - len(ends[0])), None)])
    return lines


def _filled(columns: Array, position: Array, across: int) -> list[tuple[int, float]]:
    """Return a (column, position) for every column that the curve spans, interpolated where epochs are few."""
    finite = np.isfinite(position)
    if not finite.any():
        return []
    known, values = columns[finite], position[finite]
    every = np.arange(known[0], known[-1] + 1)
    return list(zip(every.tolist(), np.clip(np.interp(every, known, values), 0, 1).tolist(), strict=True))
