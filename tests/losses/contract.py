"""What every loss promises, as functions of a loss and the kind of target it is used on.

Each takes the loss as the user would write it, settles it on the target, and asserts. Shapes are the general ones: many
runs, many outputs, targets with and without a run axis.
"""

import re

import numpy as np
import pytest

from lossexp.links import LINKS
from lossexp.targets import encode

N_RUNS, N_SAMPLES = 3, 8
FOUR_POINT_STEP = 1e-3


def targets(loss, target, rng, n_samples=N_SAMPLES, dtype=np.float64):
    """Return random targets `(n_outputs, n_samples)` as a data set would have them, with every class among them."""
    labels = np.arange(n_samples) % max(target.n_classes, 1)
    y = rng.permutation(labels) if target.task.is_classes else rng.normal(0, 2, n_samples)
    return encode(y, target, loss.n_outputs(target), dtype)


def soft_targets(loss, target, rng, n_samples=N_SAMPLES):
    """Return class probabilities `(n_outputs, n_samples)`, or random values for a continuous target."""
    n_outputs = loss.n_outputs(target)
    if not target.task.is_classes:
        return targets(loss, target, rng, n_samples)
    return rng.uniform(size=(1, n_samples)) if n_outputs == 1 else rng.dirichlet(np.ones(n_outputs), n_samples).T


def examples(loss, target, seed=0, scale=3.0, dtype=np.float64, n_samples=N_SAMPLES):
    """Return a settled loss, raw predictions `(n_outputs, n_runs, n_samples)` and targets with a run axis of 1."""
    rng = np.random.default_rng(seed)
    loss = loss.on(target)
    encoded = targets(loss, target, rng, n_samples, dtype)[:, None]
    raw = rng.normal(0, scale, (len(encoded), N_RUNS, n_samples)).astype(dtype)
    return loss, raw, encoded


def gradient_of(loss, raw, encoded):
    out = np.full_like(raw, np.nan)
    loss.gradient(raw, encoded, out)
    return out


def four_point(function, x, step=FOUR_POINT_STEP):
    """Return d function / d x by differences of error O(step⁴); `function` is elementwise over the shape of `x`."""
    return (function(x - 2 * step) - 8 * function(x - step) + 8 * function(x + step) - function(x + 2 * step)) / (
        12 * step
    )


# --- the contract ---------------------------------------------------------------------------------------------


def value_is_one_number_per_example(loss, target):
    loss, raw, encoded = examples(loss, target)
    assert loss.value(raw, encoded).shape == (N_RUNS, N_SAMPLES)


def outputs_agree_with_the_link(loss, target):
    """A softmax needs one output per class; so do many classes under any link; everything else needs one."""
    loss = loss.on(target)
    per_class = target.n_classes > 2 or loss.link_name(target) == "softmax"
    assert loss.n_outputs(target) == (target.n_classes if per_class else 1)
    assert target.task in loss.accepts


def gradient_is_the_derivative(loss, target):
    """Four-point differences of each output in turn, hard and soft targets."""
    loss, raw, encoded = examples(loss, target)
    soft = soft_targets(loss, target, np.random.default_rng(1))[:, None]
    for y in (encoded, soft):
        gradient = gradient_of(loss, raw, y)
        for output in range(len(raw)):
            unit = np.zeros((len(raw), 1, 1))
            unit[output] = 1
            numeric = four_point(lambda move, y=y, unit=unit: loss.value(raw + move * unit, y), 0.0)
            np.testing.assert_allclose(gradient[output], numeric, rtol=5e-6, atol=1e-10)


def value_and_gradient_are_the_pair(loss, target):
    loss, raw, encoded = examples(loss, target)
    out = np.empty_like(raw)
    value = loss.value_and_gradient(raw, encoded, out)
    np.testing.assert_array_equal(value, loss.value(raw, encoded))
    np.testing.assert_array_equal(out, gradient_of(loss, raw, encoded))


def weighted_gradient_is_weight_times_gradient(loss, target):
    """With one weight for all, one per run and one per example; 0 and tiny and huge ones included."""
    loss, raw, encoded = examples(loss, target)
    gradient = gradient_of(loss, raw, encoded)
    per_run = np.array([[0.0], [1e-9], [1e6]])
    per_example = np.random.default_rng(1).uniform(size=raw.shape[1:])
    for weight in (0.0, 0.25, per_run, per_example):
        out = np.full_like(raw, np.nan)
        loss.weighted_gradient(raw, encoded, weight, out)
        largest = np.max(np.abs(weight * gradient), axis=(0, 2), keepdims=True)
        assert np.all(np.abs(out - weight * gradient) <= 1e-15 * largest)


