"""What `where`, `max` and `min` become: the numbers of np.where, from less work."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossexp.symbolic.choices import simplified
from lossexp.symbolic.compiler import compiled
from lossexp.symbolic.derivation import derived
from lossexp.symbolic.functions import Where
from lossexp.symbolic.grammar import OF_RAW, RAW, read

PARAMETERS = {"d": 1.3, "t": 0.3}
M = "(2*target - 1)*raw"
HUBER = "where(abs(raw - target) <= d, (raw - target)**2/2, d*(abs(raw - target) - d/2))"

WRITTEN_BY_HAND = {
    HUBER: ("subtract absolute minimum square multiply subtract multiply add", "subtract limited"),
    "where(abs(target - raw) > d, d*abs(raw - target) - d**2/2, 0.5*(target - raw)**2)": (
        "subtract absolute minimum square multiply subtract multiply add",
        "subtract limited",
    ),
    "min(abs(raw - target), d)*(abs(raw - target) - min(abs(raw - target), d)/2)": (
        "subtract absolute minimum multiply subtract multiply",
        "subtract limited",
    ),
    "where(raw > target, (1 - t)*(raw - target), t*(target - raw))": (
        "subtract multiply multiply maximum",
        "subtract greater picked",
    ),
    "max(t*(target - raw), (t - 1)*(target - raw))": ("subtract multiply multiply maximum", "subtract less picked"),
    f"max(0, 1 - {M})**2": (
        "multiply subtract multiply subtract maximum square",
        "multiply subtract multiply minimum subtract multiply",
    ),
    f"where({M} < 1, 1 - {M}, 0)": (
        "multiply subtract multiply subtract maximum",
        "multiply subtract multiply less negative masked",
    ),
    f"where({M} >= -1, max(0, 1 - {M})**2, -4*{M})": (
        "multiply subtract multiply maximum subtract maximum square subtract multiply subtract",
        "multiply subtract multiply clip subtract multiply",
    ),
    "where(abs(raw) <= 1.345, raw**2, 2.69*abs(raw) - 1.809025)": (
        "absolute minimum square subtract multiply add",
        "limited",
    ),
}


def parameters_of(text):
    return tuple(name for name in PARAMETERS if re.search(rf"\b{name}\b", text))


@pytest.mark.parametrize("text", WRITTEN_BY_HAND)
def test_the_calls_are_those_of_a_good_hand(text):
    programs = derived(text, parameters_of(text))
    for program, expected in zip((programs.value, programs.slope), WRITTEN_BY_HAND[text], strict=True):
        assert sorted(step.function.__name__ for step in program.steps) == sorted(expected.split())


TEXTS = [
    *WRITTEN_BY_HAND,
    "where(abs(raw - target) <= d, 0, abs(raw - target) - d)",
    "where(abs(raw) <= d, abs(raw)**3, d**3)",
    "where(raw < 1, raw**2, raw**2 + 1)",  # with a step
    "where(raw < 1, raw**2, 1 + 3*(raw - 1)**2)",  # neither is straight
    "where(raw**2 < 4, raw**4, 16)",
    "where(raw**2 < 4, raw**2, 8 - 16/raw**2)",
    "where(1 - raw**2 > 0, (1 - raw**2)*target, 0)",
    "where(raw > 0, 2*t*raw, -d*raw)",  # which is larger depends on the parameters
    "max(raw, target)**2*max(raw, 0) + min(raw, target)",
    "where(raw > 0 and target > 0, raw, where(raw > 0, 2*raw, 0))",
    "where(raw > 0, 1, -1)*raw + where(raw > 0, t, d)",
    "Piecewise((-1, raw < -1), (raw, raw < 1), (1, True))",
    "min(max(raw, -d), d) + max(min(raw, 2), 1)",
    "where(target > 0, raw**2, abs(raw))",
]
NUMBERS = st.floats(-1e3, 1e3) | st.sampled_from([0.0, 1.0, -1.0, 1.3, -1.3, 2.0, 1e20, -1e20, 1e200, -1e200])


def both(expression, raw, target, parameters, dtype=float):
    """Return the numbers of an expression as it is written, where a choice is np.where, and as it is simplified."""
    data = {"raw": np.array(raw, dtype), "target": np.array(target, dtype)}
    with np.errstate(all="ignore"):
        return [
            np.broadcast_to(compiled(form, OF_RAW).prepared(parameters, np.dtype(dtype))(data), data["raw"].shape)
            for form in (expression, simplified(expression))
        ]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("order", ["value", "slope"])
@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(NUMBERS, st.floats(-3, 3)), min_size=1, max_size=20))
def test_numbers_are_the_same_as_without(text, order, points):
    expression = read(text, parameters_of(text))
    if order == "slope":
        expression = sum(expression.diff(symbol) for symbol in OF_RAW if str(symbol) in ("raw", "raw - target"))
    raw, target = np.array(points).T
    plain, simple = both(expression, raw, target, PARAMETERS)
    has_number = ~np.isnan(plain)  # where it was inf - inf it may have become a number, but none may be lost
    np.testing.assert_allclose(simple[has_number], plain[has_number], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("text", "raw", "value", "slope"),
    [
        ("where(raw > 0, log(raw), raw)", [-1.0, 0.0, 1.0], [-1, 0, 0], [1, 1, 1]),
        ("where(raw > 0, sqrt(raw), 0)", [-1.0, 0.0, 4.0], [0, 0, 2], [0, 0, 0.25]),
        ("where(abs(raw) < 1, 1/(1 - raw**2), 0)", [-1.0, 0.0, 1.0], [0, 1, 0], [0, 0, 0]),
        ("where(raw < 100, exp(raw), 1e9 + raw)", [-1e4, 1e4], [0, 1e9 + 1e4], [0, 1]),
        ("where(raw == 0, 1, sin(raw)/raw)", [0.0, np.pi], [1, 0], [0, -1 / np.pi]),
        (HUBER, [1e20, -1e20], [1.3e20, 1.3e20], [1.3, -1.3]),
        ("where(abs(raw) <= 1, abs(raw)**3, 3*abs(raw) - 2)", [1e20, -0.5], [3e20, 0.125], [3, -0.75]),
    ],
)
def test_a_branch_that_is_not_taken_may_be_infinite_or_no_number(text, raw, value, slope):
    """In single precision, where 1e20 squared is infinite; by hand."""
    parameters = {"d": 1.3} if text == HUBER else {}
    ready = derived(text, tuple(parameters)).ready(parameters, np.dtype(np.float32))
    data = {"raw": np.array(raw, np.float32), "target": np.zeros(len(raw), np.float32)}
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(ready.value(data), np.float32(value), rtol=1e-6, atol=1e-6)
        got = ready.slope(data) * (1 if ready.factor is None else ready.factor)
    np.testing.assert_allclose(got, np.float32(slope), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("d", [-1.0, 0.0, np.array([[-1.0], [0.0], [2.0]])], ids=str)
def test_a_limit_below_0_is_no_limit_but_the_formula_holds(d):
    expression = read(HUBER, ["d"])
    expression = sum(expression.diff(symbol) for symbol in OF_RAW)
    raw = np.linspace(-3, 3, 13)
    plain, simple = both(expression, np.tile(raw, (3, 1)), np.zeros((3, 13)), {"d": d})
    np.testing.assert_array_equal(simple, plain)


def test_small_numbers_keep_their_digits():
    """u²/2 + (u - u) for smooth L1, not (u²/2 + u) - u; the text itself cancels nothing there."""
    ready = derived("where(abs(raw) < 1, 0.5*raw**2, abs(raw) - 0.5)", ()).ready({}, np.dtype(float))
    x = np.array([1e-9])
    assert ready.value({"raw": x}) == 0.5 * x**2


def test_steps_stay_choices():
    (choice,) = simplified(read("where(raw < 1, raw**2, raw**2 + 1)", [])).atoms(Where)
    assert str(choice) == "Where(raw < 1, raw**2, raw**2 + 1)"


def test_many_conditions_are_left_apart():
    """Each case of all together would be 2^8 expressions."""
    slope = read(" * ".join(f"max(raw, {bound})" for bound in range(8)), []).diff(RAW)
    assert len(simplified(slope).atoms(Where)) == 8
