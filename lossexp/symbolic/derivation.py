"""Value and derivative of a formula, as programs."""

from __future__ import annotations

from collections.abc import Collection

import sympy as sp

from lossexp.symbolic.compiler import compiled
from lossexp.symbolic.grammar import ERROR, LOG_P, LOG_Q, OF_P, OF_RAW, RAW, P, Q, read
from lossexp.symbolic.program import Derived, Program


def derived(text: str, parameters: tuple[str, ...]) -> Derived:
    """Return the programs of a formula.

    Raises:
        FormulaError: It cannot be used.
    """
    formula = read(text, parameters)
    of_p = bool(formula.free_symbols & OF_P)
    if of_p:
        # By c = -log p: dp/dc = -p, d(1-p)/dc = p, d log(p)/dc = -1, d log(1-p)/dc = p/(1-p).
        slope = P * (formula.diff(Q) - formula.diff(P)) - formula.diff(LOG_P) + P / Q * formula.diff(LOG_Q)
    else:
        slope = formula.diff(RAW) + formula.diff(ERROR)
    data = OF_P if of_p else OF_RAW
    return Derived(of_p, compiled(formula, data), _compiled_simply(slope, data))


def _compiled_simply(expression: sp.Expr, data: Collection[sp.Symbol]) -> Program:
    """Return the program of an expression, in the form that costs less."""
    plain = _with_few_powers(expression)
    if plain.has(sp.exp, sp.sinh, sp.cosh):
        return compiled(plain, data)  # over a common denominator, products of exponentials would overflow
    common = _with_few_powers(sp.together(sp.expand_power_exp(plain)))
    return min((compiled(form, data) for form in (plain, common)), key=lambda program: program.cost)


def _with_few_powers(expression: sp.Expr) -> sp.Expr:
    """Write x^a / x as x^(a - 1), product by product: SymPy's own way for all of them takes exponential time."""
    return expression.replace(lambda node: node.is_Mul, lambda node: sp.powsimp(node, combine="exp"))
