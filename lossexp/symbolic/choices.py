"""Choices by a condition, written as limits where they are: one fast pass, not a slow one over both branches.

Where two branches meet at the border, and one of them is straight,

    where(x <= v, a(x), b(x)) = a(min(x, v)) + slope of b · (x - min(x, v)).

Nothing is computed on the wrong side of the border then, so a branch that is infinite there does no harm.
"""

from __future__ import annotations

import sympy as sp

from lossexp.symbolic.functions import Excess, Limited, Magnitude, Maximum, Minimum, Sign, Where, compared
from lossexp.symbolic.grammar import OF_P, OF_RAW, SIDE, TARGET

MAX_AT_ONCE = 4
"""With more conditions each choice stays by itself: the cases of all together are 2 to the power of their number."""

_VARYING = (OF_RAW | OF_P) - {TARGET, SIDE}
_CHOICES = (Where, Maximum, Minimum)
_MIRRORED = {sp.Lt: sp.Gt, sp.Le: sp.Ge, sp.Gt: sp.Lt, sp.Ge: sp.Le}
_OPPOSITE = {sp.Gt: sp.Le, sp.Ge: sp.Lt}
_X, _SIGN = sp.Dummy("x", real=True), sp.Dummy("sign", real=True)


def simplified(expression: sp.Basic) -> sp.Basic:
    """Return an expression in which what is chosen by the same condition is chosen at once, by a limit if possible."""
    conditions = {_canonical(choice)[0] for choice in expression.atoms(*_CHOICES)}
    return _simplified(expression, at_once=len(conditions) <= MAX_AT_ONCE)


def _simplified(node: sp.Basic, at_once: bool) -> sp.Basic:
    if not node.has(*_CHOICES):
        return node
    if isinstance(node, Where):
        condition, a, b = _canonical(node)
        return _chosen(condition, _simplified(a, at_once), _simplified(b, at_once))
    if at_once and isinstance(node, (sp.Add, sp.Mul)):
        for condition in _conditions(node):
            together = [part for part in node.args if condition in _conditions(part)]
            if len(together) > 1:
                whole = node.func(*together)
                a, b = (_simplified(_assuming(whole, condition, holds), at_once) for holds in (True, False))
                others = [_simplified(part, at_once) for part in node.args if part not in together]
                return node.func(_chosen(condition, a, b), *others)
    return node.func(*(_simplified(part, at_once) for part in node.args))


def _canonical(choice: sp.Basic) -> tuple[sp.Basic, sp.Expr, sp.Expr]:
    """Return condition and branches of a choice; a comparison with a bound is made one of `x < bound`, or <=."""
    if isinstance(choice, Where):
        condition, a, b = choice.args
    else:
        a, b = choice.args
        condition = compared(sp.Gt if isinstance(choice, Maximum) else sp.Lt, a, b)
    if type(condition) not in _MIRRORED:
        return condition, a, b
    relation, (left, right) = type(condition), condition.args
    bound, x = (left - right).as_independent(*_VARYING, as_Add=True)
    if x.is_Add:
        bound, x = sp.expand(left - right).as_independent(*_VARYING, as_Add=True)
    factor, x = x.as_coeff_Mul()
    if not factor:
        return condition, a, b
    if factor.is_negative:
        relation = _MIRRORED[relation]
    if relation in _OPPOSITE:
        relation, a, b = _OPPOSITE[relation], b, a
    return compared(relation, x, -bound / factor), a, b


def _conditions(node: sp.Basic) -> dict[sp.Basic, None]:
    """Return the conditions of the outermost choices in an expression, in their order."""
    if isinstance(node, _CHOICES):
        return {_canonical(node)[0]: None}
    return {condition: None for part in node.args for condition in _conditions(part)}


def _assuming(node: sp.Basic, condition: sp.Basic, holds: bool) -> sp.Basic:
    """Return an expression with its choices by a condition decided."""
    choices = {choice: _canonical(choice) for choice in node.atoms(*_CHOICES)}
    return node.xreplace({choice: (a if holds else b) for choice, (by, a, b) in choices.items() if by == condition})


def _chosen(condition: sp.Basic, a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """Return where(condition, a, b), without a choice if the condition is `x < bound` and the branches meet there."""
    if not isinstance(condition, (sp.Lt, sp.Le)) or not condition.free_symbols & _VARYING:
        return Where(condition, a, b)
    x, bound = condition.args
    below, above = _in_terms_of(x, a), _in_terms_of(x, b)
    for curved, straight, limit in ((below, above, Minimum), (above, below, Maximum)):
        slope = straight.diff(_X)
        if slope.has(_X) or not _meet(curved, straight, bound):
            continue
        bend = sp.expand(above.diff(_X) - below.diff(_X))
        if bend.is_number and bend:  # both are straight
            return (Maximum if bend.is_positive else Minimum)(a, b)
        # What is finite where raw is: 0 times it is 0, and it minus itself as well.
        if _is_straight(curved) and (slope == 0 or _is_straight(x.args[0] if isinstance(x, Magnitude) else x)):
            return _back(curved.subs(_X, limit(x, bound)) + slope * Excess(x, limit(x, bound)), x, bound)
    return Where(condition, a, b)


def _is_straight(expression: sp.Expr) -> bool:
    """Tell whether an expression is straight in each of the data."""
    return all(expression.diff(symbol, 2) == 0 for symbol in expression.free_symbols & _VARYING)


def _meet(curved: sp.Expr, straight: sp.Expr, bound: sp.Expr) -> bool:
    """Tell whether two branches are equal at the bound, for both signs; decimal fractions are taken as written."""
    decimals = {
        number: sp.Rational(repr(float(number)))
        for part in (curved, straight, bound)
        for number in part.atoms(sp.Float)
    }
    curved, straight, bound = (part.xreplace(decimals) for part in (curved, straight, bound))
    gap = (straight - curved).subs(_X, bound)
    return all(sp.expand(gap.subs(_SIGN, sign)) == 0 for sign in (1, -1))


def _in_terms_of(x: sp.Expr, branch: sp.Expr) -> sp.Expr:
    """Return a branch as a function of x; that of |e| knows e as its sign times |e|."""
    if not isinstance(x, Magnitude):
        return branch.subs(x, _X)
    (e,) = x.args
    branch = branch.subs({x: _X, Sign(e): _SIGN})
    branch = branch.replace(lambda n: n.is_Pow and n.base == e and n.exp.is_Integer, lambda n: _signed_power(n.exp))
    return branch.subs(e, _SIGN * _X)


def _signed_power(exponent: sp.Integer) -> sp.Expr:
    return _X**exponent * _SIGN ** (exponent % 2)


def _back(joined: sp.Expr, x: sp.Expr, bound: sp.Expr) -> sp.Expr:
    """Return an expression with the sign of e as it is computed: together with a limit of |e| it limits e."""
    if not isinstance(x, Magnitude):
        return joined
    (e,), size, limited = x.args, Minimum(x, bound), Limited(x.args[0], bound)
    joined = joined.subs(_SIGN * size, limited)
    if joined.has(Limited):
        joined = joined.replace(lambda n: n.is_Pow and n.base == size and n.exp % 2 == 0, lambda n: limited**n.exp)
    return joined.subs(_SIGN, Sign(e))
