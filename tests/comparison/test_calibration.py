"""Calibration by hand, the temperature by recovery of the one that was used, and both at the extremes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossexp.comparison import calibration
from lossexp.links import LINKS

# Two classes, five bins. Confidences .55 (right), .65 (wrong), .65 (right) and .95 (right) are in the last three bins.
# Gaps: 1 - .55 = .45 for one, |.5 - .65| = .15 for two, 1 - .95 = .05 for one: (.45 + 2 · .15 + .05) / 4 = .2.
FOUR = np.array([[0.45, 0.55], [0.65, 0.35], [0.65, 0.35], [0.05, 0.95]])
LABELS = np.array([1, 1, 0, 1])


def test_calibration_error_by_hand():
    bins = calibration.reliability(FOUR, LABELS, n_bins=5)
    assert bins.error == pytest.approx(0.2, rel=1e-12)
    np.testing.assert_allclose(bins.confidence, [np.nan, np.nan, 0.55, 0.65, 0.95], rtol=1e-12)
    np.testing.assert_allclose(bins.accuracy, [np.nan, np.nan, 1, 0.5, 1], rtol=1e-12)
    assert bins.weight.tolist() == [0, 0, 1, 2, 1]


def test_adaptive_calibration_error_by_hand():
    """Two bins of two: {.55 right, .65 wrong}, {.65 right, .95 right}; gaps |.5 - .6| and |1 - .8|."""
    bins = calibration.reliability(FOUR, LABELS, n_bins=2, equal_mass=True)
    assert bins.weight.tolist() == [2, 2]
    assert bins.error == pytest.approx((0.1 + 0.2) / 2, rel=1e-12)


@pytest.mark.parametrize("equal_mass", [False, True])
def test_a_weight_counts_like_a_repetition(equal_mass):
    counts = np.array([1, 3, 2, 2])
    weighted = calibration.reliability(FOUR, LABELS, counts.astype(float), n_bins=4, equal_mass=equal_mass)
    repeated = calibration.reliability(
        np.repeat(FOUR, counts, axis=0), np.repeat(LABELS, counts), n_bins=4, equal_mass=equal_mass
    )
    if not equal_mass:  # bins of equal mass may cut through the repetitions of an example
        np.testing.assert_allclose(weighted.confidence, repeated.confidence, rtol=1e-12)
        assert weighted.error == pytest.approx(repeated.error, rel=1e-12)
    assert weighted.weight.sum() == repeated.weight.sum() == 8


@given(st.integers(1, 300), st.integers(1, 20))
def test_bins_of_equal_mass_differ_by_one_example_at_most(n, n_bins):
    p = np.random.default_rng(n).dirichlet(np.ones(3), n)
    weight = calibration.reliability(p, np.zeros(n, dtype=int), n_bins=n_bins, equal_mass=True).weight
    assert weight.sum() == n
    assert np.ptp(weight) <= 1


def test_probabilities_on_the_edges():
    """1 is in the last bin; an edge belongs to the bin below it."""
    p = np.array([[1.0, 0.0], [0.8, 0.2], [0.5, 0.5]])
    assert calibration.reliability(p, np.zeros(3, dtype=int), n_bins=5).weight.tolist() == [0, 0, 1, 1, 1]


def test_a_calibrated_model_has_a_small_error_and_a_sure_one_its_gap():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(4), 20_000)
    labels = (rng.random(20_000)[:, None] > p.cumsum(axis=1)).sum(axis=1)
    assert calibration.reliability(p, labels).error < 0.015
    assert calibration.reliability(p, labels, equal_mass=True).error < 0.015
    sure = np.eye(4)[p.argmax(axis=1)]
    accuracy = np.mean(p.argmax(axis=1) == labels)
    assert calibration.reliability(sure, labels).error == pytest.approx(1 - accuracy, rel=1e-12)


def drawn(n_outputs, n=5_000):
    """Return scores and labels that are drawn with the probabilities of the scores."""
    rng = np.random.default_rng(n_outputs)
    scores = rng.normal(0, 2, (n_outputs, n))
    p = calibration.probabilities(scores)
    return scores, (rng.random(n)[:, None] > p.cumsum(axis=1)).sum(axis=1)


@pytest.mark.parametrize("n_outputs", [1, 2, 5])
@pytest.mark.parametrize("factor", [1e-4, 0.3, 1, 20, 1e6])
def test_the_temperature_that_spoiled_the_scores_is_found(n_outputs, factor):
    scores, labels = drawn(n_outputs)
    assert calibration.fit_temperature(factor * scores, labels) == pytest.approx(factor, rel=0.1)


@pytest.mark.parametrize("n_outputs", [1, 4])
def test_no_other_temperature_is_better(n_outputs):
    """Of 501 examples, one of which may be of any class."""
    scores, labels = drawn(n_outputs, 500)
    weights = np.random.default_rng(0).uniform(0, 2, 500)
    found = calibration.fit_temperature(scores, labels, weights)

    def log_loss(temperature):
        surprisals = -np.log(calibration.probabilities(scores, temperature))
        of_true = np.average(surprisals[np.arange(500), labels], weights=weights)
        return (500 * of_true + np.average(surprisals.mean(axis=1), weights=weights)) / 501

    assert all(log_loss(found) <= log_loss(found * other) for other in (0.5, 0.99, 1.01, 2))


def test_the_temperature_is_that_of_a_logistic_regression_through_the_origin():
    """scikit-learn's unpenalised fit of the labels by the score alone: its slope is 1 / temperature.

    Each example is there once, and half a 400th of it once more with either label.
    """
    from sklearn.linear_model import LogisticRegression

    scores, labels = drawn(1, 400)
    X, y = np.tile(scores.T, (3, 1)), np.concatenate([labels, np.zeros(400, dtype=int), np.ones(400, dtype=int)])
    weight = np.concatenate([np.ones(400), np.full(800, 0.5 / 400)])
    slope = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10).fit(X, y, weight).coef_[0, 0]
    assert calibration.fit_temperature(scores, labels) == pytest.approx(1 / slope, rel=1e-4)


@pytest.mark.parametrize("scores", [np.zeros((1, 6)), np.zeros((3, 6)), np.full((3, 6), 7.0)])
def test_scores_that_say_nothing_stay_as_they_are(scores):
    assert calibration.fit_temperature(scores, np.array([0, 1, 0, 1, 0, 1])) == 1


@pytest.mark.parametrize("factor", [1e-3, 1, 100])
def test_scores_that_separate_the_classes_are_not_trusted_without_end(factor):
    """Of n examples and one that may be of any class, 1 / 2(n + 1) is wrong: the odds of a score of 1 are 2n + 1."""
    scores, labels = factor * np.array([[-1.0, 1.0, -1.0, 1.0]]), np.array([0, 1, 0, 1])
    assert calibration.fit_temperature(scores, labels) == pytest.approx(factor / math.log(9), rel=1e-3)


def test_scores_that_are_all_wrong_end_at_the_range():
    assert calibration.fit_temperature(np.array([[2.0, -2.0, 1.0, -1.0]]), np.array([0, 1, 0, 1])) > 100


@pytest.mark.parametrize(("link_name", "n_outputs"), [("logistic", 1), ("logistic", 3), ("softmax", 2), ("softmax", 4)])
def test_at_temperature_1_the_probabilities_are_those_of_the_link(link_name, n_outputs):
    raw = np.random.default_rng(0).normal(0, 3, (n_outputs, 50))
    expected = LINKS[link_name].probabilities(raw[:, None])[:, 0].T
    found = calibration.probabilities(calibration.scores(raw, link_name))
    np.testing.assert_allclose(found[:, -n_outputs:], expected, rtol=1e-12)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize(
    ("link_name", "n_outputs"), [("identity", 1), ("identity", 3), ("logistic", 3), ("softmax", 3)]
)
@pytest.mark.parametrize("temperature", [0.1, 1, 30])
def test_a_temperature_keeps_the_predicted_class(link_name, n_outputs, temperature):
    raw = np.random.default_rng(0).normal(0.5, 0.4, (n_outputs, 200))
    calibrated = calibration.probabilities(calibration.scores(raw, link_name), temperature)
    predicted = raw[0] > 0.5 if link_name == "identity" and n_outputs == 1 else raw.argmax(axis=0)
    np.testing.assert_array_equal(calibrated.argmax(axis=1), predicted)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_extreme_scores(n_outputs):
    scores = np.array([[1e4, -1e4, 0.0, 745.0]] * n_outputs) * np.arange(1, n_outputs + 1)[:, None]
    labels = np.array([0, 1, 0, 1])
    surprisal = calibration.surprisal(scores, labels)
    assert np.isfinite(surprisal).all()
    assert surprisal[0] == pytest.approx(1e4 if n_outputs == 1 else 2e4, rel=1e-12)
    assert math.isfinite(calibration.fit_temperature(scores, labels))
