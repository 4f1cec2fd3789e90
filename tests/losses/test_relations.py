"""What losses have to do with each other, and what a class loss does not depend on."""

import numpy as np
import pytest

from lossexp import losses as ours
from lossexp.differentiation import four_point
from lossexp.targets import encode

from ..trainings import BINARY, REGRESSION, THREE_CLASSES
from .contract import gradient_of

RNG = np.random.default_rng(0)
N = 200
RAW = {1: RNG.normal(0, 2, (1, 3, N)), 2: RNG.normal(0, 2, (2, 3, N)), 3: RNG.normal(0, 2, (3, 3, N))}


def targets(kind, n_outputs):
    y = RNG.gamma(2, 1, N) if kind is REGRESSION else RNG.integers(0, kind.n_classes, N)
    return encode(y, kind, n_outputs, np.float64)[:, None]


EQUAL = [
    ("huber far inside is half of mse", ours.Huber(delta=1e9), ours.MSE(), REGRESSION, 0.5),
    ("smooth_l1 is huber over its threshold", ours.SmoothL1(beta=0.3), ours.Huber(delta=0.3), REGRESSION, 1 / 0.3),
    ("pinball at the median is half of mae", ours.Pinball(tau=0.5), ours.MAE(), REGRESSION, 0.5),
    ("nothing insensitive is mae", ours.EpsilonInsensitive(epsilon=0), ours.MAE(), REGRESSION, 1),
    ("a wide cauchy is half of mse", ours.Cauchy(scale=1e8), ours.MSE(), REGRESSION, 0.5),
    ("a wide tukey is half of mse", ours.Tukey(scale=1e8), ours.MSE(), REGRESSION, 0.5),
    ("tweedie near 1 is poisson", ours.Tweedie(power=1 + 1e-9), ours.Poisson(), REGRESSION, 1),
    ("tweedie near 2 is gamma", ours.Tweedie(power=2 - 1e-9), ours.Gamma(), REGRESSION, 1),
    ("focal without focus is bce", ours.Focal(gamma=0), ours.BCE(), BINARY, 1),
    ("focal without focus is cce", ours.Focal(gamma=0), ours.CCE(), THREE_CLASSES, 1),
    ("poly1 without epsilon is cce", ours.Poly1(epsilon=0), ours.CCE(), THREE_CLASSES, 1),
    ("gce towards 0 is cce", ours.GCE(q=1e-9), ours.CCE(), THREE_CLASSES, 1),
    ("sce without its second part is cce", ours.SCE(alpha=0.3, beta=0), ours.CCE(), THREE_CLASSES, 0.3),
    ("sce without its first part is gce with q 1", ours.SCE(alpha=0, log_zero=-6), ours.GCE(q=1), BINARY, 6),
    ("kl of labels is cce", ours.KL(), ours.CCE(), THREE_CLASSES, 1),
    ("brier is mse of probabilities, two classes", ours.Brier(), ours.MSE(), BINARY, 1),
    ("brier is mse of probabilities, many classes", ours.Brier(), ours.MSE(), THREE_CLASSES, 1),
    ("weights of 1 are none", ours.Hinge(class_weight=(1, 1, 1)), ours.Hinge(), THREE_CLASSES, 1),
    ("pos_weight is the weight of the second class", ours.BCE(pos_weight=3), ours.BCE(class_weight=(1, 3)), BINARY, 1),
]


