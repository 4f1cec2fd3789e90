"""What a formula may be, and that everything else is refused at once, in words, without being executed."""

import math
import time

import pytest
import sympy as sp

from lossexp.symbolic.grammar import (
    ERROR,
    LOG_P,
    LOG_Q,
    MAX_CHARACTERS,
    RAW,
    TARGET,
    FormulaError,
    Q,
    read,
)

A = sp.Symbol("a", real=True)


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("raw - target", ERROR),
        ("target - raw", -ERROR),
        ("(raw - target) ** 2 / 2", ERROR**2 / 2),
        ("raw - 2 * target", RAW - 2 * TARGET),
        ("+raw * 0.5", RAW / 2),
        ("1 - p", Q),
        ("p - 1.0", -Q),
        ("-log(p)", -LOG_P),
        ("log(1 - p)", LOG_Q),
        ("log(p ** 2 * (1 - p))", 2 * LOG_P + LOG_Q),
        ("exp(a * raw) * pi", sp.exp(A * RAW) * sp.Float(math.pi)),
        ("raw * exp(0)", RAW),
        ("sqrt(raw ** 2)", sp.Abs(RAW)),
        ("raw\n  + a", RAW + A),
        ("raw ** (a + 1)", RAW ** (A + 1)),
    ],
)
def test_expressions(text, expression):
    names = ["a"] if "a)" in text or " a" in text or "(a" in text else []
    assert read(text, names) == expression


def test_everyday_forms_become_functions_that_do_not_overflow():
    """By name, since the functions are of our own."""
    assert str(read("log(1 + exp(-raw))", [])) == "Softplus(-raw)"
    assert str(read("log1p(exp(raw))", [])) == "Softplus(raw)"
    assert str(read("1 / (1 + exp(-raw))", [])) == "Sigmoid(raw)"
    assert str(read("log(cosh(raw - target))", [])) == "LogCosh(raw - target)"


@pytest.mark.parametrize(
    "text",
    [
        "where(raw < 1, raw, 2)",
        "Piecewise((raw, raw < 1), (2, True))",
        "raw if raw < 1 else 2",
        "where(not raw >= 1, raw, 2)",
        "where(raw < 1 and 1 < 2, raw, 2)",
        "where(raw < 1 or 2 < 1, raw, 2)",
    ],
)
def test_choices_have_many_spellings(text):
    assert str(read(text, [])) == "Where(raw < 1, raw, 2)"


def test_chained_comparisons_hold_together():
    assert str(read("where(0 < raw <= 1 != target, raw, -raw)", [])) == str(
        read("where(0 < raw and raw <= 1 and 1 != target, raw, -raw)", [])
    )


