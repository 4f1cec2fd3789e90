"""No value of an expression lies outside the range that is computed for it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossexp.symbolic.compiler import compiled
from lossexp.symbolic.grammar import ERROR, OF_RAW, RAW, SIDE, TARGET, FormulaError, read
from lossexp.symbolic.intervals import range_of

PARTS = st.sampled_from(["raw", "target", "2", "0.5", "-1", "0"])
ONE = [
    "abs",
    "sign",
    "sqrt",
    "exp",
    "expm1",
    "log",
    "sigmoid",
    "softplus",
    "sin",
    "cos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
]
ONE += ["asinh", "log1p", "-", ""]
TEXTS = st.recursive(
    PARTS,
    lambda inner: (
        st.builds("{}({})".format, st.sampled_from(ONE), inner)
        | st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner)
        | st.builds("({})**{}".format, inner, st.sampled_from(["2", "3", "4", "0.5", "1.5", "-1", "-2", "-0.5"]))
        | st.builds("{}({}, {})".format, st.sampled_from(["max", "min"]), inner, inner)
        | st.builds("where({} {} {}, {}, {})".format, inner, st.sampled_from(["<", ">="]), inner, inner, inner)
        | st.builds("where(not ({} < 1 and {} > 0 or {} > 2), {}, {})".format, inner, inner, inner, inner, inner)
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.tuples(*[st.integers(-48, 48).map(lambda n: n / 16)] * 4))  # sign() of rounding may be any
def test_values_stay_in_the_range(text, ends):
    """On a grid over a box of raw and target, its corners among the points."""
    try:
        expression = read(f"raw + {text}", [])
    except FormulaError:  # such as a division by 0
        return
    (low, high), (bottom, top) = np.sort(ends[:2]), np.sort(ends[2:])
    raw, target = (grid.ravel() for grid in np.meshgrid(np.linspace(low, high, 9), np.linspace(bottom, top, 9)))
    ranges = {RAW: (low, high), TARGET: (bottom, top)}
    ranges |= {ERROR: (low - top, high - bottom), SIDE: (2 * bottom - 1, 2 * top - 1)}
    with np.errstate(all="ignore"):
        least, most = range_of(expression, {symbol: tuple(np.array([ends]).T) for symbol, ends in ranges.items()})
        program = compiled(expression, OF_RAW).prepared({}, np.dtype(float))
        got = program({"raw": raw, "target": target})
    got = got[np.isfinite(got)]
    rounding = 1e-9 * (1 + np.abs(got))
    assert np.all(got >= least - rounding)
    assert np.all(got <= most + rounding)


@pytest.mark.parametrize(
    ("text", "low", "high", "expected"),
    [
        ("raw**2", -1, 2, (0, 4)),
        ("raw**3", -1, 2, (-1, 8)),
        ("1/raw", 1, 2, (0.5, 1)),
        ("1/raw", -1, 2, (-np.inf, np.inf)),
        ("raw**-2", -1, 2, (0.25, np.inf)),
        ("raw*(raw - 1)", 0, 1, (-1, 0)),  # -1/4 is the least: raw is there twice
        ("exp(-raw)", 0, np.inf, (0, 1)),
        ("max(raw, 0) - abs(raw)", -2, 1, (-2, 1)),
        ("where(raw < 1, 5, raw)", 1, 2, (1, 2)),  # the cell has no more than the border in common
        ("where(raw < 1, 5, raw)", 0, 2, (0, 5)),
        ("where(raw < 1, 5, raw)", -1, 0, (5, 5)),
        ("log(raw)", 0, 1, (-np.inf, 0)),
        ("sin(raw)", 0, 1, (-1, 1)),
    ],
)
def test_ranges_by_hand(text, low, high, expected):
    with np.errstate(all="ignore"):
        least, most = range_of(read(text, []), {RAW: (np.array([low]), np.array([high]))})
    assert (least.item(), most.item()) == expected