@pytest.mark.parametrize(("one", "other", "kind", "factor"), [row[1:] for row in EQUAL], ids=[row[0] for row in EQUAL])
def test_equal(one, other, kind, factor):
    one, other = one.on(kind), other.on(kind)
    encoded = targets(kind, one.n_outputs(kind))
    raw = RAW[len(encoded)]
    np.testing.assert_allclose(one.value(raw, encoded), factor * other.value(raw, encoded), rtol=1e-7, atol=1e-7)
    ours_, theirs = gradient_of(one, raw, encoded), factor * gradient_of(other, raw, encoded)
    np.testing.assert_allclose(ours_, theirs, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(("scale", "dtype"), [(1e30, np.float32), (1e30, np.float64), (1e200, np.float64)])
@pytest.mark.parametrize("loss", [ours.Cauchy, ours.Tukey])
def test_a_scale_whose_square_is_no_number_is_just_wide(loss, scale, dtype):
    """Half of the squared error, in single precision as well, where 1e30 squared is infinite and 1e-30 squared 0."""
    raw, encoded = RAW[1].astype(dtype), np.ones((1, 1, N), dtype=dtype)
    value, error = loss(scale=scale).value(raw, encoded), raw[0] - 1
    np.testing.assert_allclose(value, error**2 / 2, rtol=1e-5 if dtype == np.float32 else 1e-14)
    np.testing.assert_allclose(gradient_of(loss(scale=scale), raw, encoded)[0], error, rtol=1e-6)


def test_modified_huber_is_squared_hinge_up_to_margin_minus_1():
    """And there its tangent: value 4, slope -4 by the margin."""
    raw, encoded = np.linspace(-1, 5, 61).reshape(1, 1, -1), np.ones((1, 1, 61))
    one, other = ours.ModifiedHuber(), ours.SquaredHinge()
    np.testing.assert_allclose(one.value(raw, encoded), other.value(raw, encoded), atol=1e-15)
    np.testing.assert_allclose(gradient_of(one, raw, encoded), gradient_of(other, raw, encoded), atol=1e-15)
    assert one.value(np.full((1, 1, 1), -3.0), np.ones((1, 1, 1))) == 12


@pytest.mark.parametrize("loss", [ours.Focal(), ours.Focal(gamma=0.5)], ids=str)
def test_two_outputs_are_one_of_their_difference(loss):
    """A softmax of two scores is a sigmoid of their difference."""
    encoded = targets(BINARY, 2)
    raw = RAW[2]
    difference = raw[1:] - raw[:1]
    np.testing.assert_allclose(loss.value(raw, encoded), loss.value(difference, encoded[1:]), rtol=1e-12)
    two, one = gradient_of(loss, raw, encoded), gradient_of(loss, difference, encoded[1:])
    np.testing.assert_allclose(two, np.concatenate([-one, one]), rtol=1e-11, atol=1e-14)


def test_kl_of_soft_targets_is_0_at_the_target_and_differs_from_cce_by_the_entropy():
    q = RNG.dirichlet(np.ones(3), N).T[:, None]
    np.testing.assert_allclose(ours.KL().value(np.log(q) + 5, q), 0, atol=1e-15)
    entropy = -np.sum(q * np.log(q), axis=0)
    np.testing.assert_allclose(ours.CCE().value(RAW[3], q) - ours.KL().value(RAW[3], q), np.repeat(entropy, 3, 0))
    np.testing.assert_allclose(gradient_of(ours.KL(), RAW[3], q), gradient_of(ours.CCE(), RAW[3], q))


@pytest.mark.parametrize(
    "loss", [ours.MSE(), ours.Brier(), ours.CCE(), ours.KL(), ours.CCE(label_smoothing=0.1)], ids=str
)
def test_soft_targets(loss):
    """Proper losses take probabilities for targets; the gradient is that of the value."""
    loss, q = loss.on(THREE_CLASSES), RNG.dirichlet(np.ones(3), N).T[:, None]
    expected = four_point_gradient(loss, RAW[3], q)
    np.testing.assert_allclose(gradient_of(loss, RAW[3], q), expected, rtol=5e-6, atol=1e-10)


@pytest.mark.parametrize("loss", [ours.MSE(), ours.Brier(), ours.BCE(), ours.BCE(pos_weight=3)], ids=str)
def test_soft_targets_of_two_classes(loss):
    loss, q = loss.on(BINARY), RNG.uniform(size=(1, 1, N))
    expected = four_point_gradient(loss, RAW[1], q)
    np.testing.assert_allclose(gradient_of(loss, RAW[1], q), expected, rtol=5e-6, atol=1e-10)


def four_point_gradient(loss, raw, target):
    return four_point(lambda moved: loss.value(moved, target), raw)


INVARIANT = [ours.CCE, ours.KL, ours.Brier, ours.Focal, ours.Poly1, ours.GCE, ours.SCE, ours.CrammerSinger]


@pytest.mark.parametrize("shift", [-1e4, -61.0, 1.0, 1e4])
@pytest.mark.parametrize("loss", INVARIANT, ids=lambda loss: loss.__name__)
def test_a_constant_added_to_all_scores_changes_nothing(loss, shift):
    encoded = targets(THREE_CLASSES, 3)
    # On a grid of binary fractions the sum is exact.
    raw = np.round(RAW[3] * 1024) / 1024
    np.testing.assert_allclose(loss().value(raw + shift, encoded), loss().value(raw, encoded), rtol=1e-11, atol=1e-11)
    moved, still = gradient_of(loss(), raw + shift, encoded), gradient_of(loss(), raw, encoded)
    np.testing.assert_allclose(moved, still, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(still.sum(axis=0), 0, atol=1e-14)


@pytest.mark.parametrize("kind", [BINARY, THREE_CLASSES], ids=str)
@pytest.mark.parametrize(
    "name",
    [
        name
        for name in ours.__all__
        if isinstance(getattr(ours, name), type) and hasattr(getattr(ours, name), "class_weight")
    ],
)
def test_a_class_of_weight_3_counts_like_three_times_the_examples_and_weight_0_like_none(name, kind):
    loss = getattr(ours, name)
    weights = (3, 0, 2)[: kind.n_classes]
    encoded = targets(kind, loss().n_outputs(kind))
    raw = RAW[len(encoded)]
    labels = encoded[0, 0].astype(int) if len(encoded) == 1 else encoded[:, 0].argmax(axis=0)
    repeated = np.repeat(np.arange(N), np.take(weights, labels))
    weighted, plain = loss(class_weight=weights), loss()
    np.testing.assert_allclose(
        weighted.value(raw, encoded).sum(axis=1), plain.value(raw[..., repeated], encoded[..., repeated]).sum(axis=1)
    )
    np.testing.assert_allclose(
        gradient_of(weighted, raw, encoded).sum(axis=2),
        gradient_of(plain, raw[..., repeated], encoded[..., repeated]).sum(axis=2),
        atol=1e-12,
    )
    assert plain.as_metric(kind) is None or weighted.as_metric(kind) is None
