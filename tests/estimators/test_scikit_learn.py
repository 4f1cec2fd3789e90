"""In the company of scikit-learn: its own checks, pipelines, grids and cross-validation."""

import doctest
import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

import lossexp
from lossexp import LossClassifier, LossRegressor
from lossexp.estimators import classifier, regressor
from lossexp.losses import Pinball
from lossexp.models import MLP
from lossexp.optimizers import LBFGS, Adam
from tests.estimators.examples import rows
from tests.trainings import REGRESSION, THREE_CLASSES

PENALISED = LBFGS(weight_decay=0.1, iterations=12)
"""Separable classes have no best fit without a penalty, and then nothing is equal at a tolerance of 1e-7."""

ENSEMBLE = [
    *(LossRegressor(loss, optimizer=PENALISED, epochs=1) for loss in ("mse", "huber", Pinball(tau=0.4))),
    *(LossClassifier(loss, optimizer=PENALISED, epochs=1) for loss in ("bce", "cce", "hinge", "focal")),
    LossClassifier("mse", model=MLP(hidden=(8,)), optimizer=Adam(lr=0.05), epochs=9, validation_fraction=0.2),
]


def expected_failed_checks(estimator):
    if not estimator.validation_fraction:
        return {}
    reason = "other rows are held out of repeated than of weighted ones"
    return {f"check_sample_weight_equivalence_on_{kind}_data": reason for kind in ("dense", "sparse")}


@parametrize_with_checks(ENSEMBLE, expected_failed_checks=expected_failed_checks)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_what_is_declared():
    assert get_tags(LossRegressor("poisson")).target_tags.positive_only
    assert not get_tags(LossRegressor("huber")).target_tags.positive_only
    assert get_tags(LossClassifier()).input_tags.sparse


def test_a_grid_over_losses_and_their_settings_in_a_pipeline():
    X, y = rows(REGRESSION)
    pipeline = make_pipeline(StandardScaler(), LossRegressor(epochs=3))
    grid = [
        {"lossregressor__loss": ["mse", "mae"]},
        {"lossregressor__loss": ["huber"], "lossregressor__loss__delta": [1, 9]},
    ]
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert len(search.cv_results_["params"]) == 4
    assert search.best_estimator_.score(X, y) > 0.5
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict(X), search.predict(X))


def test_cross_validation_with_metrics_common_to_all_losses():
    X, y = rows(THREE_CLASSES)
    for loss in ("cce", "hinge"):
        estimator = LossClassifier(loss, optimizer=PENALISED, epochs=1)
        scores = cross_validate(estimator, X, y, cv=2, scoring=("accuracy", "neg_log_loss"))
        assert scores["test_accuracy"].mean() > 0.5
        assert scores["test_neg_log_loss"].mean() > -np.log(3)


@pytest.mark.parametrize("module", [classifier, regressor], ids=lambda module: module.__name__)
def test_the_examples(module):
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


def test_they_are_imported_when_they_are_used():
    asked = "import sys, lossexp; print('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout == "False\n"
    assert lossexp.LossRegressor is regressor.LossRegressor
    assert {"LossClassifier", "LossRegressor"} < set(dir(lossexp))
    with pytest.raises(AttributeError, match="module 'lossexp' has no attribute 'LossTransformer'"):
        _ = lossexp.LossTransformer
