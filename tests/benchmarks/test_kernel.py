"""The kernel against its own matrix multiplies, PyTorch and JAX: microseconds per step and run."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from threadpoolctl import threadpool_limits

from lossexp.losses import CCE, MSE

from .contestants import STEPS, evaluation, jax_epoch, multiplies, stack_of, torch_epoch, training_epoch, wide_stack
from .timing import one_core, report, side_by_side

pytestmark = pytest.mark.benchmark

LINEAR, NETWORK, LARGE = (64, 10), (64, 64, 10), (784, 300, 10)


def test_two_cores_share_a_sweep():
    """64 networks as two stacks: one after the other, on two threads, and in JAX on both cores.

    The first test of the file: JAX keeps to the cores that it has when it starts.
    """
    halves = [training_epoch(stack_of(32, NETWORK)) for _ in range(2)]
    with threadpool_limits(1), ThreadPoolExecutor(2) as pool:
        seconds = side_by_side(
            two_cores=lambda: list(pool.map(lambda epoch: epoch(), halves)),
            one_core=lambda: [epoch() for epoch in halves],
            jax=jax_epoch(64, NETWORK),
        )
    goals = {("two_cores", "one_core"): 1 / 1.7, ("two_cores", "jax"): 0.8}
    report(f"64 runs, {NETWORK}, two cores", seconds, 64 * STEPS, goals)


@pytest.mark.parametrize(("sizes", "goal"), [(LINEAR, 0.25), (NETWORK, 0.35)])
def test_one_run_on_digits(sizes, goal):
    with one_core():
        seconds = side_by_side(lossexp=training_epoch(stack_of(1, sizes)), pytorch=torch_epoch(sizes))
    report(f"one run, {sizes}, batch 32", seconds, STEPS, {("lossexp", "pytorch"): goal})


def test_one_large_network():
    batch, steps = 128, 20
    with one_core():
        seconds = side_by_side(
            lossexp=training_epoch(wide_stack(LARGE, batch, batch * steps)),
            multiplies=multiplies(1, LARGE, batch, steps),
            pytorch=torch_epoch(LARGE, batch, steps),
        )
    report(
        f"one run, {LARGE}, batch 128",
        seconds,
        steps,
        {("lossexp", "multiplies"): 1 / 0.85, ("lossexp", "pytorch"): 1.0},
    )


@pytest.mark.parametrize(("sizes", "goal_multiplies"), [(LINEAR, 1.6), (NETWORK, 1.35)])
def test_sweep_of_64_runs(sizes, goal_multiplies):
    with one_core():
        seconds = side_by_side(
            lossexp=training_epoch(stack_of(64, sizes)),
            multiplies=multiplies(64, sizes),
            jax=jax_epoch(64, sizes),
            pytorch=torch_epoch(sizes),
        )
    seconds["pytorch"] *= 64
    goals = {("lossexp", "multiplies"): goal_multiplies, ("lossexp", "jax"): 0.85, ("lossexp", "pytorch"): 1 / 40}
    report(f"64 runs, {sizes}, batch 32", seconds, 64 * STEPS, goals if sizes == LINEAR else dict([*goals.items()][:1]))


def test_measuring_costs_no_more_than_training():
    stack = stack_of(64, LINEAR)
    with one_core():
        seconds = side_by_side(measuring=evaluation(stack), training=training_epoch(stack))
    report("64 runs, linear, an epoch", seconds, 64 * STEPS, {("measuring", "training"): 1.0})


def test_mixed_losses_cost_what_they_cost_apart():
    with one_core():
        seconds = side_by_side(
            mixed=training_epoch(stack_of(64, LINEAR, losses=(MSE(), CCE()))),
            mse=training_epoch(stack_of(64, LINEAR, losses=(MSE(),))),
            cce=training_epoch(stack_of(64, LINEAR)),
        )
    seconds["mean of one loss"] = (seconds["mse"] + seconds["cce"]) / 2
    report("64 runs, linear, two losses", seconds, 64 * STEPS, {("mixed", "mean of one loss"): 1.15})
