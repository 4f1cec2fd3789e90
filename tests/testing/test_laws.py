"""The laws hold for what is sound, and each is broken by what breaks it: the message says where."""

import pytest

from lossexp.losses import Focal
from lossexp.models import Linear
from lossexp.testing import (
    check_loss,
    check_model,
    check_optimizer,
    check_schedule,
    losses,
    models,
    optimizers,
    schedules,
)
from lossexp.testing.__main__ import checks_of
from lossexp.testing.checks import survives_pickling

from . import broken

LOSSES = [
    (broken.OneNumber, losses.value_is_one_number_per_example, r"OneNumber.value has the shape \(3,\)"),
    (
        broken.HalfGradient,
        losses.gradient_is_the_derivative,
        r"Derivative at raw = [-.\d]+, target = [-.\d]+: expected [-.\d]+, got",
    ),
    (broken.ReturnsGradient, losses.gradient_is_the_derivative, "returns something, .* written into `out`"),
    (broken.WritesNothing, losses.gradient_is_the_derivative, "Expected the derivative in `out`, .* nothing is there"),
    (broken.WrongFarOut, losses.gradient_is_the_derivative, "Derivative at raw = .* got 0"),
    (broken.Clipped, losses.gradient_is_the_derivative, "Derivative by output 0 at raw"),
    (broken.WrongFarBelow, losses.gradient_is_the_derivative, "Derivative at raw"),
    (broken.OwnPair, losses.value_and_gradient_agree, "Value at raw"),
    (broken.IgnoresWeight, losses.weights_multiply, "Weighted gradient at raw"),
    (broken.ReadsWhatItWrote, losses.out_may_be_raw, "Gradient at raw"),
    (broken.ChangesRaw, losses.inputs_stay, "Raw prediction at raw"),
    (broken.ReadsMemory, losses.memory_layout_does_not_matter, "Gradient at raw"),
    (broken.Normalised, losses.runs_and_examples_are_independent, "Beside raw = nan, value at raw"),
    (broken.FirstRunOnly, losses.hyperparameters_may_differ, "With scale=1.1 in a stack, value at raw"),
    (broken.Imprecise, losses.precision_is_kept, "Value at raw"),
    (broken.NaiveSoftplus, losses.extremes_are_no_problem, "expected a finite number, got inf"),
    (broken.BelowItsInfimum, losses.nothing_is_below_the_infimum, "expected at least 0, got -"),
    (broken.AboveItsInfimum, losses.the_infimum_is_reached, "down to the infimum 0, got none below 0.5"),
    (broken.KnowsTheLevel, losses.a_constant_added_to_all_scores_changes_nothing, "With -10000 added, value at raw"),
    (broken.NotConvex, losses.a_convex_loss_is_below_its_chords, "at most the chord"),
    (broken.Unsendable, survives_pickling, "Pickling fails with TypeError: cannot be sent"),
]
OPTIMIZERS = [
    (broken.Uphill, optimizers.it_descends, "Expected less than"),
    (broken.MovesAnyway, optimizers.learning_rate_0_stays, "With lr=0: layer 0, run"),
    (broken.DecaysBiases, optimizers.biases_do_not_decay, "Bias of run"),
    (broken.KeepOfFirstRun, optimizers.hyperparameters_may_differ, "With keep=[.0-9]+ in a stack: layer 0, run 0"),
    (broken.GlobalNorm, optimizers.diverged_neighbours_change_nothing, "Beside NaN"),
    (broken.CountsOnce, optimizers.runs_go_on_without_the_others, "Without the others"),
    (broken.LostPrecision, optimizers.precision_is_kept, "Expected state arrays of the type"),
    (broken.StaysThere, optimizers.search_finds_the_minimum, "after the search"),
]
SCHEDULES = [
    (broken.Rising, schedules.factors_are_fractions, "Step 1 of 120: expected a number from 0 to 1"),
    (broken.Relative, schedules.time_alone_decides, "Step"),
    (broken.Nothing, schedules.some_learning_rate_is_left, "Expected a factor above 0"),
]
MODELS = [
    (broken.TwiceTheGradient, models.gradients_are_derivatives, "Gradient of layer 0, unit"),
    (broken.SameStart, models.each_run_has_its_own_start, "Layer 0, unit"),
    (broken.NextStream, models.a_stack_is_its_runs, "Raw prediction of output"),
    (broken.Mixed, models.diverged_neighbours_change_nothing, "Raw prediction of output"),
    (broken.WearsOut, models.passes_can_be_repeated, "Raw prediction of output"),
]


@pytest.mark.parametrize(
    ("kind", "law", "words"),
    [*LOSSES, *OPTIMIZERS, *SCHEDULES, *MODELS],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_broken_promise_is_found(kind, law, words):
    checks = [check for check in checks_of(kind()) if check.law is law]
    assert checks, f"{law.__name__} is not among the checks of {kind.__name__}"
    for check in checks:
        with pytest.raises(AssertionError, match=words):
            check.run()


@pytest.mark.parametrize(
    ("check", "subject"),
    [
        (check_loss, broken.Cauchy(scale=2)),
        (check_loss, broken.WithoutGradient()),
        (check_loss, broken.RealOnly()),
        (check_loss, Focal(class_weight="balanced")),
        (check_optimizer, broken.Momentum()),
        (check_model, Linear()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_sound_passes(check, subject):
    check(subject)


def test_the_message_has_the_law_and_the_kind_of_target():
    with pytest.raises(
        AssertionError,
        match=r"(?s)Does not hold \(a continuous target\): The gradient is the derivative.*Derivative at",
    ):
        check_loss(broken.HalfGradient())
    with pytest.raises(AssertionError, match="Does not hold: Every factor is between 0 and 1"):
        check_schedule(broken.Rising())
