"""L-BFGS as the reference optimum of convex problems, and that its runs are trained alone."""

import dataclasses

import numpy as np
import pytest

from lossexp import sweeping
from lossexp.datasets import BreastCancer
from lossexp.experiment import Sweep, Training
from lossexp.losses import BCE, CCE, MSE
from lossexp.models import MLP
from lossexp.optimizers import GD, LBFGS
from lossexp.stacking import stack_key

from ..composed import SMALL, jobs
from ..trainings import BINARY, REGRESSION, THREE_CLASSES, drawn, given, member, trained

DOUBLE = Training(epochs=5, dtype="float64")


def test_least_squares():
    data = drawn(REGRESSION, n=60)
    run = trained(member(data, MSE(), optimizer=LBFGS(), training=DOUBLE))[0]
    augmented = np.column_stack([data.train.X, np.ones(60)])
    np.testing.assert_allclose(run.params[0][0], np.linalg.lstsq(augmented, data.train.y)[0], rtol=1e-7)


def test_ridge_regression_without_the_bias():
    """(H + weight_decay I without the bias) w = H w*, as for gradient descent with the same weight_decay."""
    data = drawn(REGRESSION, n=60)
    run = trained(member(data, MSE(), optimizer=LBFGS(weight_decay=0.5), training=DOUBLE))[0]
    augmented = np.column_stack([data.train.X, np.ones(60)])
    hessian, linear = 2 * augmented.T @ augmented / 60, 2 * augmented.T @ data.train.y / 60
    penalty = np.diag([0.5, 0.5, 0.5, 0.0])
    np.testing.assert_allclose(run.params[0][0], np.linalg.solve(hessian + penalty, linear), rtol=1e-6)


def test_logistic_regression_of_scikit_learn():
    """LogisticRegression(C=1), standardised breast cancer, in-sample: log loss .05339186."""
    table = BreastCancer().table(np.random.default_rng())
    X = (table.X - table.X.mean(axis=0)) / table.X.std(axis=0)
    data = given(X, table.y, BINARY)
    run = trained(member(data, BCE(), optimizer=LBFGS(weight_decay=1 / len(X)), training=DOUBLE))[0]
    assert run.curves["train/loss"][-1] == pytest.approx(0.05339186, abs=1e-8)


def test_gradient_descent_comes_to_the_same_optimum():
    data, penalised = drawn(THREE_CLASSES, n=60), {"weight_decay": 0.1}
    slow = GD(lr=0.5, **penalised)
    long = dataclasses.replace(DOUBLE, epochs=2000)
    quick = trained(member(data, CCE(), optimizer=LBFGS(**penalised), training=DOUBLE))[0]
    descended = trained(member(data, CCE(), optimizer=slow, training=long))[0]
    np.testing.assert_allclose(quick.params[0], descended.params[0], atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_has_converged_is_not_searched_any_further(dtype, monkeypatch):
    """The curves go on, and stay."""
    values = []
    original = MSE.value
    monkeypatch.setattr(MSE, "value", lambda self, raw, target: values.append(1) or original(self, raw, target))

    def evaluations(epochs):
        values.clear()
        data, training = drawn(REGRESSION, n=60), Training(epochs=epochs, dtype=dtype)
        run = trained(member(data, MSE(), optimizer=LBFGS(weight_decay=0.1), training=training))[0]
        return run, len(values) - 2 * (epochs + 1)  # which train and validation curves take

    (few, n_few), (many, n_many) = evaluations(10), evaluations(50)
    assert n_many == n_few > 10
    assert list(many.epochs) == list(range(51))
    np.testing.assert_array_equal(many.curves["train/loss"][10:], few.curves["train/loss"][-1])
    np.testing.assert_array_equal(many.params[0], few.params[0])


def test_a_way_that_is_shortened_does_not_count_as_convergence():
    data = drawn(REGRESSION, n=60)
    short = trained(member(data, MSE(), optimizer=LBFGS(lr=0.3), training=dataclasses.replace(DOUBLE, epochs=150)))[0]
    full = trained(member(data, MSE(), optimizer=LBFGS(), training=DOUBLE))[0]
    np.testing.assert_allclose(short.params[0], full.params[0], rtol=1e-7)


def test_a_loss_that_leaves_the_numbers_diverges(monkeypatch):
    """What is not a number is not taken for convergence."""
    original = MSE.value

    def value(self, raw, target):
        return np.where(np.abs(raw).max() > 0.5, np.nan, original(self, raw, target))

    monkeypatch.setattr(MSE, "value", value)
    run = trained(member(drawn(REGRESSION, n=60), MSE(), optimizer=LBFGS(), training=DOUBLE))[0]
    assert run.ending == "diverged"


def test_a_network_in_blocks_and_in_single_precision(monkeypatch):
    """A training split too large for one pass gives the same objective."""
    data = drawn(THREE_CLASSES, n=60)

    def losses():
        run = trained(member(data, CCE(), model=MLP(hidden=(8,)), optimizer=LBFGS(), training=Training(epochs=5)))[0]
        return run.curves["train/loss"]

    whole = losses()
    monkeypatch.setattr("lossexp.stepping.BLOCK_ELEMENTS", 8 * 20)
    in_blocks = losses()
    assert whole[-1] < 0.2 * whole[0]
    np.testing.assert_allclose(in_blocks[:2], whole[:2], rtol=1e-2)


def test_the_schedule_shortens_the_way():
    """With lr 0 nothing moves, with lr 1/2 half of the way is gone."""
    data = drawn(REGRESSION)
    one = Training(epochs=1, dtype="float64")
    still, half, full = (
        trained(member(data, MSE(), optimizer=LBFGS(lr=lr), training=one))[0].params[0] for lr in (0, 0.5, 1)
    )
    np.testing.assert_array_equal(still, 0)
    np.testing.assert_allclose(half, full / 2, rtol=1e-12)


def test_runs_are_trained_alone_and_the_plan_says_why():
    planned = sweeping.plan(jobs(*SMALL, "optimizer=gd,lbfgs", "seed=0,1"), Sweep())
    assert sorted(map(len, planned.stacks)) == [1, 1, 2]
    assert "an optimizer that does not stack" in planned.reason


def test_other_optimizers_stack():
    data = drawn(REGRESSION)
    first, second = (member(data, MSE(), optimizer=GD(lr=lr)) for lr in (0.1, 0.2))
    assert stack_key(first) == stack_key(second)
    first, second = (member(data, MSE(), optimizer=LBFGS()) for _ in range(2))
    assert stack_key(first) != stack_key(second)
