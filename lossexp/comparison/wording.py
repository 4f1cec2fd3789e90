"""What the seeds say about two losses, as a sentence."""

from __future__ import annotations

import math

from lossexp.comparison.estimates import Estimate
from lossexp.comparison.paired import Comparison, Outcome, Pair


def sentence(pair: Pair, comparison: Comparison) -> str:
    """Return the outcome of a pair in words, with the numbers it rests on.

    Such as `cce is better than mse: accuracy higher by 0.021 [0.015, 0.027], p = .004 after Holm, better for 95 % of
    20 seeds.`
    """
    if pair.difference.value < 0:
        pair = pair.swapped()
    by_outcome = {Outcome.EQUIVALENT: _equivalent, Outcome.UNDECIDED: _undecided}
    return " ".join([by_outcome.get(pair.outcome, _better)(pair, comparison), *_caveats(pair, comparison)])


def _better(pair: Pair, comparison: Comparison) -> str:
    share = f"better for {100 * pair.probability.value:.0f} % of {pair.n} seeds"
    small = ""
    if pair.p_equivalence <= 1 - comparison.level:
        small = f"; yet by less than the {comparison.margin:g} that matters"
    return (
        f"{pair.a} is better than {pair.b}: {_seen(pair, comparison)}, p {probability(pair.p_holm)} after Holm, "
        f"{share}{small}."
    )


def _equivalent(pair: Pair, comparison: Comparison) -> str:
    return (
        f"{pair.a} and {pair.b} are equivalent within {comparison.margin:g}: {_seen(pair, comparison)}, "
        f"p {probability(pair.p_equivalence)} for equivalence, {pair.n} seeds."
    )


def _undecided(pair: Pair, comparison: Comparison) -> str:
    start = f"{pair.a} and {pair.b} are undecided"
    if pair.n == 0:
        return f"{start}: there is no seed for which both ended well."
    if pair.n == 1:
        return (
            f"{start}: {_seen(pair, comparison)} for one seed, which says nothing about chance; "
            f"at least {pair.n_more} more are needed."
        )
    more = "more would hardly decide it, the difference is close to what matters"
    if pair.n_more:
        more = f"about {pair.n_more} more {'are' if pair.n_more > 1 else 'is'} needed"
    return f"{start}: {_seen(pair, comparison)}, p {probability(pair.p_holm)} after Holm, {pair.n} seeds; {more}."


def _seen(pair: Pair, comparison: Comparison) -> str:
    """Return the difference as it is in the metric, such as `log_loss lower by 0.02 [0.01, 0.03]`."""
    if pair.difference.value == 0:
        return f"{comparison.metric} the same"
    direction = "higher" if comparison.higher_is_better else "lower"
    whose = "" if pair.winner else f" with {pair.a}"
    return f"{comparison.metric} {direction} by {with_interval(pair.difference)}{whose}"


def _caveats(pair: Pair, comparison: Comparison) -> list[str]:
    caveats = []
    if pair.n_left_out:
        arms = [arm for arm in comparison.arms if arm.label in (pair.a, pair.b) and arm.n_left_out]
        of_whom = " and ".join(f"{arm.n_left_out} of {arm.label}" for arm in arms)
        plural = "s" if pair.n_left_out > 1 else ""
        caveats.append(f"Left out: {pair.n_left_out} seed{plural} without a finite result ({of_whom}).")
    spreads = [arm.sd for arm in comparison.arms if arm.label in (pair.a, pair.b)]
    if pair.n > 1 and all(sd == 0 for sd in spreads):
        caveats.append("The seeds change nothing: each is the same run again.")
    return caveats


def with_interval(estimate: Estimate) -> str:
    """Return an estimate as text, such as `0.021 [0.015, 0.027]`, with two digits of what is uncertain."""
    if math.isnan(estimate.low):
        return f"{estimate.value:.3g}"
    width = estimate.high - estimate.low
    if width == 0:
        return f"{estimate.value:.3g}"
    # Digits after the point, so that half the width has two that count.
    digits = max(0, 1 - math.floor(math.log10(width / 2)))
    value, low, high = (f"{number:.{digits}f}" for number in (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low}, {high}]"


def probability(p: float) -> str:
    """Return a p-value as text with its relation, such as `= .004` or `< .001`."""
    if math.isnan(p):
        return "unknown"
    if p < 0.001:
        return "< .001"
    text = f"{p:.2f}" if p >= 0.1 else f"{p:.3f}"
    return f"= {text.removeprefix('0')}"
