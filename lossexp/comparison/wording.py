"""What the seeds say about two losses, as a sentence; metrics and numbers as they are read."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lossexp.comparison.estimates import Estimate
from lossexp.comparison.paired import MANY_MORE, Comparison, Outcome, Pair

NAMES = {
    "brier": "Brier score",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
    "auc": "AUC",
    "macro_f1": "macro F1",
    "poisson_deviance": "Poisson deviance",
    "ece": "calibration error",
    "adaptive_ece": "adaptive calibration error",
    "log_loss_calibrated": "calibrated log loss",
    "brier_calibrated": "calibrated Brier score",
    "ece_calibrated": "calibration error once calibrated",
}
"""Metrics as they are read, where that is not how they are written."""

SIGNIFICANT = 6
"""No number is shown with more digits than this."""


def metric_name(metric: str) -> str:
    """Return the name of a metric as it is read."""
    return NAMES.get(metric, metric.replace("_", " "))


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
    seen = f"{_seen(pair, comparison)}, p {probability(pair.p_holm)} after Holm"
    return f"{start}: {seen}, {pair.n} seeds; {_what_would_decide(pair, comparison)}."


def _what_would_decide(pair: Pair, comparison: Comparison) -> str:
    if pair.n_more:
        or_else = ", or more examples" if pair.n_more >= MANY_MORE else ""
        return f"{more_seeds(pair)} {'is' if pair.n_more == 1 else 'are'} needed{or_else}"
    if pair.p_holm <= 1 - comparison.level:
        return f"better for no more than {100 * pair.probability.value:.0f} % of them"
    return "a few more may decide it"


def more_seeds(pair: Pair) -> str:
    """Return in words how many seeds are missing, such as `about 12 more`; nothing where none are."""
    if pair.n_more >= MANY_MORE:
        return "many more"
    return f"about {float(f'{pair.n_more:.2g}'):.0f} more" if pair.n_more else ""


def _seen(pair: Pair, comparison: Comparison) -> str:
    """Return the difference as it is in the metric, such as `log loss lower by 0.02 [0.01, 0.03]`."""
    metric = metric_name(comparison.metric)
    if pair.difference.value == 0:
        return f"{metric} the same"
    direction = "higher" if comparison.higher_is_better else "lower"
    whose = "" if pair.winner else f" with {pair.a}"
    return f"{metric} {direction} by {with_interval(pair.difference)}{whose}"


def _caveats(pair: Pair, comparison: Comparison) -> list[str]:
    caveats = []
    if pair.n_left_out:
        arms = [arm for arm in comparison.arms if arm.label in (pair.a, pair.b) and arm.n_left_out]
        of_whom = " and ".join(f"{arm.n_left_out} of {arm.label}" for arm in arms)
        plural = "s" if pair.n_left_out > 1 else ""
        caveats.append(f"Left out: {pair.n_left_out} seed{plural} without a finite result ({of_whom}).")
    spreads = [arm.sd for arm in comparison.arms if arm.label in (pair.a, pair.b)]
    if pair.n > 1 and all(sd == 0 for sd in spreads):
        caveats.append("All seeds give the same value.")
    return caveats


def with_interval(estimate: Estimate) -> str:
    """Return an estimate as text, such as `0.021 [0.015, 0.027]`, with two digits of what is uncertain."""
    width = estimate.high - estimate.low
    if math.isnan(width) or width == 0:
        return f"{estimate.value:.3g}"
    value, low, high = to_digits((estimate.value, estimate.low, estimate.high), width / 2)
    return f"{value} [{low}, {high}]"


def direction(difference: Estimate) -> str:
    """Return which way a difference goes and how far, such as `lower by 0.021 [0.015, 0.027]`."""
    if difference.value < 0:
        return f"lower by {with_interval(-difference)}"
    return f"{'higher' if difference.value else 'different'} by {with_interval(difference)}"


def to_digits(numbers: Sequence[float], uncertainty: float) -> list[str]:
    """Return numbers alike as text, with two digits of their uncertainty, very large and very small ones as powers.

    Args:
        numbers: At least one.
        uncertainty: At least 0; 0 for none.
    """
    largest = max(abs(number) for number in numbers)
    leading = _place(largest)
    last = max(_place(uncertainty) - 1 if uncertainty else -math.inf, leading + 1 - SIGNIFICANT)
    if -SIGNIFICANT <= leading < SIGNIFICANT:
        return [f"{number:z.{max(0, -int(last))}f}" for number in numbers]
    return [f"{number:z.{max(0, leading - int(last))}e}" for number in numbers]


def _place(number: float) -> int:
    """Return the place of the first digit that counts: 0 for units, -1 for tenths."""
    return math.floor(math.log10(number)) if number else 0


def probability(p: float) -> str:
    """Return a p-value as text with its relation, such as `= .004` or `< .001`."""
    if math.isnan(p):
        return "unknown"
    if p < 0.001:
        return "< .001"
    text = f"{p:.2f}" if p >= 0.1 else f"{p:.3f}"
    return f"= {text.removeprefix('0')}"
