"""The grammar of formulas: text to a SymPy expression, node by node. What is not listed here is refused."""

from __future__ import annotations

import ast
import itertools
import operator
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import sympy as sp
from sympy.logic.boolalg import BooleanAtom, BooleanFunction

from lossexp.errors import ConfigError, did_you_mean
from lossexp.symbolic.functions import FUNCTIONS, compared, divide, piecewise

MAX_CHARACTERS, MAX_PARTS, MAX_DEPTH = 1000, 200, 40
MAX_EXPONENT, MAX_NUMBER = 20, 1e100

RAW, TARGET, ERROR, SIDE = (sp.Symbol(name, real=True) for name in ("raw", "target", "raw - target", "2*target - 1"))
P, Q, LOG_P, LOG_Q = (
    sp.Symbol("p", positive=True),
    sp.Symbol("1 - p", positive=True),
    sp.Symbol("log(p)", real=True),
    sp.Symbol("log(1 - p)", real=True),
)
OF_RAW, OF_P = frozenset({RAW, TARGET, ERROR, SIDE}), frozenset({P, Q, LOG_P, LOG_Q})
DIFFERENCES = {ERROR: (RAW, TARGET), SIDE: (2 * TARGET, sp.S.One), Q: (sp.S.One, P)}
"""Symbols that stand for a difference, with what is subtracted from what."""
_DIFFERENCE_OF = {pair[::way]: way * symbol for symbol, pair in DIFFERENCES.items() for way in (1, -1)}
_VARIABLES = {"raw": RAW, "target": TARGET, "p": P}
_WORDS = frozenset({*_VARIABLES, *FUNCTIONS, "pi", "where", "Piecewise"})

_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: divide,
    ast.Pow: operator.pow,
}
_COMPARISONS: dict[type, type[sp.Basic]] = {
    ast.Lt: sp.Lt,
    ast.LtE: sp.Le,
    ast.Gt: sp.Gt,
    ast.GtE: sp.Ge,
    ast.Eq: sp.Eq,
    ast.NotEq: sp.Ne,
}
_HINTS: dict[type, str] = {
    ast.BitXor: "for a power write **",
    ast.BitAnd: "write `and`",
    ast.BitOr: "write `or`",
    ast.Invert: "write `not`",
    ast.Attribute: "functions are written without a module",
}


class FormulaError(ConfigError):
    """A formula cannot be used."""


@dataclass(frozen=True)
class Place:
    """A character of a formula, to point at."""

    text: str
    column: int

    def __str__(self) -> str:
        start = max(self.column - 40, 0)
        spaces = " " * (self.column - start)
        return f"\n  {self.text[start : start + 80]}\n  {spaces}^ character {self.column + 1}"


