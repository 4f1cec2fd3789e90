"""Targets outside the domain of a loss, and weights that are not one per class, are refused before anything starts."""

import numpy as np
import pytest

from lossexp import compatibility
from lossexp.errors import IncompatibleError
from lossexp.experiment import Experiment
from lossexp.losses import BCE, CCE, MSE, Focal, Gamma, Huber, Poisson, Tweedie

from ..trainings import BINARY, REGRESSION, THREE_CLASSES, drawn, given

CHOICES = {"loss": "mine", "dataset": "yours"}


def counts(*values):
    """Return data with these targets in the training split, and sound ones in the others."""
    y = np.array(values, dtype=float)
    ones = np.ones((3, 1)), np.ones(3)
    return given(np.ones((len(y), 1)), y, REGRESSION, val=ones, test=ones)


def check(loss, data):
    compatibility.check(Experiment(dataset=None, loss=loss), data, CHOICES)


@pytest.mark.parametrize(
    ("loss", "data", "words"),
    [
        (
            Poisson(),
            counts(0, 2, -1.5, -2),
            "loss=mine needs targets at least 0, but dataset=yours has -1.5 in its train",
        ),
        (Tweedie(), counts(0, -3), "needs targets at least 0, .* has -3 in its training split"),
        (
            Gamma(),
            counts(1, 0),
            "needs targets above 0, .* has 0 in its training split. Use a loss for any real number",
        ),
        (
            CCE(class_weight=[1, 2]),
            drawn(THREE_CLASSES),
            "loss.class_weight has 2 numbers, but dataset=yours has 3 classes. Give one weight per class",
        ),
        (Focal(class_weight=[1, 2, 3]), drawn(BINARY), "loss.class_weight has 3 numbers, .* two classes"),
        (Huber(), drawn(BINARY), "Losses for two classes: bce, .*brier.* e.g. loss=bce"),
        (BCE(), drawn(REGRESSION), "Losses for a continuous target: cauchy, .* e.g. loss=mse"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_refused(loss, data, words):
    with pytest.raises(IncompatibleError, match=words):
        check(loss, data)


@pytest.mark.parametrize(
    ("loss", "data"),
    [
        (Poisson(), counts(0, 2, 7)),
        (Gamma(), counts(1e-300, 7)),
        (MSE(), counts(-1, 7)),
        (CCE(class_weight=[1, 2, 3]), drawn(THREE_CLASSES)),
        (BCE(class_weight=[1, 2]), drawn(BINARY)),
    ],
    ids=lambda value: str(value)[:40],
)
def test_accepted(loss, data):
    check(loss, data)


@pytest.mark.parametrize("place", ["val", "test"])
def test_every_split_is_looked_at(place):
    one = np.ones((1, 1)), np.ones(1)
    splits = {"val": one, "test": one, place: (np.ones((1, 1)), np.array([-7.0]))}
    with pytest.raises(IncompatibleError, match=f"has -7 in its {'validation' if place == 'val' else 'test'} split"):
        check(Poisson(), given(np.ones((3, 1)), np.ones(3), REGRESSION, **splits))
