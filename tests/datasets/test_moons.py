import numpy as np
import pytest
from sklearn.datasets import make_moons

from lossexp.datasets import Moons


@pytest.mark.parametrize("n_samples", [2, 7, 100])
def test_the_geometry_is_that_of_scikit_learn(n_samples):
    X, y = make_moons(n_samples, shuffle=False, noise=None)
    table = Moons(n_samples=n_samples, noise=0).table(np.random.default_rng(0))
    np.testing.assert_allclose(table.X, X, rtol=1e-14, atol=1e-15)
    np.testing.assert_array_equal(table.y, y)


def test_noise_has_its_standard_deviation_on_both_coordinates():
    noisy, clean = (Moons(n_samples=20_000, noise=s).table(np.random.default_rng(0)).X for s in (0.3, 0))
    np.testing.assert_allclose((noisy - clean).std(axis=0), 0.3, rtol=0.03)


def test_another_seed_draws_other_points():
    one, two = (Moons(standardize=False, split_seed=0).load(seed) for seed in (0, 1))
    assert not np.isin(one.train.X, two.train.X).any()