@pytest.mark.parametrize(
    ("text", "message", "character"),
    [
        ("__import__('os').system('touch canary')", "Attribute is not allowed", 1),
        ("raw + raw.__class__.__mro__[0]", "Subscript is not allowed", 7),
        ("raw.real", r"Attribute is not allowed in a formula \(functions are written without a module\)", 1),
        ("open('canary', 'w') + raw", "open is not a known function", 1),
        ("eval('1') + raw", r"eval is not a known function\. .*Known: Piecewise, abs", 1),
        ("(lambda: raw)()", "Lambda is not allowed", 2),
        ("[raw for x in raw]", "ListComp is not allowed", 1),
        ("{raw}", "Set is not allowed", 1),
        ("(raw, 1)", "Tuple is not allowed", 1),
        ("f'{raw}'", "JoinedStr is not allowed", 1),
        ("'raw' + raw", "Constant is not allowed", 1),
        ("raw + 1j", "Constant is not allowed", 7),
        ("raw + None", "Constant is not allowed", 7),
        ("raw ^ 2", r"BitXor is not allowed in a formula \(for a power write \*\*\)", 1),
        ("where(raw > 0 & raw < 1, 1, 2)", r"BitAnd .*\(write `and`\)", 13),
        ("~raw", r"Invert .*\(write `not`\)", 1),
        ("raw // 2", "FloorDiv is not allowed", 1),
        ("raw @ target", "MatMult is not allowed", 1),
        ("where(raw in target, 1, 2)", "Compare is not allowed", 7),
        ("abs(raw, 2)", "abs takes 1 argument", 1),
        ("max(raw)", "max takes two or more arguments", 1),
        ("max(*raw)", "max takes plain arguments only", 1),
        ("exp(x=raw)", "exp takes plain arguments only", 1),
        ("raw + exp", "exp needs arguments in parentheses", 7),
        ("where(raw, 1, 2)", "a condition is needed here, such as raw > 0", 7),
        ("where(raw > 0, 1)", "where takes a condition and two values", 1),
        ("(raw > 0) * raw", r"a condition where a number is needed: write where\(condition, 1, 0\)", 2),
        ("Piecewise((raw, raw > 0))", "the last pair of Piecewise needs the condition True", 1),
        ("Piecewise(raw, raw > 0)", r"Piecewise takes pairs \(value, condition\)", 11),
        ("raw +", r"not a formula \(invalid syntax\)", 6),
        ("raw; 1", r"not a formula \(invalid syntax\)", 4),
        ("x := raw", r"not a formula \(invalid syntax\)", 3),
        ("", r"not a formula \(invalid syntax\)", 1),
        ("raw - tarhet", r"tarhet has no value\. Did you mean target\? To give it one: loss.tarhet=1", 7),
        ("ä * raw + foo(raw)", r"ä has no value", 1),
        ("log(raw) + log('ä', '')", "log takes 1 argument", 12),
        ("raw / (1 - 1)", "division by 0", 1),
        ("raw * log(0)", "the value of this is -inf", 7),
        ("raw * sqrt(0 - 2)", "the value of this is nan", 7),
        ("sqrt(0 - raw ** 2)", "root of a negative number", 1),
    ],
)
def test_refusals_say_what_and_where(text, message, character, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FormulaError, match=message) as refusal:
        read(text, [])
    assert str(refusal.value).endswith(f"^ character {character}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("9**9**9 * raw", "an exponent is at most 20"),
        ("raw ** 21", "an exponent is at most 20"),
        ("raw ** raw", "an exponent must be a number or a parameter"),
        ("((((2*raw)**20)**20)**20)**20", "a number in this is too large"),
        ("exp(exp(exp(exp(raw - raw + 1000)))) * raw", "the value of this is inf"),
        ("9" * 900 + "* raw", "this number is too large"),
        ("1e999 * raw", "this number is too large"),
        ("raw" + "+raw" * 2_500_000, f"10000003 characters, at most {MAX_CHARACTERS}"),
        ("raw" + "+raw" * 240, "nested at most 40 deep"),
        ("+".join(["sin(raw)"] * 30) + "*" + "*".join(["(raw+1)"] * 60), "at most 200 parts"),
        ("(" * 400 + "raw" + ")" * 400, "too many nested parentheses"),
        ("-" * 900 + "raw", "nested at most 40 deep"),
        ("log(" * 100 + "raw" + ")" * 100, "nested at most 40 deep"),
        ("raw\x00", "not a formula|has characters that no formula has"),
    ],
)
def test_bombs_are_refused_at_once(text, message):
    start = time.perf_counter()
    with pytest.raises(FormulaError, match=message) as refusal:
        read(text, [])
    assert time.perf_counter() - start < 0.5
    assert len(str(refusal.value)) < 300


def test_what_a_formula_must_depend_on():
    with pytest.raises(FormulaError, match="depends neither on raw, the raw prediction, nor on p"):
        read("target ** 2", [])
    with pytest.raises(FormulaError, match="write the formula over p alone, or over raw and target"):
        read("(p - target) ** 2", [])


def test_parameters_must_be_in_the_formula_and_must_not_have_another_meaning():
    with pytest.raises(FormulaError, match=r"^scal is given but not in it\. Did you mean scale\?$"):
        read("raw * scale", ["scale", "scal"])
    for word in ("raw", "target", "p", "pi", "exp", "where"):
        with pytest.raises(FormulaError, match=f"^{word} already means something"):
            read("raw", [word])
