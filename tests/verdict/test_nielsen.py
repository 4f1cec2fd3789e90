"""A published run that overfits, and its regularized twin that does not: Nielsen, chapter 3, 1000 images of MNIST.

784-30-10 sigmoids, cross-entropy, 400 epochs. The 10 000 test images stand for the population: what is true of all of
them should be said of random validation sets, and be said as often as it can be seen.
"""

import dataclasses
import gzip

import numpy as np
import pytest

from lossexp.experiment import Training
from lossexp.losses import BCE
from lossexp.models import MLP
from lossexp.optimizers import SGD
from lossexp.targets import Target, Task
from lossexp.verdict import judge

from ..trainings import given, member, trained

N_SETS = 60


def read_idx(folder, name):
    """Return the bytes of an IDX file: a type, the number of axes, their lengths as big-endian integers, the data."""
    content = gzip.decompress((folder / "mnist" / f"{name}.gz").read_bytes())
    shape = np.frombuffer(content, ">i4", count=content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


@pytest.fixture(scope="module")
def runs(shared_data):
    """Return the evidence of the runs with lambda = 0 and lambda = 0.1, which is a weight decay of lambda / 1000."""
    X, y, X_val, y_val = (
        read_idx(shared_data, f"{part}-idx{kind}-ubyte")
        for part, kind in (("train-images", 3), ("train-labels", 1), ("t10k-images", 3), ("t10k-labels", 1))
    )
    X, X_val = (images.reshape(len(images), -1) / 256 for images in (X[:1000], X_val))
    data = given(X, y[:1000].astype(int), Target(Task.MULTICLASS, 10), val=(X_val, y_val.astype(int)))
    model, training = MLP(hidden=(30,), activation="sigmoid", init="normal"), Training(epochs=400)
    members = [
        member(data, BCE(), model=model, training=training, optimizer=SGD(lr=0.5, batch_size=10, weight_decay=decay))
        for decay in (0.0, 0.1 / 1000)
    ]
    return [one.finished.evidence for one in trained(*members)]


def until(evidence, epoch):
    """Return the evidence of a run that ends at the last checkpoint up to `epoch`."""
    n = np.count_nonzero(evidence.epochs <= epoch)
    names = ("epochs", "losses", "errors", "train_losses")
    return dataclasses.replace(evidence, **{name: getattr(evidence, name)[..., :n] for name in names}, kept_epoch=None)


def verdicts(evidence, n_val):
    """Return the verdicts on random validation sets of this size."""
    rng = np.random.default_rng(n_val)
    names = ("losses", "errors", "constant_losses", "constant_errors")
    sets = [rng.choice(len(evidence.losses), n_val, replace=False) for _ in range(N_SETS)]
    return [
        judge(dataclasses.replace(evidence, **{name: getattr(evidence, name)[rows] for name in names})) for rows in sets
    ]


@pytest.mark.slow
@pytest.mark.parametrize("n_val", [300, 1000])
def test_the_run_that_overfits_in_confidence_is_found(runs, n_val):
    said = verdicts(runs[0], n_val)
    assert sum(one.name == "overfit (confidence)" for one in said) >= 0.95 * N_SETS
    best = runs[0].epochs[runs[0].losses.mean(axis=0, dtype=float).argmin()]
    assert sum(low <= best <= high for low, high in (one.best_set for one in said)) >= 0.9 * N_SETS


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [100, 200, 400])
@pytest.mark.parametrize("n_val", [100, 300, 1000])
def test_the_regularized_run_is_never_said_to_overfit(runs, n_val, epoch):
    assert not any(one.is_overfit for one in verdicts(until(runs[1], epoch), n_val))


@pytest.mark.slow
def test_of_all_images_the_best_epoch_is_in_its_confidence_set(runs):
    overfit = judge(runs[0])
    assert overfit.name == "overfit (confidence)"
    assert overfit.best_set[0] <= overfit.best_epoch <= overfit.best_set[1] <= 30
    assert judge(runs[1]).name in ("good fit", "not converged")
