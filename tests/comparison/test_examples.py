"""One model of each loss on the same examples: McNemar, groups, and the crossed bootstrap."""

import numpy as np
import pytest

from lossexp.comparison.estimates import t_test
from lossexp.comparison.examples import by_group, crossed_bootstrap, mcnemar


def table(both, only_a, only_b, neither):
    """Return who is right on which example, of a table of counts."""
    right_a = np.repeat([True, True, False, False], [both, only_a, only_b, neither])
    right_b = np.repeat([True, False, True, False], [both, only_a, only_b, neither])
    return right_a, right_b


@pytest.mark.parametrize(
    ("counts", "p"),
    [
        # Fagerland, Lydersen and Laake (2013), airway hyper-responsiveness (Bentur et al. 2009): 2 (1 + 8) / 2^8.
        ((1, 1, 7, 12), 0.0703125),
        # The same authors, complete response (Cavo et al. 2012), 6 and 16: 2 · 110 056 / 2^22, the sum of the binomial
        # coefficients of 22 up to 6.
        ((59, 6, 16, 80), 2 * 110_056 / 2**22),
        ((10, 0, 0, 5), 1.0),
        ((10, 4, 4, 5), 1.0),
        ((0, 6, 0, 0), 2 / 2**6),
    ],
)
def test_exact_mcnemar(counts, p):
    found = mcnemar(*table(*counts))
    assert (found.only_a, found.only_b) == (counts[1], counts[2])
    assert found.p == pytest.approx(p, rel=1e-12)
    assert mcnemar(*reversed(table(*counts))).p == found.p


def test_groups_of_one_size_are_their_means():
    values = np.random.default_rng(0).normal(0, 1, (2, 12))
    groups = np.tile([7, 3, 5, 4], 3)
    means = [values[:, groups == group].mean(axis=1) for group in (3, 4, 5, 7)]
    np.testing.assert_allclose(by_group(values, groups), np.transpose(means), rtol=1e-12)
    assert by_group(values, None) is values


def test_of_groups_of_any_size_the_mean_and_its_error_are_those_over_whole_groups():
    """sqrt(G / (G - 1) · sum over the groups of (sum of deviations)²) / n, by its formula."""
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 9, 60)
    differences = rng.normal(0.2, 1, 60) + rng.normal(0, 1, 9)[groups]
    deviations = [np.sum(differences[groups == group] - differences.mean()) for group in range(9)]
    error = np.sqrt(9 / 8 * np.sum(np.square(deviations))) / 60
    found = t_test(by_group(differences, groups))
    assert found.mean.value == pytest.approx(differences.mean())
    assert found.t == pytest.approx(differences.mean() / error)
    assert found.df == 8


def test_copies_of_examples_do_not_narrow_the_crossed_bootstrap_if_they_are_known_as_such():
    differences = np.random.default_rng(0).normal(0, 1, (4, 40))
    copied, groups = np.repeat(differences, 10, axis=1), np.repeat(np.arange(40), 10)
    once, known, unknown = (
        crossed_bootstrap(values, np.random.default_rng(1))
        for values in (differences, by_group(copied, groups), copied)
    )
    assert (known.low, known.high) == pytest.approx((once.low, once.high), rel=1e-9)
    assert unknown.high - unknown.low < 0.9 * (once.high - once.low)


def test_the_crossed_bootstrap_covers_both_ways_to_vary():
    """For sums of independent effects of seed and example the variance is var(seed) / S + var(example) / n."""
    rng = np.random.default_rng(0)
    seeds, examples = rng.normal(0, 1, 20), rng.normal(0, 3, 300)
    differences = 0.5 + (seeds - seeds.mean())[:, None] + (examples - examples.mean())
    estimate = crossed_bootstrap(differences, np.random.default_rng(1), n_resamples=4000)
    half = 1.96 * np.sqrt(seeds.var() / 20 + examples.var() / 300)
    assert estimate.value == pytest.approx(0.5, rel=1e-9)
    assert (estimate.low, estimate.high) == pytest.approx((0.5 - half, 0.5 + half), abs=0.04)


@pytest.mark.parametrize(("shape", "axis"), [((1, 500), 1), ((500, 1), 0)], ids=["one seed", "one example"])
def test_with_one_seed_or_one_example_it_is_the_usual_bootstrap(shape, axis):
    values = np.random.default_rng(0).normal(0, 1, 500)
    estimate = crossed_bootstrap(values.reshape(shape), np.random.default_rng(1), level=0.9, n_resamples=4000)
    half = 1.645 * values.std() / np.sqrt(500)
    assert (estimate.low, estimate.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.005)


def test_the_crossed_bootstrap_is_repeatable():
    differences = np.random.default_rng(0).normal(0, 1, (5, 40))
    once, again = (crossed_bootstrap(differences, np.random.default_rng(3), n_resamples=100) for _ in range(2))
    assert once == again
