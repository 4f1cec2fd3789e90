"""Fitting: it is this package's training, weights and validation rows included, and it gives known optima."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, QuantileRegressor
from sklearn.metrics import log_loss, mean_pinball_loss

from lossexp import LossClassifier, LossRegressor
from lossexp.early_stopping import Patience
from lossexp.errors import DataError, IncompatibleError
from lossexp.losses import MSE, Pinball
from lossexp.losses.formula import formula
from lossexp.models import MLP
from lossexp.optimizers import GD, LBFGS, SGD, Adam
from lossexp.randomness import stream
from tests.estimators.examples import rows
from tests.trainings import BINARY, REGRESSION, THREE_CLASSES

PENALTY = 0.05
TIGHT = {"tol": 1e-10, "max_iter": 10_000}


def test_the_same_optimum_as_scikit_learn():
    """Where both minimise the same function: the mean loss plus PENALTY/2 times the squared weights, if any."""
    X, y = rows(REGRESSION)
    weight = np.random.default_rng(1).uniform(0, 3, len(y))
    positive, labels = np.exp(y), rows(THREE_CLASSES)[1]
    penalised = LBFGS(weight_decay=PENALTY)
    logistic = LogisticRegression(C=1 / (PENALTY * weight.sum()), **TIGHT)
    pairs = [
        (LossRegressor("mse"), LinearRegression(), y),
        (LossRegressor("poisson", optimizer=penalised), PoissonRegressor(alpha=PENALTY, **TIGHT), positive),
        (LossRegressor(Pinball(tau=0.8), epochs=200), QuantileRegressor(quantile=0.8, alpha=0), y),
        (LossClassifier("cce", optimizer=penalised), logistic, labels),
        (LossClassifier("bce", optimizer=penalised), logistic, labels > 0),
    ]
    for ours, theirs, target in pairs:
        ours.fit(X, target, sample_weight=weight)
        theirs.fit(X, target, sample_weight=weight)
        if hasattr(theirs, "predict_proba"):
            np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)
        np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-4)


@pytest.mark.parametrize("estimator", [LossRegressor("mse"), LossRegressor("huber"), LossClassifier("bce")], ids=str)
def test_a_linear_optimum_is_found_whatever_units_the_features_are_in(estimator):
    """The last two features are years and incomes: without a common scale 400 steps do not get near it."""
    X, y = rows(BINARY if isinstance(estimator, LossClassifier) else REGRESSION)
    expected = clone(estimator).fit(X, y)
    units, origin = np.array([1e-6, 10, 1e5]), np.array([0, 2000, 1e6])
    fitted = estimator.fit(X * units + origin, y)
    np.testing.assert_allclose(fitted.coef_ * units, expected.coef_, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(fitted.predict(X * units + origin), expected.predict(X), rtol=1e-4, atol=1e-4)
    assert fitted.loss_curve_[-1] == pytest.approx(expected.loss_curve_[-1], rel=1e-8)


@pytest.mark.parametrize(
    ("estimator", "target"),
    [
        (LossRegressor("huber", optimizer=GD(lr=0.1)), REGRESSION),
        (LossRegressor("gaussian_nll", optimizer=GD(lr=0.1)), REGRESSION),
        (LossClassifier("hinge", optimizer=GD(lr=0.1)), BINARY),
        (LossClassifier("cce", model="mlp", optimizer=GD(lr=0.1), random_state=0), THREE_CLASSES),
    ],
    ids=lambda value: getattr(value, "loss", None),
)
def test_a_weight_is_a_number_of_copies(estimator, target):
    X, y = rows(target)
    weight = np.random.default_rng(0).integers(0, 4, len(y))
    weighted = clone(estimator).fit(X, y, sample_weight=weight)
    repeated = clone(estimator).fit(X.repeat(weight, axis=0), y.repeat(weight))
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-10)
    for ours, theirs in zip(weighted.params_, repeated.params_, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_predictions_are_those_the_curves_are_measured_with():
    X, y = rows(REGRESSION)
    weight = np.arange(len(y))
    fitted = LossRegressor(Pinball(tau=0.8), epochs=1).fit(X, y, sample_weight=weight)
    expected = mean_pinball_loss(y, fitted.predict(X), sample_weight=weight, alpha=0.8)
    assert fitted.loss_curve_[-1] == pytest.approx(expected, rel=1e-12)
    for target, loss in ((BINARY, "bce"), (BINARY, "cce"), (THREE_CLASSES, "cce")):
        X, y = rows(target)
        fitted = LossClassifier(loss, epochs=1).fit(X, y)
        assert fitted.loss_curve_[-1] == pytest.approx(log_loss(y, fitted.predict_proba(X)), rel=1e-12)


def test_the_seed_is_that_of_the_command_line():
    """Without training the parameters are those that a run with this seed starts from."""
    X, y = rows(REGRESSION)
    (first, last) = LossRegressor(model="mlp", epochs=0, random_state=5).fit(X, y).params_
    drawn_first, drawn_last = MLP().initial_params(3, 1, [stream(5, "init")], "float64")
    np.testing.assert_array_equal(first, drawn_first[:, 0])
    np.testing.assert_array_equal(last, drawn_last[:, 0])


def test_without_a_seed_fits_differ_unless_the_generator_is_the_same():
    X, y = rows(REGRESSION)

    def params(random_state):
        return LossRegressor(model="mlp", epochs=0, random_state=random_state).fit(X, y).params_[0]

    assert not np.array_equal(params(None), params(None))
    np.testing.assert_array_equal(params(np.random.RandomState(3)), params(np.random.RandomState(3)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_precision_is_that_of_the_features(dtype):
    X, y = rows(REGRESSION)
    fitted = LossRegressor("huber").fit(X.astype(dtype), y)
    assert fitted.params_[0].dtype == fitted.predict(X.astype(dtype)).dtype == dtype


def test_sparse_features_are_fitted_as_dense_ones():
    X, y = rows(REGRESSION)
    X = X * (X > 0.5)
    dense = LossRegressor("huber", optimizer=SGD(), epochs=3, random_state=0).fit(X, y)
    sparse = clone(dense).fit(csr_matrix(X), y)
    np.testing.assert_allclose(sparse.params_[0], dense.params_[0], rtol=1e-12)
    np.testing.assert_allclose(sparse.predict(csr_matrix(X)), dense.predict(X), rtol=1e-12)


# --- scores and probabilities -----------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["bce", "cce", "hinge", MSE(link="identity"), formula("(raw - target)**2")], ids=str)
@pytest.mark.parametrize("target", [BINARY, THREE_CLASSES], ids=str)
def test_scores_probabilities_and_labels_agree(loss, target):
    X, y = rows(target)
    names = np.array(["ash", "birch", "cedar"])
    fitted = LossClassifier(loss, epochs=2).fit(X, names[y])
    scores, probabilities, labels = fitted.decision_function(X), fitted.predict_proba(X), fitted.predict(X)
    np.testing.assert_array_equal(labels, names[probabilities.argmax(axis=1)])
    np.testing.assert_array_equal(
        labels, names[(scores > 0).astype(int) if target is BINARY else scores.argmax(axis=1)]
    )
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
    assert (labels == names[y]).mean() > 0.7
    assert fitted.coef_.shape == (len(fitted.intercept_), 3)


def test_the_mean_is_predicted_where_the_loss_has_a_variance_too():
    X, y = rows(REGRESSION)
    fitted = LossRegressor("gaussian_nll").fit(X, y)
    np.testing.assert_allclose(fitted.predict(X), X @ fitted.coef_ + fitted.intercept_, rtol=1e-12)
    assert len(fitted.params_[0]) == 2
    assert fitted.score(X, y) > 0.5


def test_only_a_linear_model_has_coefficients():
    X, y = rows(REGRESSION)
    assert not hasattr(LossRegressor(), "coef_")
    fitted = LossRegressor(model="mlp", epochs=1).fit(X, y)
    with pytest.raises(AttributeError, match="are of model='linear', but this is a MLP"):
        _ = fitted.coef_


# --- early stopping, divergence ---------------------------------------------------------------------------------


def test_early_stopping_on_validation_rows():
    X, y = rows(THREE_CLASSES, n=100)
    patient = Patience(patience=3, restore_best=True)
    estimator = LossClassifier(
        "cce", model="mlp", optimizer=Adam(lr=0.1), early_stopping=patient, epochs=200, validation_fraction=0.3
    )
    fitted = estimator.set_params(random_state=0).fit(X, y)
    assert fitted.n_iter_ < 200
    assert len(fitted.loss_curve_) == len(fitted.validation_loss_curve_) == fitted.n_iter_ + 1
    assert np.argmin(fitted.validation_loss_curve_[1:]) == fitted.n_iter_ - 1 - 3


def test_validation_rows_are_not_trained_on_and_have_the_proportions_of_the_classes():
    """Each row has a feature of its own, whose weights stay 0 if it is not trained on."""
    X, y = np.eye(30), np.arange(30) % 3
    fitted = LossClassifier("cce", epochs=1, validation_fraction=0.3).fit(X, y)
    held_out = (fitted.coef_ == 0).all(axis=0)
    assert np.bincount(y[held_out]).tolist() == [3, 3, 3]
    for curve, some in ((fitted.loss_curve_, ~held_out), (fitted.validation_loss_curve_, held_out)):
        assert curve[0] == pytest.approx(np.log(3), rel=1e-12)
        assert curve[-1] == pytest.approx(log_loss(y[some], fitted.predict_proba(X[some])), rel=1e-12)


def test_rows_that_do_not_suffice_for_both_splits():
    with pytest.raises(DataError, match=r"validation_fraction=0\.9 of n_samples=3, rounded up, leaves none"):
        LossRegressor(validation_fraction=0.9).fit(np.eye(3), [1, 2, 3])
    with pytest.raises(
        IncompatibleError, match=r"^All 2 (training|validation) rows of y have weight 0\. Expected: some wei"
    ):
        LossRegressor(validation_fraction=0.5).fit(np.eye(4), range(4), sample_weight=[1, 0, 0, 0])


def test_the_training_loss_can_be_watched_without_validation_rows():
    watching = Patience(monitor="train/loss", patience=2)
    fitted = LossRegressor("huber", early_stopping=watching, epochs=50).fit(*rows(REGRESSION))
    assert fitted.n_iter_ < 50
    assert fitted.validation_loss_curve_ is None


def test_divergence_is_a_warning_and_keeps_finite_weights():
    X, y = rows(REGRESSION)
    estimator = LossRegressor("mse", optimizer=GD(lr=100), epochs=50)
    with pytest.warns(ConvergenceWarning, match=r"^Training diverged in epoch \d+; .* smaller optimizer__lr") as caught:
        estimator.fit(X, y)
    assert caught[0].filename == __file__
    assert np.isfinite(estimator.predict(X)).all()
    assert len(estimator.loss_curve_) == estimator.n_iter_
