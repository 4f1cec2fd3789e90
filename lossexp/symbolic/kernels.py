"""Value and gradient of a loss that is given as a formula, over `raw` or over `p`."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from lossexp import numerics
from lossexp.components import Array, Scalar
from lossexp.symbolic.grammar import ERROR, LOG_P, LOG_Q, RAW, TARGET, P, Q, read
from lossexp.symbolic.program import Program, compiled


@dataclass(frozen=True)
class Kernel(ABC):
    """Computes a formula.

    Attributes:
        formula: The value of one example.
        derivative: What the gradient is made of.
    """

    formula: Program
    derivative: Program

    @abstractmethod
    def value(self, parameters: Mapping[str, Any], raw: Array, target: Array) -> Array:
        """Return the loss of each example, `(n_runs, n_samples)`."""

    @abstractmethod
    def gradient(self, parameters: Mapping[str, Any], raw: Array, target: Array, weight: Scalar, out: Array) -> None:
        """Write weight · d value / d raw into `out`, which may be `raw`."""


class OverRaw(Kernel):
    """A formula of `raw` and `target`, summed over the outputs; its derivative is that by `raw`."""

    def value(self, parameters: Mapping[str, Any], raw: Array, target: Array) -> Array:
        """Return the loss of each example, `(n_runs, n_samples)`."""
        return np.add.reduce(self._computed(self.formula, parameters, raw, target), axis=0)

    def gradient(self, parameters: Mapping[str, Any], raw: Array, target: Array, weight: Scalar, out: Array) -> None:
        """Write weight · d value / d raw into `out`, which may be `raw`."""
        np.multiply(self._computed(self.derivative, parameters, raw, target), weight, out=out)

    @staticmethod
    def _computed(program: Program, parameters: Mapping[str, Any], raw: Array, target: Array) -> Array:
        values = {**parameters, str(RAW): raw, str(TARGET): target}
        if str(ERROR) in program.inputs:
            values[str(ERROR)] = raw - target
        return program(values, raw.dtype)


class OverProbability(Kernel):
    """A formula of `p`, the probability of the true class; its derivative is the weight w(p).

    With P the probabilities of all classes and Y the class in one-hot form, the gradient of every such loss is
    w(p) (P - Y), where w(p) = -p · d value / d p. Cross-entropy has w = 1.
    """

    def value(self, parameters: Mapping[str, Any], raw: Array, target: Array) -> Array:
        """Return the loss of each example, `(n_runs, n_samples)`."""
        if len(raw) == 1:
            odds = _Odds(1, (1 - 2 * target[0]) * raw[0])
        else:
            odds, _ = _odds_of_many(raw, target, np.empty_like(raw))
        return odds.computed(self.formula, parameters)

    def gradient(self, parameters: Mapping[str, Any], raw: Array, target: Array, weight: Scalar, out: Array) -> None:
        """Write weight · w(p) (P - Y) into `out`, which may be `raw`."""
        if len(raw) == 1:
            side = 1 - 2 * target[0]
            odds = _Odds(1, side * raw[0])
            step = odds.computed(self.derivative, parameters) * weight
            np.multiply(step, _FROM_ODDS[Q](odds) * side, out=out[0])
        else:
            odds, total = _odds_of_many(raw, target, out)
            step = odds.computed(self.derivative, parameters) * weight
            np.multiply(out, step / total, out=out)
            np.subtract(out, target * step, out=out)


class _Odds:
    """The odds against the true class, and what follows from them without cancellation.

    Args:
        wrong: Sum over the wrong classes of exp(score - reference), at most their number.
        behind: The reference less the score of the true class, `(n_runs, n_samples)`.
    """

    def __init__(self, wrong: Array | int, behind: Array) -> None:
        # Odds that would overflow are cut off; only the logarithm of p still sees the difference, and gets the rest.
        limits = np.finfo(behind.dtype)
        bound = behind.dtype.type(0.9 * np.log(limits.max))
        self.excess = np.maximum(behind - bound, 0)
        self.odds = np.maximum(wrong * np.exp(np.minimum(behind, bound)), limits.tiny)
        self.p = np.reciprocal(1 + self.odds)

    def computed(self, program: Program, parameters: Mapping[str, Any]) -> Array:
        """Return the value of a program, `(n_runs, n_samples)`."""
        values = dict(parameters)
        for symbol, function in _FROM_ODDS.items():
            if str(symbol) in program.inputs:
                values[str(symbol)] = function(self)
        return program(values, self.odds.dtype)


_FROM_ODDS: dict[sp.Symbol, Callable[[_Odds], Array]] = {
    P: lambda it: it.p,
    Q: lambda it: it.odds * it.p,
    LOG_P: lambda it: -(numerics.log1p(it.odds) + it.excess),
    LOG_Q: lambda it: -numerics.log1p(1 / it.odds),
}


def _odds_of_many(raw: Array, target: Array, out: Array) -> tuple[_Odds, Array]:
    """Return the odds for one-hot classes; write exp(raw - largest) into `out` and return its sum as well."""
    largest = np.maximum.reduce(raw, axis=0)
    behind = largest - np.add.reduce(raw * target, axis=0)
    np.exp(np.subtract(raw, largest, out=out), out=out)
    wrong = np.add.reduce(out * (1 - target), axis=0)
    return _Odds(wrong, behind), wrong + np.exp(-behind)


@functools.cache
def kernel(text: str, parameters: tuple[str, ...]) -> Kernel:
    """Return how a formula is computed.

    Raises:
        FormulaError: It cannot be used.
    """
    expression = read(text, parameters)
    if expression.free_symbols & _FROM_ODDS.keys():
        derivative = P * (expression.diff(Q) - expression.diff(P)) - expression.diff(LOG_P)
        derivative += P / Q * expression.diff(LOG_Q)
        return OverProbability(compiled(expression, _FROM_ODDS), compiled_simply(derivative, _FROM_ODDS))
    derivative = expression.diff(RAW) + expression.diff(ERROR)
    data = {RAW, TARGET, ERROR}
    return OverRaw(compiled(expression, data), compiled_simply(derivative, data))


def compiled_simply(expression: sp.Expr, data: Collection[sp.Symbol]) -> Program:
    """Return the program of an expression, in the form with the fewest passes over the data."""
    plain = sp.powsimp(expression, combine="exp", deep=True)
    if plain.has(sp.exp, sp.sinh, sp.cosh):
        return compiled(plain, data)  # over a common denominator, products of exponentials overflow
    return min((compiled(form, data) for form in (plain, sp.together(plain))), key=lambda program: program.n_passes)
