"""Which losses make a model estimate probabilities."""

import pytest

from lossexp import losses
from lossexp.losses.formula import formula
from lossexp.losses.sum import Sum
from lossexp.probabilities import estimates_probabilities
from lossexp.targets import Target, Task

BINARY, THREE = Target(Task.BINARY, 2), Target(Task.MULTICLASS, 3)

PROPER = {
    "bce": losses.BCE(),
    "cce": losses.CCE(),
    "brier": losses.Brier(),
    "kl": losses.KL(),
    "mse": losses.MSE(),
    "mse of the raw outputs": losses.MSE(link="identity"),
    "a formula": formula("-log(p)"),
    "numerical": formula("(raw - target)**2"),
    "a sum": Sum.from_settings({"terms": {"cce": 1, "kl": 2.5}}, "loss"),
}

OTHERS = {
    "hinge": losses.Hinge(),
    "squared hinge": losses.SquaredHinge(),
    "half the log odds": losses.Exponential(),
    "flattened": losses.Focal(gamma=2.0),
    "sharpened": losses.GCE(q=0.7),
    "smoothed labels": losses.CCE(label_smoothing=0.1),
    "crammer_singer": losses.CrammerSinger(),
    "a sum with a margin": Sum.from_settings({"terms": {"bce": 1, "hinge": 0.1}}, "loss"),
}


@pytest.mark.parametrize("target", [BINARY, THREE], ids=str)
@pytest.mark.parametrize("loss", PROPER.values(), ids=PROPER)
def test_proper_losses_do(loss, target):
    assert estimates_probabilities(loss.on(target), target)


@pytest.mark.parametrize("target", [BINARY, THREE], ids=str)
@pytest.mark.parametrize("loss", OTHERS.values(), ids=OTHERS)
def test_others_do_not(loss, target):
    assert not estimates_probabilities(loss.on(target), target)


def test_weights_of_classes_move_what_is_estimated():
    assert not estimates_probabilities(losses.BCE(pos_weight=3.0), BINARY)
    assert not estimates_probabilities(losses.CCE(class_weight=(1.0, 2.0, 3.0)), THREE)
    assert estimates_probabilities(losses.CCE(class_weight=(2.0, 2.0, 2.0)), THREE)
    assert estimates_probabilities(losses.Focal(gamma=0.0), BINARY)


def test_a_continuous_target_has_none():
    assert not estimates_probabilities(losses.MSE(), Target(Task.REGRESSION))