def read(text: str, parameters: Collection[str]) -> sp.Expr:
    """Return the expression that a formula stands for.

    `raw - target`, `2*target - 1`, `1 - p`, `log(p)` and `log(1 - p)` become symbols of their own, `ERROR`, `SIDE`,
    `Q`, `LOG_P` and `LOG_Q`: they are computed without cancellation, and have derivatives without divisions.

    Args:
        text: The formula.
        parameters: Names that have values.

    Raises:
        FormulaError: Something in it is not allowed, or a name has no value, or a parameter is not in it.
    """
    if len(text) > MAX_CHARACTERS:
        raise FormulaError(f"it has {len(text)} characters, at most {MAX_CHARACTERS} are allowed.")
    if taken := sorted(_WORDS.intersection(parameters)):
        raise FormulaError(f"{taken[0]} already means something in formulas: give the parameter another name.")
    text = " ".join(text.split())
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        where = Place(text, min(error.offset - 1, len(text)) if error.offset else len(text))
        raise FormulaError(f"it is not a formula ({error.msg}).{where}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise FormulaError("it is nested too deeply, or has characters that no formula has.") from error
    reader = _Reader(text, parameters)
    expression = reader.number_or_expression(tree.body).xreplace({sp.log(P): LOG_P, sp.log(Q): LOG_Q})
    if unused := sorted(set(parameters) - reader.used):
        raise FormulaError(f"{unused[0]} is given but not in it.{did_you_mean(unused[0], reader.used)}")
    symbols = expression.free_symbols
    if not symbols & {RAW, ERROR, *OF_P}:
        raise FormulaError(
            "it depends neither on raw, the raw prediction, nor on p, the probability of the true class."
        )
    if symbols & OF_P and symbols & OF_RAW:
        raise FormulaError(
            "p is the probability of the true class: write the formula over p alone, or over raw and target."
        )
    return expression


class _Reader(ast.NodeVisitor):
    """Visits the nodes that are allowed; all others end in `generic_visit`."""

    def __init__(self, text: str, parameters: Iterable[str]) -> None:
        self.text, self.parameters = text, frozenset(parameters)
        self.used: set[str] = set()
        self._n_parts = self._depth = 0

    def refuse(self, node: ast.AST, problem: str) -> NoReturn:
        column = len(self.text.encode()[: getattr(node, "col_offset", 0)].decode())
        raise FormulaError(f"{problem}.{Place(self.text, column)}")

    def visit(self, node: ast.AST) -> Any:
        self._n_parts, self._depth = self._n_parts + 1, self._depth + 1
        if self._n_parts > MAX_PARTS or self._depth > MAX_DEPTH:
            self.refuse(node, f"a formula has at most {MAX_PARTS} parts, nested at most {MAX_DEPTH} deep: too much")
        result = super().visit(node)
        self._depth -= 1
        return result

    def generic_visit(self, node: ast.AST) -> NoReturn:
        part = getattr(node, "op", node)
        hint = f" ({_HINTS[type(part)]})" if type(part) in _HINTS else ""
        self.refuse(node, f"{type(part).__name__} is not allowed in a formula{hint}")

    def number_or_expression(self, node: ast.AST) -> sp.Expr:
        """Visit a node that must not be a condition."""
        result = self.visit(node)
        if _is_condition(result):
            self.refuse(node, "this is a condition where a number is needed: write where(condition, 1, 0)")
        return result

    def condition(self, node: ast.AST) -> sp.Basic:
        """Visit a node that must be a condition."""
        result = self.visit(node)
        if not _is_condition(result):
            self.refuse(node, "a condition is needed here, such as raw > 0")
        return result

    def computed(
        self, node: ast.AST, symbolic: Callable[..., Any], numeric: Callable[..., Any], *arguments: Any
    ) -> Any:
        """Apply a function: to numbers at once, in floating point, so that no huge exact number ever comes up."""
        if all(argument.is_Number for argument in arguments):
            with np.errstate(all="ignore"):
                value = float(numeric(*(np.array([float(argument)]) for argument in arguments)).item())
            if not abs(value) < MAX_NUMBER:
                self.refuse(node, f"the value of this is {value:g}")
            return number(value)
        result = symbolic(*arguments)
        coefficient = result.as_coeff_Mul()[0]
        if coefficient.is_Rational and not max(abs(coefficient.p), coefficient.q) < MAX_NUMBER:
            self.refuse(node, "a number in this is too large")
        if result.has(sp.I, sp.zoo, sp.nan, sp.oo, -sp.oo):
            self.refuse(node, "this is a root of a negative number or a division by 0")
        return result

    def visit_Constant(self, node: ast.Constant) -> sp.Basic:
        if isinstance(node.value, bool):
            return sp.true if node.value else sp.false
        if not isinstance(node.value, (int, float)):
            self.generic_visit(node)
        if not abs(node.value) < MAX_NUMBER:
            self.refuse(node, "this number is too large")
        return number(float(node.value))

    def visit_Name(self, node: ast.Name) -> sp.Basic:
        if node.id == "pi":
            return number(np.pi)
        if node.id in _VARIABLES:
            return _VARIABLES[node.id]
        if node.id in _WORDS:
            self.refuse(node, f"{node.id} needs arguments in parentheses")
        if node.id not in self.parameters:
            hint = did_you_mean(node.id, {*self.parameters, *_VARIABLES})
            self.refuse(node, f"{node.id} has no value.{hint} To give it one: loss.{node.id}=1")
        self.used.add(node.id)
        return sp.Symbol(node.id, real=True)

    def visit_BinOp(self, node: ast.BinOp) -> sp.Expr:
        if type(node.op) not in _OPERATORS:
            self.generic_visit(node)
        left, right = self.number_or_expression(node.left), self.number_or_expression(node.right)
        if isinstance(node.op, ast.Sub) and (left, right) in _DIFFERENCE_OF:
            return _DIFFERENCE_OF[left, right]
        if isinstance(node.op, ast.Pow):
            self.check_exponent(node.right, right)
        function = _OPERATORS[type(node.op)]
        numeric = operator.truediv if function is divide else function
        return self.computed(node, function, numeric, left, right)

    def check_exponent(self, node: ast.AST, exponent: sp.Expr) -> None:
        """Refuse exponents that no loss has, but that make an expression grow without bounds."""
        if _has_data(exponent):
            self.refuse(node, "an exponent must be a number or a parameter: write exp(a * log(b)) for b**a")
        if exponent.is_Number and abs(exponent) > MAX_EXPONENT:
            self.refuse(node, f"an exponent is at most {MAX_EXPONENT}")

    def visit_UnaryOp(self, node: ast.UnaryOp) -> sp.Basic:
        if isinstance(node.op, ast.Not):
            return sp.Not(self.condition(node.operand))
        operand = self.number_or_expression(node.operand)
        if isinstance(node.op, ast.UAdd):
            return operand
        return -operand if isinstance(node.op, ast.USub) else self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> sp.Basic:
        sides = [self.number_or_expression(side) for side in (node.left, *node.comparators)]
        for comparison in node.ops:
            if type(comparison) not in _COMPARISONS:
                self.generic_visit(node)
        pairs = zip(node.ops, itertools.pairwise(sides), strict=True)
        return sp.And(*(_comparison(_COMPARISONS[type(comparison)], *pair) for comparison, pair in pairs))

    def visit_BoolOp(self, node: ast.BoolOp) -> sp.Basic:
        conditions = [self.condition(value) for value in node.values]
        return sp.And(*conditions) if isinstance(node.op, ast.And) else sp.Or(*conditions)

    def visit_IfExp(self, node: ast.IfExp) -> sp.Expr:
        pair = self.number_or_expression(node.body), self.condition(node.test)
        return piecewise(pair, (self.number_or_expression(node.orelse), sp.true))

    def visit_Call(self, node: ast.Call) -> sp.Expr:
        if not isinstance(node.func, ast.Name):
            self.generic_visit(node.func)
        name, arguments = node.func.id, node.args
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in arguments):
            self.refuse(node, f"{name} takes plain arguments only")
        if name in ("where", "Piecewise"):
            return piecewise(*(self.where(node) if name == "where" else self.pairs(node)))
        if name not in FUNCTIONS:
            known = sorted({*FUNCTIONS, "where", "Piecewise"})
            hint = did_you_mean(name, known)
            self.refuse(node, f"{name} is not a known function.{hint} Known: {', '.join(known)}")
        function = FUNCTIONS[name]
        wanted = function.n_arguments
        if len(arguments) != wanted if wanted else len(arguments) < 2:
            self.refuse(node, f"{name} takes {wanted or 'two or more'} argument{'' if wanted == 1 else 's'}")
        values = [self.number_or_expression(argument) for argument in arguments]
        return self.computed(node, function.symbolic, function.numeric, *values)

    def where(self, node: ast.Call) -> list[tuple[sp.Expr, sp.Basic]]:
        """Read the arguments of `where`: a condition, and values for where it holds and where not."""
        if len(node.args) != 3:
            self.refuse(node, "where takes a condition and two values")
        condition, value, otherwise = node.args
        return [
            (self.number_or_expression(value), self.condition(condition)),
            (self.number_or_expression(otherwise), sp.true),
        ]

    def pairs(self, node: ast.Call) -> list[tuple[sp.Expr, sp.Basic]]:
        """Read the arguments of `Piecewise`: pairs of a value and a condition, the last of which is True."""
        pairs = []
        for pair in node.args:
            if not isinstance(pair, ast.Tuple) or len(pair.elts) != 2:
                self.refuse(pair, "Piecewise takes pairs (value, condition)")
            value, condition = pair.elts
            pairs.append((self.number_or_expression(value), self.condition(condition)))
        if not pairs or pairs[-1][1] != sp.true:
            self.refuse(node, "the last pair of Piecewise needs the condition True")
        return pairs


def _comparison(relation: type[sp.Basic], left: sp.Expr, right: sp.Expr) -> sp.Basic:
    """Return a comparison; raw > target as raw - target > 0."""
    difference = _DIFFERENCE_OF.get((left, right))
    return compared(relation, left, right) if difference is None else compared(relation, difference, sp.S.Zero)


def _has_data(expression: sp.Expr) -> bool:
    return bool(expression.free_symbols & (OF_RAW | OF_P))


def _is_condition(node: sp.Basic) -> bool:
    # A symbol is a Boolean to SymPy as well.
    return isinstance(node, (sp.core.relational.Relational, BooleanFunction, BooleanAtom))


def number(value: float) -> sp.Number:
    """Return a number that is exact where it is a small fraction, as 2, 0.5 and 1.25 are."""
    numerator, denominator = value.as_integer_ratio()
    return sp.Rational(numerator, denominator) if denominator <= 16 and abs(numerator) < 2**53 else sp.Float(value)
