"""Interval arithmetic: from the ranges of its symbols, a range that an expression does not leave.

It is sharp for a function of one symbol, but where a symbol is there twice each may be anywhere in its range. Over a
narrow range that makes little difference.

Source: Moore (1966).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import sympy as sp

from lossexp.components import Array
from lossexp.symbolic.functions import (
    UFUNCS,
    Expm1,
    LogCosh,
    Magnitude,
    Maximum,
    Minimum,
    Sigmoid,
    Sign,
    Softplus,
    Where,
)

Range: TypeAlias = tuple[Array, Array]
"""Lower and upper ends: of many ranges at once, the cells of a line."""

_RISING = (sp.exp, sp.log, sp.tanh, sp.atan, sp.asinh, sp.sinh, Expm1, Sigmoid, Softplus, Sign, sp.sign)
_EVEN = (Magnitude, sp.Abs, LogCosh, sp.cosh)
_WAVES = (sp.sin, sp.cos)


def range_of(node: sp.Basic, given: Mapping[sp.Basic, Range]) -> Range:
    """Return a range that an expression does not leave, from those of its symbols."""
    if node in given:
        return given[node]
    if isinstance(node, sp.Number):
        return _certain(np.array([float(node)]), np.array([float(node)]))
    if isinstance(node, Where):
        condition, a, b = node.args
        return _of_choice(condition, range_of(a, given), range_of(b, given), given)
    if isinstance(node, sp.Pow):
        return _of_power(range_of(node.base, given), float(node.exp))
    parts = [range_of(part, given) for part in node.args]
    if isinstance(node, sp.Add):
        return functools.reduce(lambda a, b: _certain(a[0] + b[0], a[1] + b[1]), parts)
    if isinstance(node, sp.Mul):
        return functools.reduce(_times, parts)
    if isinstance(node, (Maximum, Minimum)):
        limit = UFUNCS[type(node)]
        return functools.reduce(lambda a, b: (limit(a[0], b[0]), limit(a[1], b[1])), parts)
    if isinstance(node, _EVEN):
        parts = [_size(parts[0])]
    if isinstance(node, _EVEN + _RISING):
        return _certain(*(UFUNCS[type(node)](end) for end in parts[0]))
    most = np.ones(1) if isinstance(node, _WAVES) else np.full(1, np.inf)  # 1/0 has no range, for one
    return -most, most


def _certain(low: Array, high: Array) -> Range:
    """Return a range in which an end that is not a number, as inf - inf, may be anywhere."""
    return np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)


def _size(x: Range) -> Range:
    """Return the range of |x|."""
    low, high = x
    return np.maximum(np.maximum(low, -high), 0), np.maximum(-low, high)


def _times(a: Range, b: Range) -> Range:
    """Return the range of a product, in which 0 times what has no bound is 0."""
    ends = [np.where((x == 0) | (y == 0), 0, x * y) for x in a for y in b]
    return functools.reduce(np.minimum, ends), functools.reduce(np.maximum, ends)


def _of_power(base: Range, exponent: float) -> Range:
    """Return the range of a power; any number where a base below 0 may have none, or a pole."""
    if exponent % 2 == 0:
        base = _size(base)
    low, high = base
    if exponent % 1 or (exponent < 0 and exponent % 2):
        low, high = (np.where(base[0] >= 0, end, np.nan) for end in base)
    ends = np.power(low, exponent), np.power(high, exponent)
    return _certain(*(ends if exponent > 0 else ends[::-1]))


def _of_choice(condition: sp.Basic, a: Range, b: Range, given: Mapping[sp.Basic, Range]) -> Range:
    """Return what spans the branches that may be taken."""
    may_hold, may_not = _truth(condition, given)
    low = np.minimum(np.where(may_hold, a[0], np.inf), np.where(may_not, b[0], np.inf))
    return low, np.maximum(np.where(may_hold, a[1], -np.inf), np.where(may_not, b[1], -np.inf))


def _truth(condition: sp.Basic, given: Mapping[sp.Basic, Range]) -> tuple[Array, Array]:
    """Tell where a condition may hold, and where it may not."""
    if isinstance(condition, sp.Not):
        may_hold, may_not = _truth(condition.args[0], given)
        return may_not, may_hold
    if isinstance(condition, (sp.And, sp.Or)):
        hold, fail = zip(*(_truth(part, given) for part in condition.args), strict=True)
        if isinstance(condition, sp.And):
            return functools.reduce(np.logical_and, hold), functools.reduce(np.logical_or, fail)
        return functools.reduce(np.logical_or, hold), functools.reduce(np.logical_and, fail)
    a, b = (range_of(part, given) for part in condition.args)
    if not _may_be_no_number(condition):
        if isinstance(condition, sp.Lt):
            return a[0] < b[1], a[1] >= b[0]
        if isinstance(condition, sp.Le):
            return a[0] <= b[1], a[1] > b[0]
        if isinstance(condition, sp.Gt):
            return a[1] > b[0], a[0] <= b[1]
        if isinstance(condition, sp.Ge):
            return a[1] >= b[0], a[0] < b[1]
    anything = np.ones_like(a[0] + b[0], dtype=bool)
    return anything, anything


def _may_be_no_number(condition: sp.Basic) -> bool:
    """Tell whether a side may be 0/0 or the root or log of a negative number, for which no comparison holds."""
    roots_and_poles = (power for power in condition.atoms(sp.Pow) if not (power.exp.is_Integer and power.exp > 0))
    return condition.has(sp.log) or any(roots_and_poles)
