"""Programs compute what the text says, and its derivative; the numbers are those of mpmath and of differences."""

import re

import mpmath
import numpy as np
import pytest

from lossexp.symbolic.derivation import derived

RAW = np.array([-7.3, -1.0, -0.2, 0.0, 0.4, 1.0, 2.5, 8.0])
TARGET = np.array([0.5, -1.0, 2.0, 0.0, 0.3, -3.0, 2.4, 1.0])
PARAMETERS = {"a": 1.7, "b": 0.3}

TEXTS = [
    "log(1 + ((raw - target) / a) ** 2)",
    "abs(raw - target) ** a",
    "a * raw ** 3 - raw ** 2 * target / b + raw / 7 - 1",
    "-raw - target",
    "-(a + b) * raw",
    "(raw ** 2 + 1) ** 1.5 * (raw ** 2 + 1) ** -0.5 + (raw ** 2 + 1) ** -2",
    "sqrt(1 + raw ** 2) - 1",
    "1 - exp(-raw ** 2 / 2)",
    "exp(raw) - 1 - target * raw",
    "log(raw ** 2 + a) * tanh(b * raw) + atan(raw) + asinh(raw)",
    "sin(raw) * cos(target) + sinh(raw / 5) - cosh(raw / 5)",
    "sigmoid(raw) * softplus(-raw) + log(cosh(raw - target)) + log1p(raw ** 2) + expm1(raw / 9)",
    "max(raw, target, 0) - min(raw, b) * sign(raw)",
    "where(raw > 0.1 and target <= 2, raw ** 2, 3 * raw)",
    "raw if not raw == 1 or target != 2.4 else a",
    "Piecewise((raw, raw < -0.5), (raw ** 2, raw < 2 and raw > -5 and target > -9), (5 * raw, True))",
    "max(0, 1 - (2 * target - 1) * raw) ** 2",
    "where(raw > 0.1, a, 0) * raw + where(raw < 0.1, 0, 2 - target) * raw",
    "raw",
]


def exact(text, raw, target):
    """Return the value with 40 digits: Python reads the text, with functions of mpmath in it."""
    functions = {name: getattr(mpmath, name) for name in ("exp", "log", "sqrt", "sin", "cos", "atan", "sinh", "cosh")}
    functions |= {"tanh": mpmath.tanh, "asinh": mpmath.asinh, "sign": mpmath.sign, "abs": abs, "max": max, "min": min}
    functions |= {"log1p": lambda x: mpmath.log(1 + x), "expm1": lambda x: mpmath.exp(x) - 1}
    functions |= {"sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)), "softplus": lambda x: mpmath.log(1 + mpmath.exp(x))}
    functions |= {"where": lambda condition, a, b: a if condition else b}
    functions |= {"Piecewise": lambda *pairs: next(value for value, condition in pairs if condition)}
    names = {name: mpmath.mpf(value) for name, value in (*PARAMETERS.items(), ("raw", raw), ("target", target))}
    return mpmath.mpf(eval(text, {"__builtins__": {}}, {**functions, **names}))


def computed(text, which, raw=RAW, target=TARGET, dtype=np.float64, **parameters):
    """Return the value or the slope of a formula, as an array."""
    parameters |= {name: PARAMETERS[name] for name in PARAMETERS if re.search(rf"\b{name}\b", text)}
    ready = derived(text, tuple(parameters)).ready(parameters, np.dtype(dtype))
    with np.errstate(all="raise"):
        got = getattr(ready, which)({"raw": raw.astype(dtype), "target": target.astype(dtype)})
        return np.broadcast_to(got if which == "value" or ready.factor is None else ready.factor * got, raw.shape)


@pytest.mark.parametrize("text", TEXTS)
def test_values(text):
    with mpmath.workdps(40):
        expected = [float(exact(text, raw, target)) for raw, target in zip(RAW, TARGET, strict=True)]
    np.testing.assert_allclose(computed(text, "value"), expected, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("text", TEXTS)
def test_slopes_away_from_kinks(text):
    """Derivatives of mpmath to 20 digits; where those from the left and from the right differ there is a kink."""
    slope = computed(text, "slope")
    with mpmath.workdps(40):
        for x, y, got in zip(RAW, TARGET, slope, strict=True):
            left, right = (mpmath.diff(lambda raw, y=y: exact(text, raw, y), x, direction=d) for d in (-1, 1))
            if abs(left - right) < 1e-9 * (1 + abs(left)):
                assert got == pytest.approx(float(left), rel=1e-13, abs=1e-14)
            else:
                assert float(min(left, right)) <= got <= float(max(left, right))


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("which", ["value", "slope"])
def test_precision_is_that_of_the_arrays(text, which):
    single = computed(text, which, dtype=np.float32)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, computed(text, which), rtol=3e-5, atol=1e-5)


def test_small_residuals_keep_their_digits():
    """Of mpmath: log(1 + 1e-20), exp(1e-10) - 1 and 1 - exp(-1e-20)."""
    x = np.array([1e-10])
    for text, expected in (
        ("log(1 + raw**2)", 1e-20),
        ("exp(raw) - 1", 1.00000000005e-10),
        ("1 - exp(-raw**2)", 1e-20),
    ):
        assert computed(text, "value", x, x)[0] == pytest.approx(expected, rel=1e-13, abs=0)


def test_parameters_may_be_columns():
    ready = derived("a * raw ** 2 / b", ("a", "b")).ready({"a": np.array([[1.0], [2.0]]), "b": 4.0}, np.dtype(float))
    raw = np.arange(6.0).reshape(1, 2, 3)
    assert ready.factor.tolist() == [[0.5], [1.0]]  # 2 a / b, the same for all examples
    np.testing.assert_array_equal(ready.slope({"raw": raw}), raw)


def test_equal_parts_are_computed_once():
    """By hand: square, add 1, log1p; for the slope one subtraction less than written."""
    assert derived("log(1 + raw**2)", ()).value.cost == 2
    assert derived("tanh(raw)**2 + tanh(raw) + 1/tanh(raw)", ()).value.cost == 5


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("log(1 + ((raw - target) / a) ** 2)", 4),  # 2 e / (a^2 + e^2): e, square, add, divide
        ("(raw - target) ** 2", 1),
        ("raw ** 8", 4),  # 8 raw^7: two squares, two products of powers
    ],
)
def test_slopes_are_simplified(text, cost):
    assert derived(text, ("a",) if "a)" in text else ()).slope.cost == cost


def test_one_power_where_two_would_do():
    """x^a and x^(a-1): the slope of focal loss, q^a - a p q^(a-1) log p, has one power and three products."""
    steps = derived("-(1 - p) ** a * log(p)", ("a",)).slope.steps
    assert [step.function.__name__ for step in steps].count("power") == 1


def test_products_of_exponentials_are_not_brought_over_one_denominator():
    """(x e^x)' / e^x and the like overflow there long before they must."""
    x = np.array([-600.0, 600.0])
    assert np.isfinite(computed("1 / (2 + exp(raw)) + 1 / (3 + exp(-raw))", "value", x, x)).all()
    assert np.isfinite(computed("exp(-abs(raw)) * raw", "slope", x, x)).all()
