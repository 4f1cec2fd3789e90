"""Predictions of one trained model: the same as the model gives inside a stack."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from lossexp.datasets import Digits
from lossexp.experiment import Experiment, Training
from lossexp.losses import CCE
from lossexp.models import MLP, Linear
from lossexp.prediction import BLOCK_ROWS, raw_predictions
from lossexp.stacking import Member, Stack
from lossexp.training import train


@pytest.mark.parametrize("model", [Linear(), MLP(hidden=(7,))], ids=["linear", "mlp"])
def test_predictions_give_the_reported_test_accuracy(model):
    experiment = Experiment(Digits(), CCE(), model, training=Training(epochs=3, dtype="float64"))
    data = experiment.dataset.load(0)
    (finished,) = list(train(Stack([Member(experiment, data)])))[-1].finished
    raw = raw_predictions(model, finished.params, data.test.X)
    assert np.mean(raw.argmax(axis=0) == data.test.y) == pytest.approx(finished.metrics["test/accuracy"])


def test_blocks_make_no_difference():
    X = np.random.default_rng(0).standard_normal((BLOCK_ROWS + 3, 2))
    params = [np.array([[1.0, -2.0, 0.5]])]
    np.testing.assert_allclose(raw_predictions(Linear(), params, X)[0], X @ [1.0, -2.0] + 0.5, rtol=1e-12)


def test_sparse_rows_are_predicted_as_dense_ones():
    X = np.random.default_rng(0).binomial(1, 0.3, (BLOCK_ROWS + 3, 2)).astype(float)
    params = [np.array([[1.0, -2.0, 0.5]])]
    np.testing.assert_array_equal(
        raw_predictions(Linear(), params, csr_matrix(X)), raw_predictions(Linear(), params, X)
    )
