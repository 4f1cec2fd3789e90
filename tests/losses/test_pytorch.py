"""The losses that PyTorch has too, with its conventions for their settings."""

import numpy as np
import pytest

from lossexp import losses as ours
from lossexp.targets import encode

from ..trainings import BINARY, REGRESSION, THREE_CLASSES
from .contract import gradient_of

torch = pytest.importorskip("torch")
F = torch.nn.functional

RNG = np.random.default_rng(0)
N = 100
COUNTS = RNG.poisson(2, N).astype(float)
REAL = RNG.normal(0, 2, N)
LABELS, THREE = RNG.integers(0, 2, N), RNG.integers(0, 3, N)
WEIGHTS = (1.0, 2.0, 0.5)
"""One per class."""


def log_factorial_part(y):
    """What Poisson's likelihood has besides, a constant: y log y - y."""
    return torch.where(y > 0, y * torch.log(torch.where(y > 0, y, 1)), 0) - y


ROWS = [
    (ours.MSE(), REGRESSION, REAL, lambda z, y: F.mse_loss(z[0], y, reduction="none")),
    (ours.MAE(), REGRESSION, REAL, lambda z, y: F.l1_loss(z[0], y, reduction="none")),
    (ours.Huber(delta=0.7), REGRESSION, REAL, lambda z, y: F.huber_loss(z[0], y, delta=0.7, reduction="none")),
    (ours.SmoothL1(beta=0.7), REGRESSION, REAL, lambda z, y: F.smooth_l1_loss(z[0], y, beta=0.7, reduction="none")),
    (
        ours.Poisson(),
        REGRESSION,
        COUNTS,
        lambda z, y: F.poisson_nll_loss(z[0], y, reduction="none") + log_factorial_part(y),
    ),
    (
        ours.GaussianNLL(),
        REGRESSION,
        REAL,
        lambda z, y: F.gaussian_nll_loss(z[0], y, torch.exp(z[1]), eps=0, reduction="none"),
    ),
    (
        ours.BCE(pos_weight=3),
        BINARY,
        LABELS,
        lambda z, y: F.binary_cross_entropy_with_logits(z[0], y, pos_weight=torch.tensor(3.0), reduction="none"),
    ),
    (ours.CCE(), THREE_CLASSES, THREE, lambda z, y: F.cross_entropy(z.T, y.long(), reduction="none")),
    (
        ours.CCE(label_smoothing=0.1),
        THREE_CLASSES,
        THREE,
        lambda z, y: F.cross_entropy(z.T, y.long(), label_smoothing=0.1, reduction="none"),
    ),
    (
        ours.CCE(class_weight=WEIGHTS),
        THREE_CLASSES,
        THREE,
        lambda z, y: F.cross_entropy(z.T, y.long(), torch.tensor(WEIGHTS).double(), reduction="none"),
    ),
    (
        ours.KL(),
        THREE_CLASSES,
        THREE,
        lambda z, y: F.kl_div(F.log_softmax(z.T, 1), F.one_hot(y.long()).double(), reduction="none").sum(1),
    ),
    (
        ours.Squentropy(),
        THREE_CLASSES,
        THREE,
        lambda z, y: (
            F.cross_entropy(z.T, y.long(), reduction="none") + ((1 - F.one_hot(y.long(), 3)) * z.T**2).sum(1) / 2
        ),
    ),
]


@pytest.mark.parametrize(("loss", "kind", "y", "theirs"), ROWS, ids=[str(row[0]) for row in ROWS])
def test_values_and_gradients(loss, kind, y, theirs):
    loss = loss.on(kind)
    encoded = encode(y, kind, loss.n_outputs(kind), np.float64)[:, None]
    raw = RNG.normal(0, 2, (len(encoded), 1, N))
    z = torch.tensor(raw[:, 0], requires_grad=True)
    value = theirs(z, torch.tensor(y, dtype=torch.float64))
    value.sum().backward()
    np.testing.assert_allclose(loss.value(raw, encoded)[0], value.detach().numpy(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(gradient_of(loss, raw, encoded)[:, 0], z.grad.numpy(), rtol=1e-12, atol=1e-14)