def out_may_be_raw(loss, target):
    """Scores far apart as well, where a stable softmax shifts them inside `out`."""
    for scale in (3.0, 300.0):
        loss, raw, encoded = examples(loss, target, scale=scale)
        separate, aliased = gradient_of(loss, raw, encoded), raw.copy()
        loss.gradient(aliased, encoded, aliased)
        np.testing.assert_array_equal(aliased, separate)
        weighted, aliased = np.empty_like(raw), raw.copy()
        loss.weighted_gradient(raw, encoded, 0.5, weighted)
        loss.weighted_gradient(aliased, encoded, 0.5, aliased)
        np.testing.assert_array_equal(aliased, weighted)
        aliased = raw.copy()
        np.testing.assert_array_equal(loss.value_and_gradient(aliased, encoded, aliased), loss.value(raw, encoded))
        np.testing.assert_array_equal(aliased, separate)


def inputs_stay_as_they_are(loss, target):
    """Read-only arrays are accepted, which also proves that nothing writes to them."""
    loss, raw, encoded = examples(loss, target)
    for array in (raw, encoded):
        array.setflags(write=False)
    loss.value(raw, encoded)
    loss.value_and_gradient(raw, encoded, np.empty_like(raw))
    loss.weighted_gradient(raw, encoded, 0.5, np.empty_like(raw))


def any_memory_layout_is_accepted(loss, target):
    """A slice of the runs of a stack, and Fortran order."""
    loss, raw, encoded = examples(loss, target)
    value, gradient = loss.value(raw, encoded), gradient_of(loss, raw, encoded)
    wide = np.full((len(raw), 2 * N_RUNS, N_SAMPLES), np.nan)
    wide[:, ::2] = raw
    for laid_out in (wide[:, ::2], np.asfortranarray(raw)):
        np.testing.assert_array_equal(loss.value(laid_out, encoded), value)
        loss.gradient(laid_out, encoded, laid_out)
        np.testing.assert_allclose(laid_out, gradient, rtol=1e-14, atol=1e-16)


def targets_may_differ_between_runs(loss, target):
    loss, raw, encoded = examples(loss, target)
    spread = np.repeat(encoded, N_RUNS, axis=1)
    np.testing.assert_array_equal(loss.value(raw, spread), loss.value(raw, encoded))
    np.testing.assert_array_equal(gradient_of(loss, raw, spread), gradient_of(loss, raw, encoded))


def examples_and_runs_are_independent(loss, target):
    """Each number of value and gradient depends on its own example and run alone, even next to a diverged run."""
    loss, raw, encoded = examples(loss, target)
    value, gradient = loss.value(raw, encoded), gradient_of(loss, raw, encoded)
    others = np.ix_([0, 2], [0, 1, *range(3, N_SAMPLES)])
    for extreme in (np.nan, np.inf, 1e30):
        spoilt = raw.copy()
        spoilt[:, 1, :] = extreme
        spoilt[:, :, 2] = extreme
        with np.errstate(all="ignore"):
            spoilt_value, spoilt_gradient = loss.value(spoilt, encoded), gradient_of(loss, spoilt, encoded)
        # Not to the last digit: one score far out makes a softmax shift the scores of all examples.
        np.testing.assert_allclose(spoilt_value[others], value[others], rtol=1e-13)
        for output in range(len(raw)):
            np.testing.assert_allclose(
                spoilt_gradient[output][others], gradient[output][others], rtol=1e-13, atol=1e-16
            )


def one_run_is_like_many(loss, target):
    loss, raw, encoded = examples(loss, target)
    for run in range(N_RUNS):
        alone = raw[:, run : run + 1]
        np.testing.assert_array_equal(loss.value(alone, encoded)[0], loss.value(raw, encoded)[run])
        np.testing.assert_array_equal(gradient_of(loss, alone, encoded)[:, 0], gradient_of(loss, raw, encoded)[:, run])


