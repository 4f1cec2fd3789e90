import numpy as np
import pytest

from lossexp.datasets import Spiral
from lossexp.targets import Target, Task


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_the_arms_are_those_of_the_published_program(n_classes):
    # The program of CS231n's case study, arm by arm, without its noise.
    n = 100
    X = np.zeros((n * n_classes, 2))
    for arm in range(n_classes):
        radius, theta = np.linspace(0, 1, n), np.linspace(arm * 4, (arm + 1) * 4, n)
        X[n * arm : n * (arm + 1)] = np.c_[radius * np.sin(theta), radius * np.cos(theta)]
    table = Spiral(n_classes=n_classes, noise=0).table(np.random.default_rng(0))
    np.testing.assert_allclose(table.X, X, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(table.y, np.repeat(np.arange(n_classes), n))


def test_noise_turns_points_but_keeps_their_radius():
    X = Spiral(n_per_class=5000, noise=0.2).table(np.random.default_rng(0)).X
    radius = np.tile(np.linspace(0, 1, 5000), 3)
    np.testing.assert_allclose(np.hypot(*X.T), radius, rtol=1e-12, atol=1e-15)
    exact = 4 * (np.repeat(np.arange(3), 5000) + radius)
    turn = (np.arctan2(*X.T) - exact + np.pi) % (2 * np.pi) - np.pi
    assert turn[radius > 0].std() == pytest.approx(0.2, rel=0.03)


def test_the_target_follows_the_number_of_arms():
    assert Spiral(n_classes=2).load(0).target == Target(Task.BINARY, 2)
    assert Spiral(n_classes=7).load(0).target == Target(Task.MULTICLASS, 7)
    assert Spiral(n_classes=7).load(0).class_names[-1] == "arm 6"
