"""Outcomes in words, with the numbers they rest on."""

import math

import numpy as np
import pytest

from lossexp.comparison.estimates import Estimate
from lossexp.comparison.paired import compare
from lossexp.comparison.wording import direction, metric_name, probability, sentence, with_interval

TEN = np.linspace(-1, 1, 10)


def said(cce, mse, metric="accuracy", *, higher=True, margin=0.005):
    comparison = compare({"cce": cce, "mse": mse}, metric, higher_is_better=higher, margin=margin)
    return sentence(comparison.pairs[0], comparison)


@pytest.mark.parametrize("swap", [False, True])
def test_the_better_one_is_named_first(swap):
    cce, mse = 0.95 + 0.002 * TEN, 0.93 - 0.002 * TEN**2
    comparison = compare(
        {"mse": mse, "cce": cce} if swap else {"cce": cce, "mse": mse}, "accuracy", higher_is_better=True, margin=0.005
    )
    assert sentence(comparison.pairs[0], comparison) == (
        "cce is better than mse: accuracy higher by 0.0208 [0.0197, 0.0219], p < .001 after Holm, "
        "better for 100 % of 10 seeds."
    )


def test_of_what_should_be_low_the_better_one_is_lower():
    assert said(0.1 + 0.01 * TEN, 0.2 + 0.01 * TEN**2, "log_loss", higher=False).startswith(
        "cce is better than mse: log loss lower by 0.10"
    )


def test_better_by_less_than_matters():
    text = said(0.951 + 1e-5 * TEN, np.full(10, 0.95))
    assert text.startswith("cce is better than mse")
    assert "; yet by less than the 0.005 that matters." in text


def test_equivalent():
    assert said(0.95 + 0.001 * TEN, np.full(10, 0.9501)) == (
        "mse and cce are equivalent within 0.005: accuracy higher by 0.00010 [-0.00038, 0.00058] with mse, "
        "p < .001 for equivalence, 10 seeds."
    )
    assert "accuracy the same, p < .001 for equivalence" in said(0.95 + TEN, 0.95 + TEN)


def test_undecided_says_how_many_more():
    text = said(0.95 + 0.01 * TEN, np.full(10, 0.948))
    assert text.startswith(
        "cce and mse are undecided: accuracy higher by 0.0020 [-0.0028, 0.0068] with cce, p = .37 after Holm"
    )
    assert text.endswith("10 seeds; about 5 more are needed.")


def test_undecided_with_enough_seeds():
    often = np.resize([1, 1, -1], 60)
    text = said(0.9 + 0.0045 + 0.006 * often, np.full(60, 0.9))
    assert text.endswith("60 seeds; better for no more than 67 % of them.")
    text = said(0.9 + 0.002 + 0.006 * np.resize([-1, 1], 20), np.full(20, 0.9), margin=0.004)
    assert text.endswith("20 seeds; a few more may decide it.")


@pytest.mark.parametrize(
    ("margin", "text"), [(0.01, "about 490 more are needed"), (0.005, "many more are needed, or more examples")]
)
def test_no_absurd_numbers_of_seeds(margin, text):
    """TEN has a standard deviation of 0.673, so it takes 7.84 · (0.0798 / margin)² = 499 or 1997 seeds in all."""
    assert said(0.9 + 0.1185 * TEN, np.full(10, 0.9), margin=margin).endswith(f"; {text}.")


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (0, "cce and mse are undecided: there is no seed for which both ended well."),
        (
            1,
            "by 0.2 with cce for one seed, which says nothing about chance; at least 5 more are needed.",
        ),
        (5, "5 seeds; about 1 more is needed. All seeds give the same value."),
    ],
)
def test_few_seeds(n, text):
    assert said(np.full(n, 0.95), np.full(n, 0.75)).endswith(text)


def test_what_was_left_out_is_said():
    cce, mse = 0.95 + 0.002 * TEN, 0.93 - 0.002 * TEN
    cce[[0, 3]] = mse[4] = math.nan
    assert said(cce, mse).endswith("Left out: 3 seeds without a finite result (2 of cce and 1 of mse).")
    mse[4] = 0.93
    cce[0] = 0.95
    assert said(cce, mse).endswith("Left out: 1 seed without a finite result (1 of cce).")


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(0.0208, 0.0151, 0.0265), "0.0208 [0.0151, 0.0265]"),
        (Estimate(123.456, 100, 146.9), "123 [100, 147]"),
        (Estimate(-1.5e-9, -3.0e-9, 0.0), "-1.5e-09 [-3.0e-09, 0.0e+00]"),
        (Estimate(1.234567e9, 1.23446e9, 1.23466e9), "1.23457e+09 [1.23446e+09, 1.23466e+09]"),
        (Estimate(-0.0001, -0.02, 0.02), "0.000 [-0.020, 0.020]"),
        (Estimate(1 / 3, 1 / 3 - 1e-17, 1 / 3 + 1e-16), "0.333333 [0.333333, 0.333333]"),
        (Estimate(12.3456, 12.3456, 12.3456), "12.3"),
        (Estimate(0.2), "0.2"),
    ],
)
def test_as_many_digits_as_the_interval_carries(estimate, text):
    assert with_interval(estimate) == text


@pytest.mark.parametrize(
    ("metric", "text"),
    [("log_loss_calibrated", "calibrated log loss"), ("rmse", "RMSE"), ("pinball_10", "pinball 10")],
)
def test_metrics_are_named_as_they_are_read(metric, text):
    assert metric_name(metric) == text
    assert f" are equivalent within 0.005: {text} the same" in said(TEN, TEN, metric)


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.5, "= .50"), (0.0444, "= .044"), (0.001, "= .001"), (0.0009, "< .001"), (1.0, "= 1.00"), (math.nan, "unknown")],
)
def test_p_values(p, text):
    assert probability(p) == text


@pytest.mark.parametrize(
    ("difference", "text"),
    [
        (Estimate(517.0, -33.0, 1067.0), "higher by 517 [-33, 1067]"),
        (Estimate(-517.0, -1067.0, 33.0), "lower by 517 [-33, 1067]"),
        (Estimate(-0.5), "lower by 0.5"),
        (Estimate(0.0, -1.0, 1.0), "different by 0.0 [-1.0, 1.0]"),
    ],
)
def test_lower_and_higher_go_with_numbers_above_0(difference, text):
    assert direction(difference) == text
