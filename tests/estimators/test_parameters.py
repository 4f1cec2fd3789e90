"""Parameters: names, objects and their settings; what cannot be used is refused by name."""

import pytest
from sklearn.base import clone

from lossexp import LossClassifier, LossRegressor
from lossexp.early_stopping import Never
from lossexp.errors import ConfigError, DataError, IncompatibleError
from lossexp.losses import BCE, Huber, Pinball
from lossexp.optimizers import SGD
from tests.estimators.examples import rows
from tests.trainings import REGRESSION, THREE_CLASSES


def test_settings_of_components_are_parameters():
    estimator = LossRegressor("huber", optimizer=SGD(lr=0.5, momentum=0.9))
    assert estimator.get_params()["loss__delta"] == 1.0
    assert estimator.get_params()["optimizer__momentum"] == 0.9
    estimator.set_params(loss__delta=3, optimizer__lr=0.25, epochs=7)
    assert estimator.loss == Huber(delta=3)
    assert estimator.optimizer == SGD(lr=0.25, momentum=0.9)
    assert estimator.epochs == 7
    assert estimator.set_params(loss="pinball", loss__tau=0.1).loss == Pinball(tau=0.1)
    assert clone(estimator).get_params() == estimator.get_params()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"loss": "crossentropy"}, r"^Unknown choice loss=crossentropy\. Did you mean cce\? Known: bce, "),
        ({"model": "liner"}, r"^Unknown choice model=liner\. Did you mean linear\? Known: linear, mlp$"),
        ({"loss": Huber}, r"^loss=<class .*Huber'> is not allowed: expected a name, one of bce, .*, or an object"),
        ({"loss": "formula"}, r"^loss\.value=null is not allowed"),
        ({"epochs": -1}, r"^epochs=-1 is not allowed"),
        ({"validation_fraction": 1.0}, r"^validation_fraction=1\.0 is not allowed: expected a number at least 0 and"),
        ({"validation_fraction": None}, r"^validation_fraction=None is not allowed"),
        ({"early_stopping": "patience"}, r"^early_stopping=patience watches validation rows, .* validation_fraction="),
        ({"early_stopping": Never(restore_best=True)}, r"watches validation rows, but validation_fraction=0 holds out"),
    ],
    ids=str,
)
def test_parameters_that_cannot_be_used(params, message):
    """Never before `fit`, as scikit-learn has it, and then as one of our errors and a ValueError."""
    estimator = LossRegressor().set_params(**params)
    repr(estimator), clone(estimator), estimator.get_params()
    with pytest.raises(ConfigError, match=message) as caught:
        estimator.fit(*rows(REGRESSION))
    assert isinstance(caught.value, ValueError)


def test_settings_that_do_not_exist_are_refused_at_once():
    with pytest.raises(ConfigError, match=r"^Unknown setting loss__delt\. Did you mean loss__delta\? Known: delta\.$"):
        LossRegressor("huber").set_params(loss__delt=2)
    with pytest.raises(ConfigError, match="delta=-1 is not allowed"):
        LossRegressor("huber").set_params(loss__delta=-1)


def test_losses_that_do_not_fit_the_target():
    X, y = rows(REGRESSION)
    with pytest.raises(
        IncompatibleError, match=r"^loss=huber needs a continuous target, but y has two classes\.\nLoss"
    ):
        LossClassifier("huber").fit(X, y > 0)
    with pytest.raises(
        IncompatibleError, match=r"^loss=bce needs class labels, but y has a continuous target \(60 dis"
    ):
        LossRegressor("bce").fit(X, y)
    with pytest.raises(IncompatibleError, match=r"^loss=poisson needs targets at least 0, but y has -"):
        LossRegressor("poisson").fit(X, y - 10)
    with pytest.raises(IncompatibleError, match="has 2 numbers, but y has 3 classes"):
        LossClassifier(BCE(class_weight=(1, 2))).fit(*rows(THREE_CLASSES))
    with pytest.raises(DataError, match=r"^y has one class only, cat: expected two or more\.$"):
        LossClassifier().fit(X, ["cat"] * len(y))
