import numpy as np
import pytest

from lossexp.datasets.corruption import add_noise, add_outliers, replace_labels

LABELS = np.repeat(np.arange(4), 250)
VALUES = np.linspace(-3, 3, 1000)


def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("fraction", [0, 0.1, 0.25, 1])
def test_replace_labels_changes_exactly_this_fraction(fraction):
    noisy = replace_labels(LABELS, fraction, 4, rng())
    assert (noisy != LABELS).sum() == fraction * 1000
    assert set(noisy) <= {0, 1, 2, 3}


def test_replaced_labels_are_uniform_over_the_other_classes():
    noisy = replace_labels(np.zeros(30_000, dtype=int), 1.0, 4, rng())
    # Binomial(30000, 1/3) has standard deviation 82: five of them are 408.
    np.testing.assert_allclose(np.bincount(noisy), [0, 10_000, 10_000, 10_000], atol=408)


def test_more_label_noise_adds_to_less():
    little, much = (replace_labels(LABELS, fraction, 4, rng()) for fraction in (0.1, 0.3))
    hit = little != LABELS
    np.testing.assert_array_equal(much[hit], little[hit])


def test_noise_has_its_standard_deviation_and_scales():
    noise = add_noise(VALUES, 2.0, rng()) - VALUES
    # The standard error of a deviation from 1000 draws is 2 / sqrt(2000) = 0.045: five of them are 0.22.
    assert noise.std() == pytest.approx(2, abs=0.22)
    assert noise.mean() == pytest.approx(0, abs=5 * 2 / np.sqrt(1000))
    np.testing.assert_allclose(add_noise(VALUES, 1.0, rng()) - VALUES, noise / 2, rtol=1e-10, atol=1e-14)


def test_outliers_move_exactly_this_fraction_by_the_distance_both_ways():
    moved = add_outliers(VALUES, 0.2, 50.0, rng()) - VALUES
    assert (moved != 0).sum() == 200
    np.testing.assert_allclose(np.abs(moved[moved != 0]), 50, rtol=1e-12)
    # Binomial(200, 1/2) has standard deviation 7.1: five of them are 35.
    assert (moved > 0).sum() == pytest.approx(100, abs=35)


def test_nothing_changes_the_argument_and_nothing_is_the_identity():
    before = LABELS.copy(), VALUES.copy()
    np.testing.assert_array_equal(replace_labels(LABELS, 0, 4, rng()), LABELS)
    np.testing.assert_array_equal(add_noise(VALUES, 0, rng()), VALUES)
    np.testing.assert_array_equal(add_outliers(VALUES, 0, 10, rng()), VALUES)
    replace_labels(LABELS, 1, 4, rng())
    add_outliers(VALUES, 1, 10, rng())
    np.testing.assert_array_equal(LABELS, before[0])
    np.testing.assert_array_equal(VALUES, before[1])
