"""The greatest lower bound of a formula, where interval arithmetic proves it.

Where no cell of a line can have a value below the least that has been seen, that is the bound. Nothing is claimed
otherwise: numbers that were tried say nothing about the others.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping

import numpy as np
import sympy as sp

from lossexp.components import Array
from lossexp.losses.formula import Formula, ProbabilityFormula
from lossexp.symbolic.functions import Magnitude, Maximum, Minimum, Sign, Softplus, Where
from lossexp.symbolic.grammar import ERROR, LOG_P, LOG_Q, RAW, SIDE, TARGET, P, Q, number
from lossexp.symbolic.intervals import Range, range_of
from lossexp.targets import Target

MAX_ROUNDS, MAX_CELLS = 50, 5000
CLOSE = 1e-9
"""What is less apart, relative to its size or to 1, is taken as equal."""

_POSITIVE = np.concatenate([[0], np.geomspace(1e-6, 1e6, 193), [np.inf]])
_ANY = np.array([-np.inf]), np.array([np.inf])


@functools.cache
def infimum_of_raw(loss: Formula, target: Target) -> float:
    """Return the greatest lower bound of a formula over raw and target, or -inf where it is not certain."""
    expression = _with_parameters(loss)

    def along(x: sp.Symbol, expression: sp.Expr, y: float) -> float:
        def value(places: Array) -> Array:
            return loss.value(places[None, None], np.full_like(places, y)[None, None])[0]

        return _least(expression, lambda cells: _given(loss, x, cells), value)

    if not target.task.is_classes:
        return along(ERROR if expression.free_symbols <= {ERROR} else RAW, expression, 0)
    of_label = [
        along(RAW, expression.xreplace({TARGET: sp.Integer(y), ERROR: RAW - y, SIDE: sp.Integer(2 * y - 1)}), y)
        for y in (0, 1)
    ]
    n_outputs = loss.n_outputs(target)
    return min(of_label) if n_outputs == 1 else of_label[1] + (n_outputs - 1) * of_label[0]


@functools.cache
def infimum_of_p(loss: ProbabilityFormula) -> float:
    """Return the greatest lower bound of a formula over p, or -inf where it is not certain."""

    def ranges(cells: Range) -> Mapping[sp.Basic, Range]:
        low, high = cells
        wrong = -np.expm1(-low), -np.expm1(-high)
        return {
            LOG_P: (-high, -low),
            P: (np.exp(-high), np.exp(-low)),
            Q: wrong,
            LOG_Q: (np.log(wrong[0]), np.log(wrong[1])),
        }

    return _least(_with_parameters(loss), ranges, loss.of, from_0=True)


@np.errstate(all="ignore")
def is_convex(loss: Formula) -> bool:
    """Tell whether it is certain that a formula is convex in raw: no kinks, and no second derivative below 0."""
    expression = _with_parameters(loss)
    if expression.has(Where, Maximum, Minimum, Magnitude, Sign):
        return False
    x = ERROR if expression.free_symbols <= {ERROR} else RAW
    for _ in range(2):
        expression = expression.diff(RAW) + expression.diff(ERROR)
    given = _given(loss, x, _line())
    return any(range_of(form, given)[0].min() >= 0 for form in (expression, sp.together(expression)))


def _with_parameters(loss: Formula | ProbabilityFormula) -> sp.Expr:
    names = (field.name for field in dataclasses.fields(loss) if field.name not in ("link", "class_weight"))
    return loss.derived.expression.xreplace({sp.Symbol(name, real=True): number(getattr(loss, name)) for name in names})


def _given(loss: Formula, x: sp.Symbol, cells: Range) -> Mapping[sp.Basic, Range]:
    """Return the ranges of what a formula is over: x in the cells, and all else anywhere."""
    domain = loss.target_domain
    return {
        **dict.fromkeys((RAW, ERROR, SIDE), _ANY),
        TARGET: (np.array([domain.low]), np.array([domain.high])),
        x: cells,
    }


def _line(*, from_0: bool = False) -> Range:
    """Return the cells of the line of real numbers, or of those above 0."""
    ends = _POSITIVE if from_0 else np.concatenate([-_POSITIVE[:0:-1], _POSITIVE])
    return ends[:-1], ends[1:]


@np.errstate(all="ignore")
def _least(
    expression: sp.Expr,
    ranges: Callable[[Range], Mapping[sp.Basic, Range]],
    value: Callable[[Array], Array],
    *,
    from_0: bool = False,
) -> float:
    """Return the least value of an expression along a line, or its limit; -inf where that is not certain.

    Args:
        expression: The expression, without parameters.
        ranges: The ranges of its symbols, from the cells of the line.
        value: Its value at places on the line.
        from_0: Whether the line begins at 0.
    """
    # In another form softplus(x) - x is softplus(-x), which is clearly not below 0.
    others = {node: Softplus(-node.args[0]) + node.args[0] for node in expression.atoms(Softplus)}
    forms = (expression, expression.xreplace(others))
    (low, high), seen = _line(from_0=from_0), np.inf
    for _ in range(MAX_ROUNDS):
        given = ranges((low, high))
        bounds = functools.reduce(np.maximum, (range_of(form, given)[0] for form in forms), np.full_like(low, -np.inf))
        bound, seen = bounds.min(), np.fmin.reduce(value(np.where(np.isfinite(low), low, high)), initial=seen)
        if not np.isfinite(seen):
            break
        if seen - bound <= CLOSE * max(1, abs(seen)):
            return 0.0 if -CLOSE <= bound <= 0 else float(bound)
        low, high = _halved(low[bounds < seen], high[bounds < seen])
        if len(low) > MAX_CELLS:
            break
    return -np.inf


def _halved(low: Array, high: Array) -> Range:
    """Return cells in halves; those that go on for ever are cut at twice their end."""
    middle = np.where(np.isinf(high), np.maximum(2 * low, 1), np.minimum(2 * high, -1))
    middle = np.where(np.isfinite(low + high), (low + high) / 2, middle)
    return np.concatenate([low, middle]), np.concatenate([middle, high])
