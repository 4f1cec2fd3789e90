"""CCE against exact arithmetic at the far ends, its symmetries, and what it has in common with BCE."""

import mpmath
import numpy as np
import pytest

from lossexp.losses import BCE, CCE

from ..trainings import BINARY, THREE_CLASSES
from .contract import gradient_of

SCORES = np.array(
    [
        [0.0, 0.0, 0.0],
        [1e4, 0.0, 7e-7],
        [1e-300, -1e-300, 0.0],
        [1e-9, 0.0, -1e-9],
        [36.9, 0.0, -36.9],
        [37.0, 37.0, 0.0],
        [59.9, -59.9, 60.1],
        [232.8, 0.0, 0.0],
        [709.8, 709.8, -709.8],
        [745.2, 0.0, 1.0],
        [1e9, 1e9, -1e9],
        [1e20, -1e20, 0.0],
    ]
)


def exact(scores, label):
    with mpmath.workdps(1000):
        scores = [mpmath.mpf(float(score)) for score in scores]
        rest = mpmath.fsum(mpmath.exp(s - scores[label]) for j, s in enumerate(scores) if j != label)
        return float(mpmath.log1p(rest))


@pytest.mark.parametrize("label", [0, 1, 2])
def test_value_by_relative_accuracy_alone(label):
    """The exponent of a difference of d is off by d/2 units in the last place, which is where 1e-13 comes from."""
    target = np.zeros((3, 1, len(SCORES)))
    target[label] = 1
    value = CCE().value(SCORES.T[:, None], target)[0]
    expected = np.array([exact(scores, label) for scores in SCORES])
    # Two of them are below 1e-308, where numbers are 5e-324 apart.
    np.testing.assert_allclose(value, expected, rtol=1e-13, atol=2e-323)
    assert np.all(value >= 0)
    assert not np.signbit(value).any()


@pytest.mark.parametrize("shift", [-1e4, -60.0, 1.0, 59.0, 61.0, 1e4])
def test_a_constant_added_to_all_scores_changes_nothing(shift):
    rng = np.random.default_rng(0)
    raw, target = rng.normal(0, 3, (4, 2, 100)), rng.dirichlet(np.ones(4), 100).T[:, None]
    np.testing.assert_allclose(CCE().value(raw + shift, target), CCE().value(raw, target), rtol=0, atol=1e-11)
    shifted, gradient = gradient_of(CCE(), raw + shift, target), gradient_of(CCE(), raw, target)
    np.testing.assert_allclose(shifted, gradient, rtol=0, atol=1e-11)


def test_the_gradient_sums_to_zero_over_the_classes():
    rng = np.random.default_rng(0)
    raw, target = rng.normal(0, 30, (5, 2, 100)), rng.dirichlet(np.ones(5), 100).T[:, None]
    np.testing.assert_allclose(gradient_of(CCE(), raw, target).sum(axis=0), 0, rtol=0, atol=5e-15)


def test_two_classes_are_bce_of_the_difference_of_their_scores():
    """Within 1e-15 of the larger of 1 and the loss, on a grid of score differences that are exact."""
    z = np.concatenate([np.linspace(-40, 40, 641), [-1e4, -745.0, 100.0, 1e4]])
    for y in (0.0, 0.25, 1.0):
        raw, target = np.stack([-z / 2, z / 2])[:, None], np.full((2, 1, len(z)), [[[1 - y]], [[y]]])
        cce, bce = CCE().value(raw, target)[0], BCE().value(z[None, None], target[1:])[0]
        assert np.all(np.abs(cce - bce) <= 1e-15 * np.maximum(bce, 1))
        by_difference = gradient_of(BCE(), z[None, None], target[1:])[0]
        gradient = gradient_of(CCE(), raw, target)
        np.testing.assert_allclose(gradient[1], by_difference, rtol=0, atol=1e-15)
        np.testing.assert_allclose(gradient[0], -by_difference, rtol=0, atol=1e-15)


def test_complex_step_of_an_analytic_reference():
    rng = np.random.default_rng(0)
    raw, target = rng.normal(0, 2, (3, 1, 50)), rng.dirichlet(np.ones(3), 50).T[:, None]
    gradient = gradient_of(CCE(), raw, target)
    for output in range(3):
        z = raw.astype(complex)
        z[output] += 1e-30j
        derivative = np.sum(target * (np.log(np.exp(z).sum(axis=0)) - z), axis=0).imag / 1e-30
        np.testing.assert_allclose(gradient[output], derivative, rtol=1e-14, atol=2e-16)


def test_equal_scores_cost_the_log_of_the_number_of_classes():
    for n_classes in (2, 3, 10, 1000):
        raw, target = np.full((n_classes, 1, 1), 7.0), np.eye(n_classes)[:, :1, None]
        assert CCE().value(raw, target)[0, 0] == pytest.approx(np.log(n_classes), rel=1e-15)


def test_links_and_metric():
    assert CCE().link_name(BINARY) == CCE().link_name(THREE_CLASSES) == "softmax"
    assert CCE().n_outputs(BINARY) == 2
    assert CCE().as_metric(BINARY) == CCE().as_metric(THREE_CLASSES) == "log_loss"


def test_a_class_that_is_ruled_out_does_not_spoil_the_others():
    """A score of -inf: probability 0. The other classes share what is left, and its gradient is 0."""
    raw = np.array([0.0, 1.0, -np.inf]).reshape(3, 1, 1)
    target = np.array([1.0, 0.0, 0.0]).reshape(3, 1, 1)
    assert CCE().value(raw, target)[0, 0] == pytest.approx(np.log(1 + np.e), rel=1e-15)
    out = np.empty_like(raw)
    CCE().gradient(raw, target, out)
    assert out[2, 0, 0] == 0
    assert out.sum() == pytest.approx(0, abs=1e-15)
