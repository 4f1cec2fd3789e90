"""What optimizers promise besides their trajectories, and gradient descent on a quadratic through the whole program."""

import numpy as np
import pytest

from lossexp.components import InvalidValueError
from lossexp.experiment import Training
from lossexp.losses import MSE
from lossexp.models import Linear
from lossexp.optimizers import GD, SGD

from ..trainings import REGRESSION, given, member, trained


def quadratic(n=20, d=4, seed=0):
    """Return least-squares data, its Hessian for [w, b], and the minimiser: the loss is a quadratic of both."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)) * [1, 2, 0.5, 1], rng.standard_normal(n)
    augmented = np.column_stack([X, np.ones(n)])
    hessian = 2 * augmented.T @ augmented / n
    return given(X, y, REGRESSION), hessian, np.linalg.lstsq(augmented, y)[0]


def descended(data, optimizer, epochs, scale=1.0):
    return trained(
        member(
            data,
            MSE(),
            model=Linear(scale=scale),
            optimizer=optimizer,
            training=Training(epochs=epochs, dtype="float64"),
        )
    )[0]


@pytest.mark.parametrize("optimizer", [GD(), SGD(batch_size=10**9)], ids=["gd", "sgd with all rows"])
def test_gradient_descent_on_a_quadratic_is_a_power_of_a_matrix(optimizer):
    """w_k - w* = (I - lr H)^k (w_0 - w*), and the loss is its minimum plus half the quadratic form of that."""
    data, hessian, best = quadratic()
    lr = 1 / np.linalg.eigvalsh(hessian).max()
    start = descended(data, GD(), epochs=0).params[0][0]
    optimizer = type(optimizer)(**{**vars(optimizer), "lr": lr})
    contraction = np.eye(5) - lr * hessian
    for k in (1, 2, 10, 100):
        run = descended(data, optimizer, epochs=k)
        powers = [np.linalg.matrix_power(contraction, step) @ (start - best) for step in range(k + 1)]
        np.testing.assert_allclose(run.params[0][0], best + powers[k], rtol=1e-12, atol=1e-12)
        minimum = np.mean((np.column_stack([data.train.X, np.ones(20)]) @ best - data.train.y) ** 2)
        losses = [minimum + error @ hessian @ error / 2 for error in powers]
        np.testing.assert_allclose(run.curves["train/loss"], losses, rtol=1e-12)
    assert np.all(np.diff(run.curves["train/loss"]) <= 1e-15)


@pytest.mark.parametrize(
    ("optimizer", "bound"),
    [(GD(), 2.0), (SGD(batch_size=20, momentum=0.9), 3.8)],
    ids=["gd", "heavy ball"],
)
def test_the_stability_bound(optimizer, bound):
    """Gradient descent is stable below lr = 2/L, the heavy ball below 2 (1 + momentum)/L; beyond, it is diverged."""
    data, hessian, best = quadratic()
    largest = np.linalg.eigvalsh(hessian).max()
    below, above = (
        descended(data, type(optimizer)(**{**vars(optimizer), "lr": factor * bound / largest}), epochs=2000)
        for factor in (0.98, 1.02)
    )
    assert below.ending == "completed"
    np.testing.assert_allclose(below.params[0][0], best, rtol=1e-10, atol=1e-10)
    assert above.ending == "diverged"
    assert np.isfinite(above.params[0]).all()
    assert above.epochs[-1] < 2000


def test_weight_decay_is_ridge_regression_without_the_bias():
    """(H + weight_decay I without the bias) w = H w*: the penalised minimum in closed form."""
    data, hessian, best = quadratic()
    penalty = np.diag([0.5, 0.5, 0.5, 0.5, 0.0])
    ridge = np.linalg.solve(hessian + penalty, hessian @ best)
    for optimizer in (GD(lr=0.1, weight_decay=0.5), SGD(lr=0.02, momentum=0.9, batch_size=20, weight_decay=0.5)):
        run = descended(data, optimizer, epochs=1000)
        np.testing.assert_allclose(run.params[0][0], ridge, rtol=1e-10, atol=1e-12)


def test_the_heavy_ball_follows_a_narrow_valley_to_its_end():
    """Condition number 2000, each method at its best setting: the heavy ball is there, gradient descent far away.

    lr = 4 / (sqrt(L) + sqrt(l))² and momentum ((sqrt(L) - sqrt(l)) / (sqrt(L) + sqrt(l)))², Polyak (1964).
    """
    X = np.diag(np.sqrt([8000.0, 240.0, 8.0]))
    data = given(np.vstack([X, -X]), [0, 1, 2, 3, 4, 5.0], REGRESSION)
    augmented = np.column_stack([data.train.X, np.ones(6)])
    best, curvature = np.linalg.lstsq(augmented, data.train.y)[0], np.linalg.eigvalsh(augmented.T @ augmented / 3)
    small, large = np.sqrt(curvature[[0, -1]])
    ball = SGD(lr=4 / (large + small) ** 2, momentum=((large - small) / (large + small)) ** 2, batch_size=6)
    there, plain = (descended(data, optimizer, epochs=1000) for optimizer in (ball, GD(lr=2 / (large**2 + small**2))))
    np.testing.assert_allclose(there.params[0][0], best, rtol=1e-10, atol=1e-10)
    assert np.abs(plain.params[0][0] - best).max() > 0.1


def test_examples_per_step():
    assert GD().examples_per_step is None
    assert SGD(batch_size=7).examples_per_step == 7


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"lr": -1}, "lr=-1 is not allowed: expected a finite number at least 0"),
        ({"lr": float("nan")}, "lr=nan is not allowed"),
        ({"lr": float("inf")}, "lr=inf is not allowed"),
        ({"weight_decay": -0.1}, "weight_decay=-0.1 is not allowed"),
        ({"momentum": 1}, "momentum=1 is not allowed: expected a finite number at least 0 and below 1"),
        ({"batch_size": 0}, "batch_size=0 is not allowed: expected a whole number at least 1"),
        ({"batch_size": 2.5}, "batch_size=2.5 is not allowed"),
        ({"nesterov": "maybe"}, "nesterov='maybe' is not allowed: expected true or false"),
    ],
)
def test_hyperparameters_out_of_range_are_refused(bad, message):
    with pytest.raises(InvalidValueError, match=message):
        SGD(**bad)
