"""Values and gradients of every loss against its formula in mpmath, from denormal to 1e20."""

import inspect
import itertools

import mpmath
import numpy as np
import pytest

from lossexp import losses
from lossexp.losses.deviance import DevianceLoss
from lossexp.losses.residual import ResidualLoss

from . import references
from .contract import gradient_of

TAILS = [0.0, 1e-300, 1e-9, 0.3, 1.7, 5.0, 37.5, 232.8, 300.0]
FAR = [709.8, 745.2, 1e4, 1e9, 1e20]
REAL = [0.0, 1.0, -3.7, 1e6]
POSITIVE = [1e-6, 1.0, 7.0, 1e6]
SCORES = [
    (0.0, 0.0, 0.0),
    (1e-9, 0.0, -1e-9),
    (0.3, -0.6, 1.1),
    (-2.0, 5.0, 4.9),
    (36.9, 0.0, -36.9),
    (37.0, 37.0, 0.0),
    (59.9, -59.9, 60.1),
    (232.8, 0.0, 0.0),
    (-300.0, 1.0, 2.0),
]
FAR_SCORES = [(1e4, 0.0, 7e-7), (709.8, 709.8, -709.8), (745.2, 0.0, 1.0), (1e9, 1e9, -1e9), (1e20, -1e20, 0.0)]
IDS = [f"{loss} {target}".replace("class_weight=None, ", "") for loss, target, _ in references.ROWS]


def points(loss, target, far=False):
    """Return raw predictions and targets `(n_samples, n_outputs)`."""
    n_outputs = loss.n_outputs(target)
    if target.task.is_classes and n_outputs > 1:
        scores = [row[:n_outputs] for row in (FAR_SCORES if far else SCORES)]
        pairs = list(itertools.product(scores, np.eye(n_outputs)))
    else:
        z = FAR if far else TAILS
        signed = [(value,) for value in (*z, *(-value for value in z))]
        if n_outputs == 2:
            signed = [(mean, log_variance) for (mean,) in signed for log_variance in (0.0, -3.0, 5.0)]
        y = [0.0, 1.0] if target.task.is_classes else REAL
        if loss.target_domain.low == 0 and not target.task.is_classes:
            y = POSITIVE if loss.target_domain.open_low else [0.0, *POSITIVE]
        pairs = [(raw, [value] * n_outputs) for raw, value in itertools.product(signed, y)]
    raw, targets = zip(*pairs, strict=True)
    return np.array(raw), np.array(targets)


def exact(reference, raw, targets):
    """Return values `(n_samples,)` and gradients `(n_samples, n_outputs)`, rounded once; NaN for that of a kink."""
    values, gradients = [], []
    with mpmath.workdps(references.DIGITS):
        h = mpmath.mpf(10) ** -100
        for z, y in zip(raw, targets, strict=True):
            z, y = [mpmath.mpf(float(x)) for x in z], [mpmath.mpf(float(x)) for x in y]
            value = reference(z, y)
            values.append(float(value))
            slopes = [
                [side * (reference(z[:i] + [z[i] + side * h] + z[i + 1 :], y) - value) / h for side in (1, -1)]
                for i in range(len(z))
            ]
            smooth = [abs(up - down) <= mpmath.mpf(10) ** -50 * (1 + abs(up)) for up, down in slopes]
            gradients.append([float(up) if ok else np.nan for (up, _), ok in zip(slopes, smooth, strict=True)])
    return np.array(values), np.array(gradients)


def ours(loss, target, raw, targets):
    loss, raw, targets = loss.on(target), raw.T[:, None], targets.T[:, None]
    with np.errstate(over="ignore"):
        return loss.value(raw, targets)[0], gradient_of(loss, raw, targets)[:, 0].T


def value_rounding(loss):
    """What a value may be off besides its last digits; 0 for nearly all."""
    if isinstance(loss, DevianceLoss):
        return 1e-24  # at the optimum, where it is the square of 1e-9
    return 1e-16 if loss == losses.Poly1(epsilon=-1) else 1e-320


def gradient_rounding(loss, targets):
    """The absolute rounding of a gradient: p - target is known to as many digits after the point as 1 - p."""
    if isinstance(loss, ResidualLoss):
        return 1e-99  # the step of the reference
    return 2e-15 * (1 + np.abs(targets)) if isinstance(loss, DevianceLoss) else 4e-15


@pytest.mark.parametrize(("loss", "target", "reference"), references.ROWS, ids=IDS)
def test_values_and_gradients(loss, target, reference):
    """By relative accuracy: the loss of a sure right answer is tiny and is not 0."""
    raw, targets = points(loss, target)
    values, gradients = exact(reference, raw, targets)
    value, gradient = ours(loss, target, raw, targets)
    np.testing.assert_allclose(value, values, rtol=2e-13, atol=value_rounding(loss))
    assert np.mean(np.isnan(gradients)) < 0.2
    wrong = np.abs(gradient - gradients) > gradient_rounding(loss, targets) + 1e-13 * np.abs(gradients)
    assert not wrong.any(), (raw[wrong.any(axis=1)], gradient[wrong], gradients[wrong])


@pytest.mark.parametrize(("loss", "target", "reference"), references.ROWS, ids=IDS)
def test_far_out(loss, target, reference):
    """From 709.8 to 1e20, where a naive exp is infinite: the right number, or infinity where there is none."""
    raw, targets = points(loss, target, far=True)
    values, gradients = exact(reference, raw, targets)
    value, gradient = ours(loss, target, raw, targets)
    representable = np.abs(values) < 1e290
    np.testing.assert_allclose(value[representable], values[representable], rtol=1e-12, atol=1e-320)
    assert np.all(value[~representable] > 1e280)
    inside = representable[:, None] & ~np.isnan(gradients)
    off = np.abs(np.where(inside, gradient, 0) - np.where(inside, gradients, 0))
    wrong = off > gradient_rounding(loss, targets) + 1e-12 * np.where(inside, np.abs(gradients), 0)
    assert not wrong.any(), (raw[wrong.any(axis=1)], gradient[wrong], gradients[wrong])
    assert not np.isnan(gradient).any()


def test_every_loss_has_a_row_for_each_kind_of_target():
    free = losses.Loss, losses.Formula, losses.Sum
    classes = {loss for loss in vars(losses).values() if inspect.isclass(loss) and loss not in free}
    rows = {(type(loss), target.task) for loss, target, _ in references.ROWS}
    assert {(loss, task) for loss in classes for task in loss.accepts} == rows
