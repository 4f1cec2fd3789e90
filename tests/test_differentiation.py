"""Derivatives of functions that come without one."""

from types import SimpleNamespace

import numpy as np
import pytest

from lossexp.differentiation import complex_step, derivative, four_point
from lossexp.experiment import Training
from lossexp.losses import MSE, Cauchy
from lossexp.optimizers import GD
from lossexp.run import Run
from lossexp.training import Finished

from .testing.broken import WithoutGradient
from .trainings import REGRESSION, drawn, member, trained

X = np.random.default_rng(0).normal(0, 2, (2, 3, 40))

FUNCTIONS = {
    "analytic": (lambda x: x[0] ** 2 * np.exp(x[1]), lambda x: [2 * x[0] * np.exp(x[1]), x[0] ** 2 * np.exp(x[1])]),
    "absolute value": (lambda x: np.abs(x[0]) + x[1], lambda x: [np.sign(x[0]), np.ones_like(x[1])]),
    "maximum": (lambda x: np.maximum(x[0], 3 * x[1]), lambda x: [x[0] > 3 * x[1], 3 * (x[0] <= 3 * x[1])]),
    "one branch of many": (
        lambda x: np.where(np.abs(x[0]) < 1, x[0] ** 2, 2 * np.abs(x[0]) - 1) + x[1],
        lambda x: [np.clip(2 * x[0], -2, 2), np.ones_like(x[1])],
    ),
    "no complex numbers": (lambda x: np.logaddexp(x[0], x[1]), lambda x: list(np.exp(x - np.logaddexp(*x)))),
}


@pytest.mark.parametrize(("function", "exact"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_derivative(function, exact):
    """Whether or not the function takes complex numbers, and whether or not it tells when it loses the step."""
    np.testing.assert_allclose(derivative(function, X), np.array(exact(X), dtype=float), rtol=1e-9, atol=1e-9)


def test_the_complex_step_is_exact():
    function, exact = FUNCTIONS["analytic"]
    np.testing.assert_allclose(complex_step(function, X), exact(X), rtol=1e-15)
    np.testing.assert_array_equal(derivative(function, X), complex_step(function, X))


def test_beside_a_huge_term_the_complex_step_is_believed():
    """Of exp(80) + exp(3) differences do not see the second; where they see nothing wrong, the exact one stays."""
    x = np.array([80.0, 3.0]).reshape(2, 1, 1)
    np.testing.assert_allclose(derivative(lambda x: np.exp(x).sum(axis=0), x), np.exp(x), rtol=1e-14)
    assert four_point(lambda x: np.exp(x).sum(axis=0), x)[1] == 0


def test_differences_far_out():
    """The step grows with x: 1e-3 beside 1e20 would be nothing."""
    x = np.array([1e4, -1e9, 1e20]).reshape(1, 1, 3)
    np.testing.assert_allclose(four_point(lambda x: x[0] ** 2, x), 2 * x, rtol=1e-9)


def test_a_loss_without_a_gradient_trains_like_one_with():
    """Its twin is 2 log(1 + (e/2)²), twice its value, so half the learning rate makes the same steps."""
    data, training = drawn(REGRESSION), Training(epochs=20, dtype="float64")
    without, twin = (
        trained(member(data, loss, optimizer=GD(lr=lr), training=training))[0]
        for loss, lr in ((WithoutGradient(scale=2), 0.2), (Cauchy(scale=2), 0.1))
    )
    np.testing.assert_allclose(without.params[0], twin.params[0], rtol=1e-9)
    assert not WithoutGradient().has_own_gradient
    assert MSE().has_own_gradient


def test_a_loss_without_a_gradient_stacks_and_keeps_the_precision():
    loss, raw = WithoutGradient(), np.random.default_rng(0).normal(size=(1, 3, 8)).astype(np.float32)
    target, out = np.zeros((1, 1, 8), dtype=np.float32), np.empty_like(raw)
    loss.gradient(raw, target, out)
    np.testing.assert_allclose(out, 2 * raw / (1 + raw**2), rtol=1e-5)
    aliased = raw.copy()
    loss.gradient(aliased, target, aliased)
    np.testing.assert_array_equal(aliased, out)


def test_the_description_of_the_run_says_so():
    for loss, says in ((WithoutGradient(), True), (MSE(), False)):
        job = SimpleNamespace(experiment=SimpleNamespace(loss=loss))
        run = Run(job, data=None, record=None, epochs=[0, 1], metrics={"val/loss": [2.0, 1.0]})
        run.finished = Finished(run=0, ending="completed", epoch=1, params=[], metrics={})
        assert run.description().endswith("Its gradient was derived numerically.") == says
