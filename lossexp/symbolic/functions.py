"""The functions a formula may call: how SymPy differentiates each, and how NumPy computes it.

SymPy's own `Abs`, `Max` and `Piecewise` reason about their arguments, which can take for ever, and have derivatives in
terms of real parts and step functions. The classes here know one derivative rule each and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from lossexp import numerics


class Sign(sp.Function):
    """-1, 0 or 1."""

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        """Return -sign(-x) where x has a minus, so that signs of the same differ by a factor only."""
        return -cls(-x) if x.could_extract_minus_sign() else None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Return 0: the step is left out."""
        return sp.S.Zero


class Magnitude(sp.Function):
    """|x|, with slope 0 at 0."""

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        """Return |-x| where x has a minus, so that equal magnitudes are written alike."""
        return cls(-x) if x.could_extract_minus_sign() else None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Return the sign."""
        return Sign(self.args[0])


class Where(sp.Function):
    """`a` where a condition holds, else `b`."""

    is_commutative = True  # SymPy does not know that of a function of a condition, and would not multiply it out

    @classmethod
    def eval(cls, condition: sp.Basic, a: sp.Expr, b: sp.Expr) -> sp.Expr | None:
        """Return the branch that is certain, if one is."""
        if condition in (sp.true, sp.false):
            return a if condition == sp.true else b
        return a if a == b else None

    def _eval_derivative(self, symbol: sp.Symbol) -> sp.Expr:
        condition, a, b = self.args
        return Where(condition, a.diff(symbol), b.diff(symbol))


class Maximum(sp.Function):
    """The larger of two; at a tie the slope is that of the second."""

    @classmethod
    def eval(cls, a: sp.Expr, b: sp.Expr) -> sp.Expr | None:
        """Return the larger of two numbers."""
        return max(a, b) if a.is_Number and b.is_Number else None

    def _eval_derivative(self, symbol: sp.Symbol) -> sp.Expr:
        a, b = self.args
        return Where(compared(sp.Gt, a, b), a.diff(symbol), b.diff(symbol))


class Minimum(sp.Function):
    """The smaller of two; at a tie the slope is that of the second."""

    @classmethod
    def eval(cls, a: sp.Expr, b: sp.Expr) -> sp.Expr | None:
        """Return the smaller of two numbers."""
        return min(a, b) if a.is_Number and b.is_Number else None

    def _eval_derivative(self, symbol: sp.Symbol) -> sp.Expr:
        a, b = self.args
        return Where(compared(sp.Lt, a, b), a.diff(symbol), b.diff(symbol))


class Limited(sp.Function):
    """sign(x) · min(|x|, limit), written so once derivatives are taken."""


class Excess(sp.Function):
    """a - b, where b is often equal to a: in a sum its terms would be parted, and cancel late."""


class Sigmoid(sp.Function):
    """1 / (1 + exp(-x)), exact in both tails."""

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Return the sigmoid on both sides of 0, multiplied: 1 - sigmoid would cancel in the tail."""
        return Sigmoid(self.args[0]) * Sigmoid(-self.args[0])


class Softplus(sp.Function):
    """log(1 + exp(x)) without overflow."""

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Return the sigmoid."""
        return Sigmoid(self.args[0])


class LogCosh(sp.Function):
    """log(cosh(x)) without overflow."""

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Return the hyperbolic tangent."""
        return sp.tanh(self.args[0])


class Expm1(sp.Function):
    """exp(x) - 1, written so by the compiler once derivatives are taken."""


def compared(relation: type[sp.Basic], a: sp.Expr, b: sp.Expr) -> sp.Basic:
    """Return a comparison as it stands, decided only where both sides are numbers: SymPy would think about it long."""
    return relation(a, b, evaluate=bool(a.is_Number and b.is_Number))


def log(x: sp.Expr) -> sp.Expr:
    """Return the logarithm of x, in the form that does not overflow where there is one."""
    if isinstance(x - 1, sp.exp):
        return Softplus((x - 1).args[0])
    if isinstance(x, sp.cosh):
        return LogCosh(x.args[0])
    return sp.expand_log(sp.log(x))  # log(p * p) is 2 log(p), whose digits are kept where p is tiny


