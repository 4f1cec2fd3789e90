"""Greatest lower bounds and convexity of formulas: what is claimed is true, and what is true of losses is found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossexp.losses.formula import formula
from lossexp.symbolic.grammar import FormulaError
from lossexp.targets import Target, Task

from ..losses.test_formula import TWINS
from .test_intervals import TEXTS

REGRESSION, BINARY = Target(Task.REGRESSION), Target(Task.BINARY, 2)
THREE_CLASSES = Target(Task.MULTICLASS, 3)


@pytest.mark.parametrize(("text", "settings", "twin", "target"), TWINS, ids=lambda value: str(value)[:40])
def test_losses_are_bounded_as_their_twins_are(text, settings, twin, target):
    """But that of Gamma deviance, which needs the minimum for each target."""
    expected = -np.inf if "log(target)" in text else twin.infimum(target)
    assert formula(text, **settings).infimum(target) == expected


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [
        ("log(1 + ((raw - target)/3)**2)", REGRESSION, 0),
        ("sqrt(1 + (raw - target)**2) - 1", REGRESSION, 0),
        ("1 - exp(-(raw - target)**2)", REGRESSION, 0),
        ("(raw - target - 0.3)**2 - 2", REGRESSION, -2),
        ("(log(1 + abs(raw)) - log(1 + abs(target)))**2 + 5", REGRESSION, 5),
        ("where(raw > target, (raw - target)**2, 3*(raw - target)**2)", REGRESSION, 0),
        ("atan(raw)", REGRESSION, -np.pi / 2),  # a limit
        ("raw - target", REGRESSION, -np.inf),
        ("-(raw - target)**2", REGRESSION, -np.inf),
        ("raw**2/2 - raw*target + target**2/2", REGRESSION, -np.inf),  # true is 0, but raw is there twice
        ("softplus(raw) - target*raw", BINARY, 0),
        ("softplus(raw) - target*raw + target", BINARY, 0),
        ("softplus(raw) - target*raw + target + 1", BINARY, 1),
        ("softplus(raw) - target*raw + 3*target + 1", THREE_CLASSES, 6),  # 4 for the one that is true, twice 1
        ("-log(p)", THREE_CLASSES, 0),
        ("1 - p**2 + 4", BINARY, 4),
        ("-p**2", BINARY, -1),
        ("log(p)", BINARY, -np.inf),
    ],
)
def test_bounds_by_hand(text, target, expected):
    assert formula(text).infimum(target) == pytest.approx(expected, rel=1e-8)


def test_class_weights_are_weights_of_the_bound():
    assert formula("2 - p", class_weight=(3, 1)).infimum(BINARY) == 1
    assert formula("-p", class_weight=(3, 1)).infimum(BINARY) == -3
    assert formula("-log(p)", class_weight="balanced").infimum(BINARY) == 0


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.sampled_from([REGRESSION, BINARY, THREE_CLASSES]))
def test_nothing_is_ever_below_the_bound(text, target):
    try:
        loss = formula(text)
    except FormulaError:
        return
    bound = loss.infimum(target)
    rng = np.random.default_rng(0)
    raw = rng.standard_cauchy((loss.n_outputs(target), 1, 3000))
    raw[..., :20] = np.round(raw[..., :20])
    y = rng.normal(0, 2, 3000) if target is REGRESSION else rng.integers(0, target.n_classes, 3000)
    if target is REGRESSION and np.isfinite(loss.target_domain.low):
        y = np.abs(y)
    encoded = np.eye(target.n_classes)[y].T[:, None] if len(raw) == 3 else 1.0 * y[None, None]
    with np.errstate(all="ignore"):
        value = loss.on(target).value(raw, encoded)
    rounding = 1e-9 * (1 + np.abs(value))
    assert not np.any(value < bound - rounding)


@pytest.mark.parametrize(
    ("text", "convex"),
    [
        ("(raw - target)**2", True),
        ("log(cosh(raw - target))", True),
        ("sqrt(1 + (raw - target)**2)", True),
        ("log(1 + exp(raw)) - target*raw", True),
        ("exp((1 - 2*target)*raw)", True),
        ("abs(raw - target)", False),  # it is, but has a kink
        ("where(raw > 0, -raw, raw)", False),
        ("log(1 + (raw - target)**2)", False),
        ("1/(1 + exp(raw))", False),
        ("-log(p)", False),  # it is, but p is not the raw prediction
    ],
)
def test_convexity_that_the_second_derivative_proves(text, convex):
    assert formula(text).is_surely_convex == convex
