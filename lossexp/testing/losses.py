"""What every loss promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lossexp.components import Array
from lossexp.constant import best_constant
from lossexp.differentiation import DIFFERENCE_STEP, derivative, four_point, rounding_of_differences
from lossexp.errors import in_words, own_place
from lossexp.losses import Loss
from lossexp.losses.classes import ClassLoss
from lossexp.stacking import merge
from lossexp.targets import Target
from lossexp.testing.cases import N_RUNS, N_SAMPLES, Case, targets
from lossexp.testing.checks import (
    Check,
    require_all,
    require_close,
    require_same,
    run_all,
    survives_pickling,
    variants,
)

FAR = np.array([1e4, -1e4, 0.0, -0.0, 1e-40, -1e-40, 60.0, -60.0, 1.0, -1.0])
"""Raw predictions far out, at 0, and where exp is still finite in float32."""

MAX_OUTPUTS = 10
"""By so many outputs a derivative is taken: of a thousand it would take half a minute, and they are all alike."""


def check_loss(loss: Loss) -> None:
    """Check everything that a loss promises, on each kind of target that it accepts.

    Raises:
        AssertionError: A law does not hold.
    """
    run_all(loss_checks(loss))


def loss_checks(loss: Loss) -> list[Check]:
    """Return the checks of a loss."""
    cases = [Case(loss, target) for target in targets(loss)]
    checks = [Check(law, case, str(case.target)) for law in LAWS for case in cases if _applies(law, case)]
    return [*checks, Check(survives_pickling, loss)]


def problem(loss: Loss, target: Target) -> str:
    """Try a loss on a kind of target in a few milliseconds; return what is wrong with it, or nothing."""
    case = Case(loss, target)
    laws = [value_is_one_number_per_example]
    laws += [gradient_is_about_the_derivative] if loss.gradient_is_derivative else []
    try:
        run_all([Check(law, case) for law in laws])
    except (Exception, SystemExit) as error:  # whatever the code of a user's may raise
        return in_words(error) if own_place(error) or not isinstance(error, AssertionError) else str(error)
    return ""


def _applies(law: Callable[[Case], None], case: Case) -> bool:
    """Tell whether a loss promises what a law says."""
    loss = case.settled
    if law is gradient_is_the_derivative:
        return loss.gradient_is_derivative
    if law is a_convex_loss_is_below_its_chords:
        return loss.convex
    if law is a_constant_added_to_all_scores_changes_nothing:
        return isinstance(loss, ClassLoss) and loss.link_name(case.target) == "softmax" and loss.shift_invariant
    return True


def value_is_one_number_per_example(case: Case) -> None:
    """The value is one number per example."""
    got = case.settled.value(case.raw(), case.encoded()).shape
    if got != (N_RUNS, N_SAMPLES):
        raise AssertionError(f"Expected the shape (n_runs, n_samples) = {(N_RUNS, N_SAMPLES)}, got {got}.")


def shapes_are_refused(case: Case) -> None:
    """Targets of another shape are refused, not stretched."""
    raw, encoded = case.raw(), case.encoded()
    wrong = encoded[:, 0], encoded[:, :, :1], encoded.swapaxes(1, 2), np.concatenate([encoded, encoded])
    for target in wrong:
        try:
            case.settled.value(raw, target)
        except ValueError:
            continue
        raise AssertionError(f"A target of shape {target.shape} was accepted for raw predictions {raw.shape}.")


def gradient_is_the_derivative(case: Case) -> None:
    """The gradient is the derivative of the value, unless gradient_is_derivative = False is stated."""
    for scale in (3.0, 30.0):
        _require_derivative(case, case.raw(60, scale), case.encoded(60), rtol=5e-6, atol=1e-8)


def gradient_is_about_the_derivative(case: Case) -> None:
    """The gradient is about the derivative of the value, unless gradient_is_derivative = False is stated."""
    _require_derivative(case, case.raw(), case.encoded(), rtol=1e-3, atol=1e-4)


def _require_derivative(case: Case, raw: Array, encoded: Array, rtol: float, atol: float) -> None:
    def value(moved: Array) -> Array:
        whole = raw.astype(moved.dtype)
        whole[:MAX_OUTPUTS] = moved
        return case.settled.value(whole, encoded)

    got, some = case.gradient(raw, encoded)[:MAX_OUTPUTS], raw[:MAX_OUTPUTS]
    expected = derivative(value, some)
    # At a kink there is no derivative, and differences of two lengths do not agree.
    finer = four_point(value, some, DIFFERENCE_STEP / 10)
    kink = ~np.isclose(four_point(value, some), finer, rtol=1e-4, atol=1e-6)
    where, rounding = case.where(raw, encoded, "Derivative"), rounding_of_differences(value, some)
    require_close(got, expected, where, rtol=rtol, atol=atol + rounding, ignore=kink)


def value_and_gradient_agree(case: Case) -> None:
    """Value and gradient computed together are the same as computed apart."""
    raw, encoded = case.raw(), case.encoded()
    out = np.empty_like(raw)
    value = case.settled.value_and_gradient(raw, encoded, out)
    require_same(value, case.settled.value(raw, encoded), case.where(raw, encoded, "Value"))
    require_same(out, case.gradient(raw, encoded), case.where(raw, encoded, "Gradient"))


def weights_multiply(case: Case) -> None:
    """Weights multiply the gradient, so that weight 2 is an example twice and weight 0 is none."""
    raw, encoded = case.raw(), case.encoded()
    gradient, out = case.gradient(raw, encoded), np.empty_like(raw)
    for weight in (0.0, 2.0, np.array([[0.0], [1.0], [2.0]]), np.arange(1.0 * raw[0].size).reshape(raw[0].shape)):
        case.settled.weighted_gradient(raw, encoded, weight, out)
        where = case.where(raw, encoded, "Weighted gradient")
        require_close(out, weight * gradient, where, rtol=1e-13, atol=1e-14)


def out_may_be_raw(case: Case) -> None:
    """The gradient may be written over the raw predictions."""
    for scale in (3.0, 300.0):
        raw, encoded = case.raw(scale=scale), case.encoded()
        aliased = raw.copy()
        case.settled.gradient(aliased, encoded, aliased)
        require_same(aliased, case.gradient(raw, encoded), case.where(raw, encoded, "Gradient"))


def inputs_stay(case: Case) -> None:
    """Raw predictions and targets stay as they are."""
    raw, encoded = case.raw(), case.encoded()
    raw_before, encoded_before = raw.copy(), encoded.copy()
    case.settled.value(raw, encoded)
    case.gradient(raw, encoded)
    require_same(raw, raw_before, case.where(raw_before, encoded_before, "Raw prediction"))
    if not np.array_equal(encoded, encoded_before):
        raise AssertionError("The targets were changed.")


def memory_layout_does_not_matter(case: Case) -> None:
    """Any layout in memory gives the same numbers."""
    raw, encoded = case.raw(), case.encoded()
    strided = np.repeat(raw, 2, axis=1)[:, ::2]
    for laid_out in (strided, np.asfortranarray(raw)):
        where = case.where(raw, encoded, "Value")
        require_close(
            case.settled.value(laid_out, encoded), case.settled.value(raw, encoded), where, rtol=1e-13, atol=0
        )
        where = case.where(raw, encoded, "Gradient")
        require_close(case.gradient(laid_out, encoded), case.gradient(raw, encoded), where, rtol=1e-13, atol=1e-15)


def runs_and_examples_are_independent(case: Case) -> None:
    """A number depends on its own run and example alone, even beside a run that has diverged."""
    raw, encoded = case.raw(), np.repeat(case.encoded(), N_RUNS, axis=1)
    alone = raw[:, :1, :1], encoded[:, :1, :1]
    for spoilt in (np.nan, np.inf, 1e30):
        raw[:, 1:], raw[:, :, 1:] = spoilt, spoilt
        where = case.where(*alone, f"Beside raw = {spoilt:g}, value")
        value = case.settled.value(raw, encoded)[:1, :1]
        require_close(value, case.settled.value(*alone), where, rtol=1e-12, atol=1e-15)
        where = case.where(*alone, f"Beside raw = {spoilt:g}, gradient")
        gradient = case.gradient(raw, encoded)[:, :1, :1]
        require_close(gradient, case.gradient(*alone), where, rtol=1e-12, atol=1e-15)


def hyperparameters_may_differ(case: Case) -> None:
    """In a stack every run has its own hyperparameters, and gets the numbers it gets alone."""
    raw, encoded = case.raw(), case.encoded()
    for name, losses in variants(case.settled):
        stacked = Case(merge(losses, np.dtype(float)), case.target)
        value, gradient = stacked.settled.value(raw, encoded), stacked.gradient(raw, encoded)
        for run, loss in enumerate(losses):
            one, some = Case(loss, case.target), raw[:, run : run + 1]
            where = one.where(some, encoded, f"With {name}={getattr(loss, name):g} in a stack, value")
            require_close(value[run : run + 1], one.settled.value(some, encoded), where, rtol=1e-12, atol=1e-15)
            where = one.where(some, encoded, f"With {name}={getattr(loss, name):g} in a stack, gradient")
            got = gradient[:, run : run + 1]
            require_close(got, one.gradient(some, encoded), where, rtol=1e-12, atol=1e-15)


def precision_is_kept(case: Case) -> None:
    """float32 gives the numbers of float64, to its own precision."""
    raw, encoded = case.raw().astype(np.float32), case.encoded().astype(np.float32)
    exact = raw.astype(np.float64), encoded.astype(np.float64)
    where = case.where(*exact, "Value")
    require_close(case.settled.value(raw, encoded), case.settled.value(*exact), where, rtol=1e-4, atol=1e-5)
    where = case.where(*exact, "Gradient")
    require_close(case.gradient(raw, encoded), case.gradient(*exact), where, rtol=1e-4, atol=1e-5)


def extremes_are_no_problem(case: Case) -> None:
    """Raw predictions of ±1e4 give finite numbers unless the loss grows exponentially, and ±1e20 no NaN."""
    encoded = case.encoded(len(FAR))
    for turn in range(len(FAR)):
        raw = np.stack([np.roll(FAR, turn * (output + 1)) for output in range(case.n_outputs)])[:, None]
        where = case.where(raw, encoded, "Value")
        value, gradient = case.settled.value(raw, encoded), case.gradient(raw, encoded)
        grows = case.settled.value(raw * 0.06, encoded) > 1e10
        require_all(np.isfinite(value) | (grows & (value > 0)), value, where, "a finite number")
        require_all(np.isfinite(gradient) | (grows & ~np.isnan(gradient)), gradient, where, "a finite gradient")
        single = case.settled.value(raw.astype(np.float32), encoded.astype(np.float32))
        close = np.isclose(single, value, rtol=1e-3, atol=1e-3) | (value > 1e30)
        require_all(close, single, where, "in float32 about the same as in float64")
        far_out = case.settled.value(raw * 1e16, encoded), case.gradient(raw * 1e16, encoded)
        for number in far_out:
            require_all(~np.isnan(number), number, case.where(raw * 1e16, encoded), "no NaN")


def nothing_is_below_the_infimum(case: Case) -> None:
    """No value is below the infimum that the loss states."""
    raw, encoded = case.raw(2000, scale=20), case.encoded(2000)
    infimum, value = case.settled.infimum(case.target), case.settled.value(raw, encoded)
    holds = ~(value < infimum - 1e-14 * max(1, abs(infimum)))
    require_all(holds, value, case.where(raw, encoded, "Value"), f"at least {infimum:.10g}")


def the_infimum_is_reached(case: Case) -> None:
    """Some prediction comes as close to the infimum that the loss states as one likes."""
    infimum, encoded = case.settled.infimum(case.target), case.encoded(case.target.n_classes or 4)
    examples = [encoded[:, :, [sample]] for sample in range(encoded.shape[2])]
    least = min(
        float(case.settled.value(best_constant(case.settled, one)[:, None, None], one).item()) for one in examples
    )
    if np.isfinite(infimum) and least > infimum + 1e-6 * max(1, abs(infimum)):
        raise AssertionError(f"Expected values down to the infimum {infimum:.10g}, got none below {least:.10g}.")


def a_constant_added_to_all_scores_changes_nothing(case: Case) -> None:
    """Under a softmax, a constant added to all scores changes nothing, unless shift_invariant = False is stated."""
    # Of binary fractions the sum is exact.
    raw, encoded = np.round(case.raw() * 1024) / 1024, case.encoded()
    value, gradient = case.settled.value(raw, encoded), case.gradient(raw, encoded)
    for shift in (-1e4, -61.0, 1.0, 1e4):
        where = case.where(raw, encoded, f"With {shift:g} added, value")
        require_close(case.settled.value(raw + shift, encoded), value, where, rtol=1e-11, atol=1e-11)
        where = case.where(raw, encoded, f"With {shift:g} added, gradient")
        require_close(case.gradient(raw + shift, encoded), gradient, where, rtol=1e-11, atol=1e-11)


def a_convex_loss_is_below_its_chords(case: Case) -> None:
    """It is convex in the raw predictions: never above a chord."""
    encoded, a, b = case.encoded(4000), case.raw(4000), case.raw(4000, seed=1)
    middle = case.settled.value((a + b) / 2, encoded)
    chord = (case.settled.value(a, encoded) + case.settled.value(b, encoded)) / 2
    where = case.where((a + b) / 2, encoded, "Value")
    require_all(middle <= chord + 1e-12 * np.maximum(chord, 1), middle - chord, where, "at most the chord, excess 0")


LAWS: tuple[Callable[[Any], None], ...] = (
    value_is_one_number_per_example,
    shapes_are_refused,
    gradient_is_the_derivative,
    value_and_gradient_agree,
    weights_multiply,
    out_may_be_raw,
    inputs_stay,
    memory_layout_does_not_matter,
    runs_and_examples_are_independent,
    hyperparameters_may_differ,
    precision_is_kept,
    extremes_are_no_problem,
    nothing_is_below_the_infimum,
    the_infimum_is_reached,
    a_constant_added_to_all_scores_changes_nothing,
    a_convex_loss_is_below_its_chords,
)
