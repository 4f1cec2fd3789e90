"""BCE against exact arithmetic at the far ends, and its derivative."""

import mpmath
import numpy as np
import pytest

from lossexp.losses import BCE

from ..trainings import BINARY, THREE_CLASSES
from .contract import gradient_of

TAILS = [1e-300, 1e-9, 36.9, 37, 37.5, 232.8, 709.8, 745.2, 1e3, 1e4, 1e9, 1e20]
Z = np.array([0.0, *TAILS, *(-z for z in TAILS)])


def exact(z, y):
    """Return y log(1 + e^-z) + (1 - y) log(1 + e^z) from 100 digits, rounded once."""
    with mpmath.workdps(100):
        z, y = mpmath.mpf(z), mpmath.mpf(y)
        return float(y * mpmath.log1p(mpmath.exp(-z)) + (1 - y) * mpmath.log1p(mpmath.exp(z)))


@pytest.mark.parametrize("y", [0.0, 0.25, 0.5, 1.0])
def test_value_within_four_units_in_the_last_place(y):
    """Relative accuracy alone: the loss of a sure right answer is tiny, and is not 0."""
    value = BCE().value(Z[None, None], np.full((1, 1, len(Z)), y))[0]
    expected = np.array([exact(z, y) for z in Z])
    assert np.all(np.abs(value - expected) <= 4 * np.spacing(expected))


def test_the_small_tail_is_not_lost():
    """Two of the numbers above, by 100 digits of mpmath: log(1 + exp(-37)) and log(1 + exp(-232.8))."""
    value = BCE().value(np.array([[[37.0, 232.8]]]), np.ones((1, 1, 2)))[0]
    np.testing.assert_allclose(value, [8.533047625744066e-17, 7.8749e-102], rtol=1e-5, atol=0)


def test_gradient_is_the_sigmoid_less_the_target():
    """In the tail where both are 0 the relative accuracy is that of exp; elsewhere that of the subtraction."""
    zero, one = (gradient_of(BCE(), Z[None, None], np.full((1, 1, len(Z)), y))[0, 0] for y in (0.0, 1.0))
    with mpmath.workdps(100):
        sigmoid = np.array([float(1 / (1 + mpmath.exp(-mpmath.mpf(z)))) for z in Z])
        minus_rest = np.array([float(-1 / (1 + mpmath.exp(mpmath.mpf(z)))) for z in Z])
    # Below the smallest normal number, 2.2e-308, the gradient may be 0.
    np.testing.assert_allclose(zero, sigmoid, rtol=4e-16, atol=1e-307)
    np.testing.assert_allclose(one, minus_rest, rtol=0, atol=2e-16)


def test_complex_step_of_an_analytic_reference():
    rng = np.random.default_rng(0)
    raw, target = rng.normal(0, 2, (1, 1, 200)), rng.uniform(size=(1, 1, 200))
    z = raw + 1e-30j
    derivative = (np.log(1 + np.exp(z)) - z * target).imag / 1e-30
    np.testing.assert_allclose(gradient_of(BCE(), raw, target), derivative, rtol=1e-14, atol=2e-16)


def test_many_classes_are_one_against_the_rest_each():
    """By hand: every class at raw 0 costs log 2, whatever its target; the classes add up."""
    raw, target = np.zeros((3, 1, 1)), np.array([0.0, 1.0, 0.0]).reshape(3, 1, 1)
    assert BCE().value(raw, target)[0, 0] == pytest.approx(3 * np.log(2), rel=1e-15)


def test_links_and_metric():
    assert BCE().link_name(BINARY) == BCE().link_name(THREE_CLASSES) == "logistic"
    assert BCE().as_metric(BINARY) == "log_loss"
    assert BCE().as_metric(THREE_CLASSES) is None
