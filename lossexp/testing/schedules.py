"""What every schedule promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lossexp.components import Array
from lossexp.schedules import Schedule
from lossexp.testing.checks import Check, require_all, require_same, run_all, survives_pickling

STEPS_PER_EPOCH, N_EPOCHS = 3, 40


def check_schedule(schedule: Schedule) -> None:
    """Check everything that a schedule promises.

    Raises:
        AssertionError: A law does not hold.
    """
    run_all(schedule_checks(schedule))


def schedule_checks(schedule: Schedule) -> list[Check]:
    """Return the checks of a schedule."""
    return [Check(law, schedule) for law in LAWS]


def _factors(schedule: Schedule, steps: Array | None = None) -> Array:
    steps = np.arange(STEPS_PER_EPOCH * N_EPOCHS) if steps is None else steps
    return schedule.factor(steps, STEPS_PER_EPOCH, N_EPOCHS)


def _at(index: tuple[int, ...]) -> str:
    return f"Step {index[0]} of {STEPS_PER_EPOCH * N_EPOCHS}"


def one_factor_per_step(schedule: Schedule) -> None:
    """There is one factor for each step."""
    got = np.shape(_factors(schedule))
    if got != (STEPS_PER_EPOCH * N_EPOCHS,):
        raise AssertionError(f"Expected the shape {(STEPS_PER_EPOCH * N_EPOCHS,)}, got {got}.")


def factors_are_fractions(schedule: Schedule) -> None:
    """Every factor is between 0 and 1."""
    factors = _factors(schedule)
    require_all((factors >= 0) & (factors <= 1), factors, _at, "a number from 0 to 1")


def time_alone_decides(schedule: Schedule) -> None:
    """A factor depends on its step alone: not on the steps asked for with it or before."""
    steps = np.arange(STEPS_PER_EPOCH * N_EPOCHS)
    one_by_one = np.concatenate([_factors(schedule, steps[step : step + 1]) for step in reversed(steps)])
    require_same(one_by_one[::-1], _factors(schedule), _at)


def some_learning_rate_is_left(schedule: Schedule) -> None:
    """Somewhere the factor is above 0, so that training moves."""
    if not np.any(_factors(schedule) > 0):
        raise AssertionError("Expected a factor above 0 at some step, got 0 at all of them.")


LAWS: tuple[Callable[[Any], None], ...] = (
    one_factor_per_step,
    factors_are_fractions,
    time_alone_decides,
    some_learning_rate_is_left,
    survives_pickling,
)
