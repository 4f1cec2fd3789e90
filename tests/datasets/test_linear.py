import numpy as np
import pytest

from lossexp.datasets import Linear


def test_without_noise_the_target_is_linear_without_intercept():
    table = Linear(n_samples=50, n_features=4, noise=0).table(np.random.default_rng(0))
    weights, residual, rank, _ = np.linalg.lstsq(table.X, table.y, rcond=None)
    assert rank == 4
    assert residual[0] < 1e-25
    assert np.abs(weights).min() > 0.01


def test_the_best_squared_error_is_the_square_of_the_noise():
    table = Linear(n_samples=20_000, noise=0.5).table(np.random.default_rng(0))
    _, residual, _, _ = np.linalg.lstsq(table.X, table.y, rcond=None)
    assert residual[0] / 20_000 == pytest.approx(0.25, rel=0.05)


def test_each_seed_draws_its_own_weights():
    one, two = (Linear(n_samples=50, noise=0).table(np.random.default_rng(seed)) for seed in (0, 1))
    assert not np.allclose(*(np.linalg.lstsq(table.X, table.y, rcond=None)[0] for table in (one, two)))
