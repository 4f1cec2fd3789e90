import numpy as np

from lossexp.datasets.scaling import standardized


def test_statistics_come_from_the_first_part_alone():
    rng = np.random.default_rng(0)
    train, other = rng.normal(5, 3, size=(50, 4)), rng.normal(100, 1, size=(20, 4))
    scaled, moved = standardized(train, other)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(scaled.std(axis=0), 1, rtol=1e-14)
    np.testing.assert_allclose(moved, (other - train.mean(axis=0)) / train.std(axis=0), rtol=1e-14)


def test_a_constant_column_becomes_zero_and_stays_finite():
    # The mean of ten times 0.1 is not 0.1 in floating point, so a deviation by formula is 1e-17, not 0.
    train = np.column_stack([np.full(10, 0.1), np.arange(10.0)])
    scaled, moved = standardized(train, np.array([[0.6, 1.0]]))
    np.testing.assert_array_equal(scaled[:, 0], 0)
    assert moved[0, 0] == 0.5


def test_numbers_whose_squares_vanish_stay_finite():
    (scaled,) = standardized(np.array([[8e-273], [0.0], [0.0]]))
    assert np.abs(scaled).max() < 1e-200


def test_an_empty_part_and_a_target_without_columns():
    scaled, empty = standardized(np.array([1.0, 3.0]), np.array([]))
    np.testing.assert_array_equal(scaled, [-1, 1])
    assert empty.shape == (0,)