def divide(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """Return a / b, as a sigmoid where b is 1 + exp(x)."""
    return a * Sigmoid(-(b - 1).args[0]) if isinstance(b - 1, sp.exp) else a / b


def piecewise(*pairs: tuple[sp.Expr, sp.Basic]) -> sp.Expr:
    """Return the value of the first pair whose condition holds; the last condition is True."""
    *earlier, (value, _) = pairs
    for earlier_value, condition in reversed(earlier):
        value = Where(condition, earlier_value, value)
    return value


def _sigmoid(x: Any) -> Any:
    return numerics.sigmoid(np.atleast_1d(x))


def power(base: Any, exponent: Any) -> Any:
    """Return base to the power of exponent; np.power takes as long for 1 and 2 as for 1.7, ten times a product."""
    if exponent.ndim == 0 and exponent in (1, 2):
        return base if exponent == 1 else np.square(base)
    return np.power(base, exponent)


_BITS = {4: np.int32, 8: np.int64}
"""By the size of a floating-point number, an integer of as many bits."""


def masked(condition: Any, x: Any) -> Any:
    """Return x where a condition holds, else 0.

    What is multiplied by 1 or 0 is the bits of x: 0 · inf would be NaN, and np.where takes three times as long.
    """
    return (condition * x.view(_BITS[x.itemsize])).view(x.dtype)


def picked(condition: Any, a: Any, b: Any) -> Any:
    """Return a where a condition holds, else b, for numbers or columns a and b of one type; see `masked`."""
    bits, dtype = _BITS[a.itemsize], a.dtype
    a, b = a.view(bits), b.view(bits)
    chosen = condition * (a ^ b)
    chosen ^= b
    return chosen.view(dtype)


def limiter(limit: Any) -> Callable[[Any], Any]:
    """Return what computes `Limited`."""
    if np.all(limit >= 0):
        low = -limit
        return lambda x: np.clip(x, low, limit)
    return lambda x: np.sign(x) * np.minimum(np.abs(x), limit)


def limited(x: Any, limit: Callable[[Any], Any]) -> Any:
    """Return an array with a limiter applied."""
    return limit(x)


def _log_cosh(x: Any) -> Any:
    magnitude = np.abs(x)
    return magnitude + np.log1p(np.exp(-2 * magnitude)) - x.dtype.type(np.log(2))


@dataclass(frozen=True)
class Function:
    """A function of a formula.

    Attributes:
        symbolic: What it is to SymPy.
        numeric: What it is to NumPy, for arguments that are numbers.
        n_arguments: How many it takes; None for two or more.
    """

    symbolic: Callable[..., Any]
    numeric: Callable[..., Any]
    n_arguments: int | None = 1


def _folded(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Make a function of two or more from one of two."""

    def apply(first: Any, *others: Any) -> Any:
        for other in others:
            first = function(first, other)
        return first

    return apply


FUNCTIONS: dict[str, Function] = {
    "abs": Function(Magnitude, np.abs),
    "sign": Function(Sign, np.sign),
    "sqrt": Function(sp.sqrt, np.sqrt),
    "exp": Function(sp.exp, np.exp),
    "expm1": Function(lambda x: sp.exp(x) - 1, np.expm1),
    "log": Function(log, np.log),
    "log1p": Function(lambda x: log(1 + x), np.log1p),
    "sigmoid": Function(Sigmoid, _sigmoid),
    "softplus": Function(Softplus, numerics.softplus),
    "sin": Function(sp.sin, np.sin),
    "cos": Function(sp.cos, np.cos),
    "atan": Function(sp.atan, np.arctan),
    "sinh": Function(sp.sinh, np.sinh),
    "cosh": Function(sp.cosh, np.cosh),
    "tanh": Function(sp.tanh, np.tanh),
    "asinh": Function(sp.asinh, np.arcsinh),
    "max": Function(_folded(Maximum), _folded(np.maximum), None),
    "min": Function(_folded(Minimum), _folded(np.minimum), None),
}
"""By name; `where` and `Piecewise`, which take conditions, are part of the grammar."""

UFUNCS: dict[Any, Callable[..., Any]] = {
    Magnitude: np.abs,
    Sign: np.sign,
    Excess: np.subtract,
    sp.Abs: np.abs,  # which is what SymPy makes of the root of a square
    sp.sign: np.sign,
    Maximum: np.maximum,
    Minimum: np.minimum,
    Sigmoid: _sigmoid,
    Softplus: numerics.softplus,
    LogCosh: _log_cosh,
    Expm1: np.expm1,
    sp.exp: np.exp,
    sp.log: np.log,
    sp.sin: np.sin,
    sp.cos: np.cos,
    sp.atan: np.arctan,
    sp.sinh: np.sinh,
    sp.cosh: np.cosh,
    sp.tanh: np.tanh,
    sp.asinh: np.arcsinh,
    sp.Lt: np.less,
    sp.Le: np.less_equal,
    sp.Gt: np.greater,
    sp.Ge: np.greater_equal,
    sp.Eq: np.equal,
    sp.Ne: np.not_equal,
    sp.And: np.logical_and,
    sp.Or: np.logical_or,
    sp.Not: np.logical_not,
}
"""How each kind of node of an expression is computed; powers, sums and products have rules of their own."""
