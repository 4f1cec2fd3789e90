"""The last check of a formula before it is used: numbers instead of symbols."""

from __future__ import annotations

import numpy as np

from lossexp.components import Array
from lossexp.losses.base import Loss
from lossexp.symbolic.grammar import FormulaError
from lossexp.targets import Task

_ORDINARY, _LARGE = 10.0, (1e2, 1e3, 1e4)
_STEP = 1e-3


def check(loss: Loss) -> None:
    """Refuse a formula that has no value at ordinary points, or whose derivative is not that of its value.

    Raw predictions up to 10, and where value and derivative are finite a few far out. The targets are labels, or real
    numbers; it is enough that the formula is fine for one kind, since not every formula is for negative ones.

    Raises:
        FormulaError: With a point where it fails.
    """
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200).astype(float)
    kinds = (
        [labels] if Task.REGRESSION not in loss.accepts else [rng.normal(0, 3, 200), rng.exponential(3, 200), labels]
    )
    problems = [_problem(loss, y[None, None], rng) for y in kinds]
    if all(problems):
        raise FormulaError(problems[0])


def _problem(loss: Loss, y: Array, rng: np.random.Generator) -> str:
    """Return what is wrong on some targets `(1, 1, n)`, or nothing."""
    raw = rng.uniform(-_ORDINARY, _ORDINARY, y.shape)
    raw[..., :20], raw[..., 20] = y[..., :20], 0
    raw[..., -6:] = np.outer([1, -1], _LARGE).ravel()
    slopes = np.empty_like(raw)
    with np.errstate(all="ignore"):
        values = loss.value(raw, y)[0]
        loss.gradient(raw, y, slopes)
        at = {steps: loss.value(raw + steps * _STEP, y)[0] for steps in (-2, -1, 1, 2)}
        near, wide = (at[1] - at[-1]) / (2 * _STEP), (at[2] - at[-2]) / (4 * _STEP)
        change, jump = (4 * near - wide) / 3, (at[1] - 2 * values + at[-1]) / _STEP
    points = [f"at raw={x:.4g} and target={t:.4g}" for x, t in zip(raw.ravel(), y.ravel(), strict=True)]
    is_ordinary, slopes = np.abs(raw.ravel()) <= _ORDINARY, slopes.ravel()
    for name, numbers in (("value", values), ("derivative", slopes)):
        if (bad := np.flatnonzero(is_ordinary & ~np.isfinite(numbers))).size:
            return f"its {name} is {numbers[bad[0]]:g} {points[bad[0]]}."
    if not slopes[is_ordinary].any():
        return "its derivative is 0 everywhere, so nothing can be learnt from it."
    size, rounding = np.maximum(np.abs(slopes), np.abs(change)), 1e-9 * (1 + np.abs(values))
    # Elsewhere there is a kink at the point or beside it, or too few digits are left.
    is_smooth = (np.abs(jump) <= 0.1 * size + rounding) & (np.abs(near - wide) <= 1e-3 * size + rounding)
    if (wrong := np.flatnonzero(is_smooth & (np.abs(slopes - change) > 1e-3 * size + rounding))).size:
        first = wrong[0]
        return f"its derivative is {slopes[first]:.6g}, but its value grows by {change[first]:.6g} {points[first]}."
    return ""
