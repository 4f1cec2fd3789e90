"""Links: inverses, their derivatives, and how raw predictions are read as class probabilities."""

import numpy as np
import pytest

from lossexp.links import LINKS

from .losses.contract import four_point

EXTREMES = np.array([[-1e4, 0.0, 1e4, 60.0], [1e4, 0.0, 1e4, -60.0], [0.0, 0.0, -1e4, 0.0]])[:, None]


@pytest.fixture
def raw():
    return np.random.default_rng(0).normal(0, 2, (3, 2, 5))


@pytest.mark.parametrize("name", LINKS)
def test_inverse_writes_where_it_is_told(name, raw):
    expected, before = LINKS[name].inverse(raw), raw.copy()
    np.testing.assert_array_equal(raw, before)
    out = np.empty_like(raw)
    assert LINKS[name].inverse(raw, out) is out
    np.testing.assert_array_equal(out, expected)
    assert LINKS[name].inverse(raw, raw) is raw
    np.testing.assert_array_equal(raw, out)


def test_inverses_by_their_definition(raw):
    power = np.exp(raw)
    np.testing.assert_array_equal(LINKS["identity"].inverse(raw), raw)
    np.testing.assert_allclose(LINKS["logistic"].inverse(raw), 1 / (1 + 1 / power), rtol=1e-14)
    np.testing.assert_allclose(LINKS["softmax"].inverse(raw), power / power.sum(axis=0), rtol=1e-14)
    np.testing.assert_allclose(LINKS["log"].inverse(raw), power, rtol=1e-14)


@pytest.mark.parametrize("name", LINKS)
def test_the_error_is_prediction_minus_target_and_is_written_where_it_is_told(name, raw):
    link, target = LINKS[name], np.random.default_rng(1).normal(size=(3, 1, 5))
    error, _ = link.error(raw, target)
    np.testing.assert_allclose(error, link.inverse(raw) - target, rtol=1e-13, atol=1e-15)
    assert link.error(raw, target, raw)[0] is raw
    np.testing.assert_array_equal(raw, error)


@pytest.mark.parametrize("name", LINKS)
def test_pull_back_is_the_chain_rule(name, raw):
    """The gradient of sum(c · inverse(raw)) for random c, output by output."""
    link, c = LINKS[name], np.random.default_rng(1).normal(size=raw.shape)
    gradient = c.copy()
    _, pull_back = link.error(raw, np.zeros_like(raw))
    pull_back(gradient)
    for output in range(len(raw)):
        unit = np.eye(3)[:, output, None, None]
        numeric = four_point(lambda move, unit=unit: (c * link.inverse(raw + move * unit)).sum(axis=0), 0.0)
        np.testing.assert_allclose(gradient[output], numeric, rtol=5e-6, atol=1e-10)


@pytest.mark.parametrize("name", ["identity", "logistic", "softmax"])
def test_probabilities_of_many_classes_sum_to_one_even_far_out(name, raw):
    for scores in (raw, EXTREMES):
        probabilities = LINKS[name].probabilities(scores)
        assert np.all((probabilities >= 0) & (probabilities <= 1))
        np.testing.assert_allclose(probabilities.sum(axis=0), 1, rtol=1e-14)


def test_probabilities_of_the_log_link(raw):
    np.testing.assert_allclose(LINKS["log"].probabilities(raw), LINKS["softmax"].probabilities(raw), rtol=1e-14)


def test_raw_predictions_read_as_probabilities_are_clipped():
    """By hand: clipped to (1, 0.5, 0), which sum to 1.5; all below 0 gives every class alike."""
    scores = np.array([[2.0, -1.0], [0.5, -2.0], [-0.5, -3.0]])[:, None]
    probabilities = LINKS["identity"].probabilities(scores)[:, 0]
    np.testing.assert_allclose(probabilities, [[2 / 3, 1 / 3], [1 / 3, 1 / 3], [0, 1 / 3]], rtol=1e-15)


def test_one_output_is_the_probability_of_the_second_class():
    scores = np.array([[[-2.0, 0.25, 3.0]]])
    np.testing.assert_array_equal(LINKS["identity"].probabilities(scores), [[[0.0, 0.25, 1.0]]])
    np.testing.assert_array_equal(LINKS["logistic"].probabilities(scores), LINKS["logistic"].inverse(scores))
