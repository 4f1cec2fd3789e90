"""The axis that losses are drawn along, linear or logarithmic, in pictures, reports and the terminal."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lossexp.components import Array

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
