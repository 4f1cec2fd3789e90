"""Early stopping: cases worked out by hand from Keras' rule, and the rule itself as a second opinion.

The rule of `keras.callbacks.EarlyStopping`, epochs counted from 1: an epoch improves when it beats the best by more
than min_delta; training stops at the first epoch, other than the first of all, that ends `patience` epochs without one.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossexp.components import InvalidValueError
from lossexp.early_stopping import Never, Patience


def watched(rule, values, name="val/loss"):
    """Return the epochs that were the best so far, and the epoch after which the rule stopped."""
    watcher, best = rule.watch(), []
    for epoch, value in enumerate(values, start=1):
        decision = watcher.see({name: value})
        if decision.is_best:
            best.append(epoch)
        if decision.stop:
            return best, epoch
    return best, None


@pytest.mark.parametrize(
    ("settings", "values", "best", "stop"),
    [
        # Patience 2: two epochs in a row without improvement.
        ({"patience": 2}, [5, 4, 3, 4, 4], [1, 2, 3], 5),
        ({"patience": 2}, [5, 4, 4.5, 3, 3.5, 3.2, 1], [1, 2, 4], 6),
        ({"patience": 2}, [5, 6, 7], [1], 3),
        ({"patience": 2}, [5, 4, 3, 2, 1], [1, 2, 3, 4, 5], None),
        # Patience 1 and 0 both stop at the first epoch without improvement.
        ({"patience": 1}, [5, 4, 4.5], [1, 2], 3),
        ({"patience": 0}, [5, 4, 4.5], [1, 2], 3),
        # An equal value is no improvement.
        ({"patience": 2}, [5, 5, 5], [1], 3),
        # min_delta 0.5: 4.6 beats 5 by too little, 4.4 by enough; 4.5 beats 5 by exactly 0.5, which is not more.
        ({"patience": 2, "min_delta": 0.5}, [5, 4.6, 4.4, 4.2, 4.3], [1, 3], 5),
        ({"patience": 2, "min_delta": 0.5}, [5, 4.5, 4.25, 4.0], [1, 3], None),
        ({"patience": 1, "min_delta": 0.5}, [5, 4.5], [1], 2),
        # The wait starts anew at an improvement, not at a value that is merely lower than the one before.
        ({"patience": 3}, [1, 5, 4, 3], [1], 4),
        # NaN never improves, and the very first epoch never stops.
        ({"patience": 0}, [float("nan"), 3], [2], None),
        ({"patience": 0}, [float("nan"), float("nan")], [], 2),
        ({"patience": 0}, [float("inf"), 3, 4], [2], 3),
        # The direction turned.
        ({"patience": 1, "mode": "max"}, [1, 2, 1.5], [1, 2], 3),
        ({"patience": 1, "mode": "max", "min_delta": 0.5}, [1, 1.5, 9], [1], 2),
    ],
)
def test_cases_by_hand(settings, values, best, stop):
    assert watched(Patience(**settings), values) == (best, stop)


def keras(values, patience, min_delta):
    """The rule once more, by looking back over the whole curve instead of keeping count."""
    best = []
    for epoch, value in enumerate(values, start=1):
        if not best or value + min_delta < values[best[-1] - 1]:
            best.append(epoch)
        elif epoch - best[-1] >= patience:
            return best, epoch
    return best, None


@given(
    values=st.lists(st.integers(-20, 20), max_size=30),
    patience=st.integers(0, 5),
    min_delta=st.integers(0, 5),
    more_is_better=st.booleans(),
)
def test_any_curve(values, patience, min_delta, more_is_better):
    """Whole numbers, so that sums with min_delta are exact."""
    mode, sign = ("max", -1) if more_is_better else ("min", 1)
    rule = Patience(patience=patience, min_delta=min_delta, mode=mode)
    assert watched(rule, [sign * value for value in values]) == keras(values, patience, min_delta)


@pytest.mark.parametrize(
    ("monitor", "mode", "sign"),
    [
        ("val/loss", "auto", 1),
        ("train/loss", "auto", 1),
        ("val/log_loss", "auto", 1),
        ("val/brier", "auto", 1),
        ("val/rmse", "auto", 1),
        ("val/mae", "auto", 1),
        ("val/accuracy", "auto", -1),
        ("val/r2", "auto", -1),
        ("val/loss", "max", -1),
        ("val/accuracy", "min", 1),
    ],
)
def test_the_direction_is_known_from_the_metric_unless_said(monitor, mode, sign):
    assert Patience(monitor=monitor, mode=mode).sign == sign


def test_the_monitored_metric_is_the_one_that_counts():
    rule = Patience(monitor="val/accuracy", patience=1)
    watcher = rule.watch()
    decisions = [watcher.see({"val/loss": loss, "val/accuracy": accuracy}) for loss, accuracy in [(1, 0.5), (9, 0.6)]]
    assert [(decision.is_best, decision.stop) for decision in decisions] == [(True, False), (True, False)]


def test_watchers_of_one_rule_know_nothing_of_each_other():
    rule = Patience(patience=1)
    first = rule.watch()
    first.see({"val/loss": 1.0})
    assert watched(rule, [5, 4]) == ([1, 2], None)
    assert first.see({"val/loss": 2.0}).stop


def test_never_stops_and_notes_the_best():
    assert watched(Never(), [5, 4, 6, 5, float("nan"), 4, 3]) == ([1, 2, 7], None)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"patience": -1}, "patience=-1 is not allowed: expected a whole number at least 0"),
        ({"min_delta": -0.1}, "min_delta=-0.1 is not allowed"),
        ({"mode": "least"}, "mode='least' is not allowed: expected one of auto, min, max"),
        ({"monitor": "loss"}, "monitor='loss' is not allowed: expected one of val/loss"),
    ],
)
def test_values_out_of_range_are_refused(bad, message):
    with pytest.raises(InvalidValueError, match=message):
        Patience(**bad)
