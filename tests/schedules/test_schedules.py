"""Schedules against their closed forms, by hand and by PyTorch where it has the same ones."""

import dataclasses

import numpy as np
import pytest

from lossexp.components import InvalidValueError
from lossexp.schedules import Constant, Cosine, Exponential, Step

SCHEDULES = [
    Constant(),
    Step(every=3, gamma=0.5),
    Step(every=0.5, gamma=0.5),
    Exponential(gamma=0.9),
    Exponential(gamma=0),
    Cosine(),
    Cosine(final=0.1),
]
STEPS_PER_EPOCH, N_EPOCHS = 7, 12
ALL_STEPS = np.arange(STEPS_PER_EPOCH * N_EPOCHS)


def factors(schedule, steps_per_epoch=STEPS_PER_EPOCH, n_epochs=N_EPOCHS):
    return schedule.factor(np.arange(steps_per_epoch * n_epochs), steps_per_epoch, n_epochs)


def test_closed_forms():
    time = ALL_STEPS / STEPS_PER_EPOCH
    np.testing.assert_array_equal(factors(Constant()), np.ones(84))
    np.testing.assert_allclose(factors(Exponential(gamma=0.9)), 0.9**time, rtol=1e-14)
    np.testing.assert_allclose(factors(Cosine()), np.cos(np.pi * time / N_EPOCHS / 2) ** 2, rtol=1e-13)
    np.testing.assert_array_equal(factors(Step(every=3, gamma=0.5)), np.repeat([1, 0.5, 0.25, 0.125], 21))


def test_a_cut_comes_with_the_first_step_of_its_epoch():
    """Whatever the rounding of step / steps_per_epoch and of 0.1 · 3."""
    for tenth in range(1, 60):
        cut = factors(Step(every=0.1 * 3, gamma=0.1), 10 * tenth, 3)
        np.testing.assert_allclose(cut, 0.1 ** (np.arange(len(cut)) // (3 * tenth)), rtol=1e-12)


def test_the_cosine_ends_at_its_final_factor():
    cosine = Cosine(final=0.1)
    end = cosine.factor(np.array([0, 84, 1000]), STEPS_PER_EPOCH, N_EPOCHS)
    np.testing.assert_allclose(end, [1, 0.1, 0.1], rtol=1e-15)
    np.testing.assert_allclose(factors(cosine), 0.1 + 0.9 * factors(Cosine()), rtol=1e-13)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_warm_up_rises_evenly_and_then_the_schedule_starts(schedule):
    """Two epochs of 7 steps: step k < 14 has (k + 1) / 15; then the schedule for what is left of the time."""
    warm = factors(dataclasses.replace(schedule, warmup=2))
    np.testing.assert_allclose(warm[:14], np.arange(1, 15) / 15, rtol=1e-15)
    np.testing.assert_allclose(warm[14:], factors(schedule, n_epochs=N_EPOCHS - 2), rtol=1e-12)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
@pytest.mark.parametrize("warmup", [0, 0.3, 5, 12, 100])
def test_factors_are_between_0_and_1_start_and_never_rise_after_the_warm_up(schedule, warmup):
    values = factors(dataclasses.replace(schedule, warmup=warmup))
    assert np.all((values >= 0) & (values <= 1))
    assert np.all(np.diff(values[warmup * STEPS_PER_EPOCH < ALL_STEPS]) <= 1e-15)
    assert values[0] > 0


@pytest.mark.parametrize("schedule", [dataclasses.replace(s, warmup=1.5) for s in SCHEDULES], ids=str)
def test_a_schedule_is_a_pure_function_of_time(schedule):
    """Asked one epoch at a time, in any order, it answers as it does for all steps at once, and leaves them be."""
    steps = ALL_STEPS.copy()
    steps.setflags(write=False)
    at_once = schedule.factor(steps, STEPS_PER_EPOCH, N_EPOCHS)
    for epoch in np.random.default_rng(0).permutation(N_EPOCHS):
        some = slice(epoch * STEPS_PER_EPOCH, (epoch + 1) * STEPS_PER_EPOCH)
        np.testing.assert_array_equal(schedule.factor(steps[some], STEPS_PER_EPOCH, N_EPOCHS), at_once[some])


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_a_training_of_one_step_has_the_whole_learning_rate(schedule):
    assert factors(schedule, 1, 1) == [1.0]


def test_schedules_that_pytorch_has_too():
    torch = pytest.importorskip("torch")
    lr_scheduler = torch.optim.lr_scheduler
    pairs = [
        (Step(every=3, gamma=0.5), lambda opt: lr_scheduler.StepLR(opt, 3, 0.5)),
        (Exponential(gamma=0.9), lambda opt: lr_scheduler.ExponentialLR(opt, 0.9)),
        (Cosine(final=0.1), lambda opt: lr_scheduler.CosineAnnealingLR(opt, N_EPOCHS, 0.1)),
        # LinearLR rises from 1/6 to 1 over 5 steps: a warm-up of 5 epochs of one step.
        (Constant(warmup=5), lambda opt: lr_scheduler.LinearLR(opt, 1 / 6, total_iters=5)),
    ]
    for ours, make in pairs:
        optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
        theirs, values = make(optimizer), []
        for _ in range(N_EPOCHS):
            values.append(theirs.get_last_lr()[0])
            optimizer.step()
            theirs.step()
        np.testing.assert_allclose(factors(ours, steps_per_epoch=1), values, rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(warmup=-1), "warmup=-1 is not allowed: expected a finite number at least 0"),
        (lambda: Step(every=0), "every=0 is not allowed: expected a finite number above 0"),
        (lambda: Step(gamma=1.1), "gamma=1.1 is not allowed: expected a finite number at least 0 and at most 1"),
        (lambda: Cosine(final=2), "final=2 is not allowed"),
        (lambda: Exponential(gamma=float("nan")), "gamma=nan is not allowed"),
    ],
)
def test_values_out_of_range_are_refused(make, message):
    with pytest.raises(InvalidValueError, match=message):
        make()
