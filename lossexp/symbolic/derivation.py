"""Value and derivative of a formula, as programs."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from lossexp.symbolic.choices import simplified
from lossexp.symbolic.compiler import compiled
from lossexp.symbolic.grammar import ERROR, LOG_P, LOG_Q, OF_P, OF_RAW, RAW, P, Q, read
from lossexp.symbolic.program import Derived


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
    value = min((compiled(form, data) for form in (formula, simplified(formula))), key=lambda program: program.cost)
    splits = (form.as_independent(*data, as_Add=False) for form in _forms(slope))
    programs = [
        (compiled(varying, data), None if factor == 1 else compiled(factor, data)) for factor, varying in splits
    ]
    return Derived(of_p, formula, value, *min(programs, key=lambda pair: pair[0].cost))


def _forms(expression: sp.Expr) -> Iterator[sp.Expr]:
    """Yield an expression in the forms that may be the cheapest to compute."""
    for form in (expression, simplified(expression)):
        yield (plain := _with_few_powers(form))
        if not plain.has(sp.exp, sp.sinh, sp.cosh):  # over a common denominator, products of these would overflow
            yield _with_few_powers(sp.together(sp.expand_power_exp(plain)))


def _with_few_powers(expression: sp.Expr) -> sp.Expr:
    """Write x^a / x as x^(a - 1), product by product: SymPy's own way for all of them takes exponential time."""
    return expression.replace(lambda node: node.is_Mul, lambda node: sp.powsimp(node, combine="exp"))
