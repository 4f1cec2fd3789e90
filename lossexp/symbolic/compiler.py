"""From an expression to a program, in which each part of the expression is computed once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import sympy as sp

from lossexp import numerics
from lossexp.symbolic.functions import (
    UFUNCS,
    Expm1,
    Limited,
    Maximum,
    Minimum,
    Where,
    limited,
    limiter,
    masked,
    picked,
    power,
)
from lossexp.symbolic.grammar import DIFFERENCES, Q
from lossexp.symbolic.program import Program, Step

_PASSES = {
    power: 10,
    np.where: 6,
    np.sign: 3,
    np.maximum: 3,
    np.minimum: 3,
    picked: 3,
    masked: 3,
    np.clip: 2,
    limited: 2,
}
"""How many additions some calls are worth, roughly."""


def compiled(expression: sp.Expr, data: Collection[sp.Symbol]) -> Program:
    """Return the program of an expression.

    Args:
        expression: What is computed.
        data: The symbols that stand for arrays over the examples; all others are parameters.
    """
    compiler = _Compiler(frozenset(data))
    result = compiler.place(expression)
    last_use = {place: number for number, step in enumerate(compiler.steps) for place in step.arguments}
    made = {step.result for step in compiler.steps}
    place_of = {place: place for place in range(compiler.n_places) if place not in made}
    free = sorted(made, reverse=True)
    steps = []
    for number, step in enumerate(compiler.steps):
        free += [place_of[place] for place in made.intersection(step.arguments) if last_use[place] == number]
        place_of[step.result] = free.pop()
        steps.append(Step(step.function, tuple(place_of[place] for place in step.arguments), place_of[step.result]))
    return Program(
        data=compiler.data,
        parameters=compiler.parameters,
        constants=compiler.constants,
        setup=tuple(compiler.setup),
        steps=tuple(steps),
        n_places=compiler.n_places,
        result=place_of[result],
        cost=compiler.cost,
    )


class _Compiler:
    """Hands out places; equal parts of an expression get the same one."""

    def __init__(self, data: frozenset[sp.Symbol]) -> None:
        self.data: dict[str, int] = {}
        self.parameters: dict[str, int] = {}
        self.constants: dict[int, float] = {}
        self.setup: list[Step] = []
        self.steps: list[Step] = []
        self.n_places = self.cost = 0
        self._data = data
        self._placed: dict[Any, int] = {}
        self._on_data: set[int] = set()

    def place(self, node: sp.Basic) -> int:
        """Return the place in which a node is computed."""
        if node not in self._placed:
            self._placed[node] = self._computed(node)
        return self._placed[node]

    def _computed(self, node: sp.Basic) -> int:
        if isinstance(node, sp.Symbol):
            if node in DIFFERENCES and node != Q:  # which is given, since it would cancel
                return self._call(np.subtract, *DIFFERENCES[node])
            is_data = node in self._data
            (self.data if is_data else self.parameters)[str(node)] = place = self._new_place(is_data)
            return place
        if isinstance(node, sp.Number):
            self.constants[place := self._new_place()] = float(node)
            return place
        if isinstance(node, sp.Add):
            return self._sum(node)
        if isinstance(node, sp.Mul):
            return self._product(node)
        if isinstance(node, sp.Pow):
            return self._power(*node.args)
        if isinstance(node, sp.log) and isinstance(node.args[0], sp.Add) and sp.S.One in node.args[0].args:
            rest = node.args[0] - 1
            return self._call(numerics.log1p if rest.is_nonnegative else np.log1p, rest)
        if isinstance(node, (sp.And, sp.Or)) and len(node.args) > 2:
            return self._call(UFUNCS[type(node)], node.args[0], node.func(*node.args[1:]))
        if isinstance(node, Where):
            return self._choice(*node.args)
        if isinstance(node, (Maximum, Minimum)):
            return self._limit(node)
        if isinstance(node, Limited):
            x, limit = node.args
            return self._apply(limited, self.place(x), self._call(limiter, limit))
        return self._call(UFUNCS[type(node)], *node.args)

    def _new_place(self, on_data: bool = False) -> int:
        if on_data:
            self._on_data.add(self.n_places)
        self.n_places += 1
        return self.n_places - 1

    def _call(self, function: Callable[..., Any], *nodes: sp.Basic) -> int:
        return self._apply(function, *map(self.place, nodes))

    def _apply(self, function: Callable[..., Any], *arguments: int) -> int:
        call = function, arguments
        if call not in self._placed:
            on_data = not self._on_data.isdisjoint(arguments)
            self.cost += on_data * _PASSES.get(function, 1)
            self._placed[call] = self._new_place(on_data)
            (self.steps if on_data else self.setup).append(Step(function, arguments, self._placed[call]))
        return self._placed[call]

    def _parts(self, node: sp.Add | sp.Mul) -> list[sp.Expr]:
        """Return the terms or factors of a node, those that are not data together as the first."""
        fixed = [part for part in node.args if not part.free_symbols & self._data]
        data = [part for part in node.args if part.free_symbols & self._data]
        return [node.func(*fixed), *data] if fixed and data else list(node.args)

    def _sum(self, node: sp.Add) -> int:
        terms = self._parts(node)
        for term in terms:
            if terms[0] in (1, -1) and isinstance(exponential := -terms[0] * term, sp.exp):
                # exp(x) - 1 cancels where x is small.
                return self.place(node - terms[0] - term - terms[0] * Expm1(exponential.args[0]))
        added = [term for term in terms if not _is_negative(term)]
        taken = [-term for term in terms if _is_negative(term)]
        if not added:
            return self._apply(np.negative, self.place(sp.Add(*taken)))
        place = self.place(added[0])
        for term in added[1:]:
            place = self._apply(np.add, place, self.place(term))
        for term in taken:
            place = self._apply(np.subtract, place, self.place(term))
        return place

    def _product(self, node: sp.Mul) -> int:
        factors = self._parts(node)
        above = [factor for factor in factors if not _is_divisor(factor)]
        below = [1 / factor for factor in factors if _is_divisor(factor)]
        if factors[0] == -1:
            return self._apply(np.negative, self.place(sp.Mul(*factors[1:])))
        place = self.place(above[0]) if above else self.place(sp.S.One)
        for factor in above[1:]:
            place = self._apply(np.multiply, place, self.place(factor))
        for factor in below:
            place = self._apply(np.divide, place, self.place(factor))
        return place

    def _choice(self, condition: sp.Basic, a: sp.Expr, b: sp.Expr) -> int:
        """Return the place of a choice, by the fastest function for such branches."""
        if a == 0:
            condition, a, b = sp.Not(condition), b, a
        if b == 0:
            return self._call(masked, condition, a)
        are_fixed = not (a.free_symbols | b.free_symbols) & self._data
        return self._call(picked if are_fixed else np.where, condition, a, b)

    def _limit(self, node: sp.Expr) -> int:
        """Return the place of a minimum or maximum; as one pass where x is limited on both sides."""
        x, high = node.args
        is_clip = isinstance(node, Minimum) and isinstance(x, Maximum)
        if is_clip and not (high.free_symbols | x.args[1].free_symbols) & self._data:
            return self._call(np.clip, *x.args, high)
        return self._call(UFUNCS[type(node)], *node.args)

    def _power(self, base: sp.Expr, exponent: sp.Expr) -> int:
        """Return the place of a power, as products and roots where it is one: those are many times faster."""
        if _is_negative(exponent):
            return self._call(np.reciprocal, base**-exponent)
        if exponent == sp.Rational(1, 2):
            return self._call(np.sqrt, base)
        if exponent.is_Integer and exponent % 2 == 0:
            return self._call(np.square, base ** (exponent / 2))
        if (2 * exponent).is_Integer:
            step = 1 if exponent.is_Integer else sp.Rational(1, 2)
            return self._call(np.multiply, base ** (exponent - step), base**step)
        return self._call(power, base, exponent)


def _is_negative(node: sp.Expr) -> bool:
    return bool(node.as_coeff_Mul()[0].is_negative)


def _is_divisor(factor: sp.Expr) -> bool:
    return isinstance(factor, sp.Pow) and _is_negative(factor.exp)