def precision_is_kept(loss, target):
    """float32 in, float32 out, close to the float64 answer."""
    loss, raw, encoded = examples(loss, target, dtype=np.float32)
    value, gradient = loss.value(raw, encoded), gradient_of(loss, raw, encoded)
    assert value.dtype == gradient.dtype == np.float32
    raw, encoded = raw.astype(np.float64), encoded.astype(np.float64)
    np.testing.assert_allclose(value, loss.value(raw, encoded), rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(gradient, gradient_of(loss, raw, encoded), rtol=2e-5, atol=1e-6)


def extremes_are_finite(loss, target):
    """Raw predictions of ±10 000, 0 and denormal, each with every class, without a floating-point warning."""
    for dtype in (np.float32, np.float64):
        settled, raw, encoded = examples(loss, target, dtype=dtype)
        corners = np.array([1e4, -1e4, 0.0, -0.0, 1e-40, -1e-40, 60.0, -60.0], dtype=dtype)
        for turn in range(len(corners)):
            for output in range(len(raw)):
                raw[output] = np.roll(corners, turn * (output + 1))
            with np.errstate(divide="raise", invalid="raise", over="raise"):
                value, gradient = settled.value(raw, encoded), gradient_of(settled, raw, encoded)
            assert np.isfinite(value).all()
            assert np.isfinite(gradient).all()
            assert np.all(value >= settled.infimum(target))


def nothing_is_below_the_infimum(loss, target):
    loss, raw, encoded = examples(loss, target, scale=20, n_samples=2000)
    assert loss.value(raw, encoded).min() >= loss.infimum(target)


def convexity_is_as_stated(loss, target):
    """Midpoints of random pairs: never above the chord where the loss says convex, above it somewhere where not."""
    settled, a, encoded = examples(loss, target, n_samples=4000)
    b = examples(loss, target, seed=1, n_samples=4000)[1]
    middle, chord = settled.value((a + b) / 2, encoded), (settled.value(a, encoded) + settled.value(b, encoded)) / 2
    if settled.convex:
        assert np.all(middle <= chord + 1e-12 * np.maximum(chord, 1))
    elif settled.link_name(target) != "identity":
        assert np.any(middle > chord + 1e-3)


def broadcasting_is_refused(loss, target):
    """Targets that NumPy would stretch: an axis missing, too few samples, too few outputs, another number of runs."""
    loss, raw, encoded = examples(loss, target)
    wrong = [
        encoded[:, 0],
        encoded[0, 0],
        encoded[:, :, :1],
        np.swapaxes(encoded, 1, 2),
        np.repeat(encoded, N_RUNS - 1, axis=1),
        encoded[:1] if len(raw) > 1 else np.repeat(encoded, 2, axis=0),
    ]
    for target_array in wrong:
        with pytest.raises(
            ValueError, match=re.escape(f"target {target_array.shape} does not fit raw predictions {raw.shape}")
        ):
            loss.value(raw, target_array)


def best_constant_is_the_mean(loss, target):
    """At raw = link(mean of the targets) the gradients of a constant model sum to 0, and nearby is no better."""
    rng = np.random.default_rng(0)
    loss, n_samples = loss.on(target), 999
    encoded = targets(loss, target, rng, n_samples)[:, None]
    mean = encoded.mean(axis=2, keepdims=True)
    raw = np.broadcast_to(_raw_of(loss.link_name(target), mean), encoded.shape).copy()
    np.testing.assert_allclose(LINKS[loss.link_name(target)].inverse(raw.copy()), np.broadcast_to(mean, raw.shape))
    assert np.all(np.abs(gradient_of(loss, raw, encoded).sum(axis=2)) <= 1e-12 * n_samples)
    best = loss.value(raw, encoded).mean()
    for move in rng.normal(0, 0.1, (50, len(raw), 1, 1)):
        assert loss.value(raw + move, encoded).mean() >= best - 1e-15


def _raw_of(link_name, mean):
    if link_name == "identity":
        return mean
    return np.log(mean) if link_name == "softmax" else np.log(mean) - np.log1p(-mean)


CONTRACT = (
    value_is_one_number_per_example,
    outputs_agree_with_the_link,
    gradient_is_the_derivative,
    value_and_gradient_are_the_pair,
    weighted_gradient_is_weight_times_gradient,
    out_may_be_raw,
    inputs_stay_as_they_are,
    any_memory_layout_is_accepted,
    targets_may_differ_between_runs,
    examples_and_runs_are_independent,
    one_run_is_like_many,
    precision_is_kept,
    extremes_are_finite,
    nothing_is_below_the_infimum,
    convexity_is_as_stated,
    broadcasting_is_refused,
)
