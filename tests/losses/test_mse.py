"""MSE against exact arithmetic, its saturation on probabilities, and its links."""

import mpmath
import numpy as np
import pytest

from lossexp.components import InvalidValueError
from lossexp.losses import MSE, Brier, Savage

from ..trainings import BINARY, REGRESSION, THREE_CLASSES
from .contract import gradient_of

Z = np.array([0.0, 1e-300, 1e-9, 0.3, 1.0, 5.0, 17.0, 36.9, 37.5, 232.8, 350.0, 1e4, 1e20])
Z = np.concatenate([Z, -Z])


def one_output(loss, z, y):
    """Return values and gradients of examples with one output, each `(n_samples,)`."""
    raw, target = z[None, None], np.full((1, 1, len(z)), y, dtype=z.dtype)
    return loss.value(raw, target)[0], gradient_of(loss, raw, target)[0, 0]


@pytest.mark.parametrize("y", [0.0, -3.7, 1e10])
def test_squared_error_to_two_units_in_the_last_place(y):
    value, gradient = one_output(MSE().on(REGRESSION), Z, y)
    with mpmath.workdps(100):
        error = [mpmath.mpf(z) - mpmath.mpf(y) for z in Z]
        np.testing.assert_allclose(value, [float(e**2) for e in error], rtol=5e-16, atol=0)
        np.testing.assert_allclose(gradient, [float(2 * e) for e in error], rtol=5e-16, atol=0)


def test_brier_score_of_a_wrong_tail_keeps_its_relative_accuracy():
    """Target 0 and p down to exp(-350), whose square is still a normal number."""
    z = Z[np.abs(Z) <= 350]
    value, gradient = one_output(MSE().on(BINARY), z, 0.0)
    with mpmath.workdps(200):
        p = [1 / (1 + mpmath.exp(-mpmath.mpf(x))) for x in z]
        np.testing.assert_allclose(value, [float(q**2) for q in p], rtol=1e-15, atol=0)
        np.testing.assert_allclose(gradient, [float(2 * q * q * (1 - q)) for q in p], rtol=2e-15, atol=0)


def test_brier_score_of_a_right_tail_is_that_of_the_wrong_one_mirrored():
    z = Z[np.abs(Z) <= 350]
    for ours, mirrored in zip(one_output(MSE().on(BINARY), z, 1.0), one_output(MSE().on(BINARY), -z, 0.0), strict=True):
        np.testing.assert_allclose(np.abs(ours), mirrored, rtol=2e-15, atol=0)


@pytest.mark.parametrize("loss", [MSE().on(BINARY), Brier(), Savage()], ids=str)
def test_single_precision_keeps_the_tails_too(loss):
    """A wrong answer that is sure of itself has a small gradient, and so has a right one; neither is 0."""
    z = np.linspace(-40, 40, 401, dtype=np.float32) / (2 if isinstance(loss, Savage) else 1)
    for y in (0.0, 1.0):
        single, double = one_output(loss, z, np.float32(y)), one_output(loss, z.astype(float), y)
        for ours, expected in zip(single, double, strict=True):
            assert ours.dtype == np.float32
            np.testing.assert_allclose(ours, expected, rtol=3e-6, atol=0)
        assert np.all(single[1] != 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_that_no_number_can_hold(dtype):
    raw = np.array([[[-np.inf, -1e20, -1e3, 1e3, 1e20, np.inf]]], dtype=dtype)
    for y in (0.0, 1.0):
        target = np.full(raw.shape, y, dtype=dtype)
        np.testing.assert_array_equal(MSE().on(BINARY).value(raw, target)[0], [y, y, y, 1 - y, 1 - y, 1 - y])
        np.testing.assert_allclose(gradient_of(MSE().on(BINARY), raw, target), 0, atol=1e-37)


def test_a_sigmoid_saturates_the_squared_error_and_not_the_cross_entropy():
    """|2 (a - y) a (1 - a)| is at most 8/27, at a = 2/3 away from y; 4/27 for half the square (Nielsen, chapter 3)."""
    z = np.linspace(-40, 40, 80_001)
    for y in (0.0, 1.0):
        _, gradient = one_output(MSE().on(BINARY), z, y)
        assert np.abs(gradient).max() == pytest.approx(8 / 27, rel=1e-7)
        assert np.abs(gradient).max() <= 8 / 27 + 1e-16
        a = 1 / (1 + np.exp(-z[np.abs(gradient).argmax()]))
        assert abs(a - y) == pytest.approx(2 / 3, abs=1e-3)


def test_sums_over_the_outputs_without_a_half():
    """By hand: (1 - 0)² + (2 - 4)² = 5."""
    raw, target = np.array([1.0, 2.0]).reshape(2, 1, 1), np.array([0.0, 4.0]).reshape(2, 1, 1)
    assert MSE(link="identity").value(raw, target) == 5.0
    np.testing.assert_array_equal(gradient_of(MSE(link="identity"), raw, target).ravel(), [2.0, -4.0])


def test_two_sigmoids_of_a_two_class_softmax_count_twice():
    """Over both classes of a softmax the squared error is twice that of the one probability."""
    z = np.linspace(-20, 20, 41)
    one, _ = one_output(MSE().on(BINARY), z, 1.0)
    raw = np.stack([np.zeros_like(z), z])[:, None]
    target = np.broadcast_to(np.array([0.0, 1.0])[:, None, None], raw.shape)
    np.testing.assert_allclose(MSE(link="softmax").value(raw, target)[0], 2 * one, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize(
    ("loss", "target", "link_name", "metric"),
    [
        (MSE(), REGRESSION, "identity", None),
        (MSE(), BINARY, "logistic", "brier"),
        (MSE(), THREE_CLASSES, "softmax", "brier"),
        (MSE(link="identity"), THREE_CLASSES, "identity", None),
        (MSE(link="logistic"), THREE_CLASSES, "logistic", None),
        (MSE(link="softmax"), BINARY, "softmax", None),
    ],
)
def test_the_link_follows_the_target_unless_chosen(loss, target, link_name, metric):
    assert loss.on(target) == MSE(link=link_name)
    assert loss.on(target).on(target) == loss.on(target)
    assert loss.on(target).as_metric(target) == metric


def test_an_unknown_link_is_refused():
    with pytest.raises(InvalidValueError, match="link='probit' is not allowed: expected one of auto, identity"):
        MSE(link="probit")


def test_complex_step_of_an_analytic_reference():
    """Softmax and square written with analytic functions only; the step 1e-30 leaves no truncation error."""
    rng = np.random.default_rng(0)
    raw, target = rng.normal(0, 2, (3, 1, 50)), rng.dirichlet(np.ones(3), 50).T[:, None]
    gradient = gradient_of(MSE(link="softmax"), raw, target)
    for output in range(3):
        z = raw.astype(complex)
        z[output] += 1e-30j
        p = np.exp(z) / np.exp(z).sum(axis=0)
        derivative = (((p - target) ** 2).sum(axis=0)).imag / 1e-30
        np.testing.assert_allclose(gradient[output], derivative, rtol=1e-14, atol=2e-16)
