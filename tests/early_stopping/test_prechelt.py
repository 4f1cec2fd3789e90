"""The rules of Prechelt (1998): published tables, a recorded training, and the definitions as a second opinion.

The tables are those of the tests of EarlyStopping.jl; the times at which the rules stop Nielsen's recorded training
were computed from the definitions.
"""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossexp.components import InvalidValueError
from lossexp.early_stopping import GL, PQ, UP
from lossexp.early_stopping.gl import generalization_loss
from lossexp.early_stopping.pq import progress
from tests.early_stopping.test_early_stopping import watched

LOSSES = [10.0, 8, 9, 10, 11, 12, 12, 13, 14, 15, 16, 17, 16]


@pytest.mark.parametrize(("threshold", "stop"), [(12, 3), (20, 4), (40, 6), (90, 11), (110, 12), (1000, None)])
def test_gl_published(threshold, stop):
    assert watched(GL(threshold=threshold), LOSSES) == ([1, 2], stop)


@pytest.mark.parametrize(("successive", "stop"), [(1, 3), (2, 4), (3, 5), (4, 6), (5, 12), (6, None)])
def test_up_published(successive, stop):
    """In strips of one epoch the rule counts epochs; the loss that stays at 12 starts the count anew."""
    assert watched(UP(successive=successive, strip=1), LOSSES) == ([1, 2], stop)


STRIPS = [
    *[(9.5, 9.3), (9.1, 8.9), (8.3, 8.4), (9.9, 9.5), (10.6, 10.4), (11.8, 11.7), (11.6, 11.4)],
    *[(12.2, 12.1), (14.5, 14.1), (13.9, 13.7), (12.5, 12.3), (11.2, 11.0), (10.5, 10.3)],
]
"""Training losses of strips of two epochs; at their ends the validation losses are those above."""


@pytest.mark.parametrize(("threshold", "strip"), [(2.0, 3), (3.8, 5), (11.6, 6), (15.1, 8), (15.3, None)])
def test_pq_published(threshold, strip):
    watcher = PQ(threshold=threshold, strip=2).watch()
    for number, (training, validation) in enumerate(zip(STRIPS, LOSSES, strict=True), start=1):
        # The table has no validation loss within a strip; a high one changes nothing.
        assert not watcher.see({"train/loss": training[0], "val/loss": 99.0}).stop
        if watcher.see({"train/loss": training[1], "val/loss": validation}).stop:
            assert number == strip
            return
    assert strip is None


def test_progress_published():
    assert progress([2, 3, 6, 7]) == pytest.approx(1000 * (4.5 - 2) / 2)


@pytest.mark.parametrize(
    ("rule", "stop"),
    [
        (GL(threshold=5), 6),  # a single spike
        *[(PQ(threshold=a), stop) for a, stop in ((0.5, 75), (0.75, 95), (1, 110), (2, 170), (3, 205))],
        *[(UP(successive=s), stop) for s, stop in ((2, 25), (3, 55), (4, 60), (6, 70))],
    ],
    ids=str,
)
def test_a_recorded_training(rule, stop, shared_data):
    """Nielsen, Neural Networks and Deep Learning, chapter 3: a thousand images, the cost is least at epoch 15."""
    validation, _, training, _ = json.loads((shared_data / "nielsen" / "overfitting.json").read_text())
    watcher, best = rule.watch(), 0
    for epoch, (train, val) in enumerate(zip(training, validation, strict=True), start=1):
        decision = watcher.see({"train/loss": train, "val/loss": val})
        best = epoch if decision.is_best else best
        if decision.stop:
            break
    assert epoch == stop
    assert best == min(stop - 1, 15)


def definition(rule, training, validation):
    """Return the first epoch that the definitions stop at, from the whole curves."""
    for t in range(1, len(validation) + 1):
        least = min(validation[:t])
        gl = 100 * (validation[t - 1] / least - 1)
        if isinstance(rule, GL):
            if gl > rule.threshold:
                return t
            continue
        k = rule.strip
        if t % k:
            continue
        if isinstance(rule, PQ):
            strip = training[t - k : t]
            p = 1000 * (sum(strip) / (k * min(strip)) - 1)
            if (math.inf if gl > 0 and p <= 0 else gl / p if p > 0 else 0) > rule.threshold:
                return t
        elif t > rule.successive * k and all(
            validation[t - 1 - i * k] > validation[t - 1 - (i + 1) * k] for i in range(rule.successive)
        ):
            return t
    return None


# Powers of two: the means and quotients of such losses are exact.
curves = st.lists(st.tuples(*[st.sampled_from([1.0, 2.0, 4.0, 8.0])] * 2), max_size=30)
rules = st.one_of(
    st.builds(GL, threshold=st.sampled_from([0.0, 50.0, 100.0, 300.0])),
    st.builds(PQ, threshold=st.sampled_from([0.0, 0.1, 0.5]), strip=st.sampled_from([2, 4])),
    st.builds(UP, successive=st.integers(1, 3), strip=st.integers(1, 4)),
)


@given(rule=rules, curves=curves)
def test_any_curves(rule, curves):
    watcher, stopped = rule.watch(), None
    for epoch, (train, val) in enumerate(curves, start=1):
        decision = watcher.see({"train/loss": train, "val/loss": val})
        assert decision.is_best == all(val < before for _, before in curves[: epoch - 1])
        if decision.stop:
            stopped = epoch
            break
    assert stopped == definition(rule, [train for train, _ in curves], [val for _, val in curves])


def test_without_any_progress_every_rise_is_too_much():
    assert watched_both(PQ(threshold=100, strip=2), [(1, 5), (1, 5)]) is None
    assert watched_both(PQ(threshold=100, strip=2), [(1, 4), (1, 5)]) == 2
    assert watched_both(PQ(threshold=100, strip=2), [(0, 4), (0, 5)]) == 2


def watched_both(rule, curves):
    watcher = rule.watch()
    stops = [watcher.see({"train/loss": train, "val/loss": val}).stop for train, val in curves]
    return stops.index(True) + 1 if True in stops else None


def test_above_a_loss_of_zero_everything_is_infinitely_far():
    assert generalization_loss(0.0, 0.0) == 0
    assert generalization_loss(1e-300, 0.0) == math.inf


def test_watchers_of_one_rule_know_nothing_of_each_other():
    for rule in (GL(threshold=0), PQ(threshold=0, strip=2), UP(successive=1, strip=1)):
        first = rule.watch()
        first.see({"train/loss": 1.0, "val/loss": 1.0})
        assert not rule.watch().see({"train/loss": 1.0, "val/loss": 2.0}).stop
        assert first.see({"train/loss": 1.0, "val/loss": 2.0}).stop


@pytest.mark.parametrize(
    ("rule", "bad"),
    [(GL, {"threshold": -1}), (PQ, {"threshold": -1}), (PQ, {"strip": 1}), (UP, {"strip": 0}), (UP, {"successive": 0})],
)
def test_values_out_of_range_are_refused(rule, bad):
    with pytest.raises(InvalidValueError, match="is not allowed"):
        rule(**bad)
