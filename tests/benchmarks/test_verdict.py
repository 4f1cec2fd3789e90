"""What a verdict costs: beside the training it is about, and where there are many examples."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from lossexp.losses import CCE, MSE
from lossexp.training import train
from lossexp.verdict import Evidence, judge

from .contestants import stack_of
from .timing import report, side_by_side

pytestmark = pytest.mark.benchmark


def test_verdicts_cost_little_beside_training():
    """A sweep of 32 linear runs on digits, 100 epochs."""
    stack = stack_of(32, (64, 10), losses=(MSE(), CCE()), n_seeds=4)
    evidence: list[Evidence] = []

    def training() -> None:
        evidence[:] = [one.evidence for epoch in train(stack) for one in epoch.finished]

    with threadpool_limits(1):
        seconds = side_by_side(rounds=3, training=training, verdicts=lambda: [judge(one) for one in evidence])
    report("32 linear runs on digits, per run", seconds, 32, {("verdicts", "training"): 0.05})


def test_many_examples_take_less_than_a_second():
    """10 000 examples at 64 epochs; the losses of all of them rise and fall by chance, so that every draw is made."""
    rng = np.random.default_rng(0)
    losses = rng.gamma(1, 1, (10_000, 1)) + 0.1 * rng.standard_normal((10_000, 64)).cumsum(axis=1)
    losses[:, -1] += 0.012
    constant = np.full(10_000, 1.4)
    errors = (losses > 1).astype(np.float32)
    evidence = Evidence(
        np.arange(64), losses.astype(np.float32), errors, np.linspace(1.3, 0.5, 64), constant, np.ones(10_000), 1.4
    )
    with threadpool_limits(1):
        seconds = side_by_side(rounds=3, verdict=lambda: judge(evidence, margin=0.0))
    report("10 000 examples, 64 epochs, 1000 draws", {**seconds, "a second": 1.0}, 1, {("verdict", "a second"): 1.0})
