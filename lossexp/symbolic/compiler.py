"""From an expression to a program, in which each part of the expression is computed once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import sympy as sp

from lossexp import numerics
from lossexp.symbolic.functions import UFUNCS, Expm1, Where, power
from lossexp.symbolic.grammar import TARGET
from lossexp.symbolic.program import Program, Step

_PASSES = {power: 10, np.where: 5}
"""How many additions some calls are worth, roughly."""


def compiled(expression: sp.Expr, data: Collection[sp.Symbol]) -> Program:
    """Return the program of an expression.

    Args:
        expression: What is computed.
        data: The symbols that stand for arrays over the examples; all others are parameters.
    """
    compiler = _Compiler(frozenset(data))
    result = compiler.place(expression)
    last_use = {place: number for number, (_, arguments, _) in enumerate(compiler.calls) for place in arguments}
    place_of = {place: place for place in (*compiler.inputs.values(), *compiler.constants)}
    free = [place for place in range(compiler.n_places) if place not in place_of][::-1]
    steps = []
    for number, (function, arguments, made) in enumerate(compiler.calls):
        free += [place_of[place] for place in set(arguments) if last_use[place] == number]
        place_of[made] = free.pop()
        steps.append(Step(function, tuple(place_of[place] for place in arguments), place_of[made]))
    return Program(
        compiler.inputs, compiler.constants, tuple(steps), compiler.n_places, place_of[result], compiler.cost
    )


class _Compiler:
    """Hands out places; equal parts of an expression get the same one."""

    def __init__(self, data: frozenset[sp.Symbol]) -> None:
        self.inputs: dict[str, int] = {}
        self.constants: dict[int, float] = {}
        self.calls: list[tuple[Callable[..., Any], tuple[int, ...], int]] = []
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
            self.inputs[str(node)] = place = self._new_place(node in self._data)
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
            self.calls.append((function, arguments, self._placed[call]))
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
        """Return the place of a choice; as a product, which is faster, where one branch is 0 and the other finite."""
        for branch, other, chosen in ((a, b, condition), (b, a, sp.Not(condition))):
            data = branch.free_symbols & self._data
            if other == 0 and data <= {TARGET} and branch.is_polynomial(*data):
                return self._call(np.multiply, branch, chosen)
        return self._call(np.where, condition, a, b)

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
