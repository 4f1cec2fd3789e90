"""The matrix of losses and metrics."""

import math

import numpy as np

from lossexp.comparison.matrix import loss_metric_matrix

VALUES = {
    "mse": {"rmse": [1.0, 2.0], "r2": [0.5, 0.7], "mae": [2.0, 2.0], "poisson_deviance": [math.nan, math.nan]},
    "mae": {"rmse": [3.0, math.nan], "r2": [0.2, math.nan], "mae": [1.0, math.nan], "poisson_deviance": [math.nan] * 2},
    "lost": dict.fromkeys(("rmse", "r2", "mae", "poisson_deviance"), [math.nan, math.inf]),
}
MATCHING = {"mse": ("rmse", "r2"), "mae": ("mae", "pinball_50"), "lost": ()}
NAMES = ("rmse", "mae", "r2", "poisson_deviance")


def test_means_matches_and_the_best_of_each_column():
    matrix = loss_metric_matrix(VALUES, MATCHING, NAMES)
    assert matrix.losses == ("mse", "mae", "lost")
    assert matrix.metrics == ("rmse", "mae", "r2")
    np.testing.assert_allclose(matrix.means, [[1.5, 2, 0.6], [3, 1, 0.2], [np.nan] * 3], rtol=1e-12)
    assert matrix.matches.tolist() == [[True, False, True], [False, True, False], [False] * 3]
    assert matrix.best.tolist() == [[True, False, True], [False, True, False], [False] * 3]
    assert matrix.n_left_out.tolist() == [[0, 0, 0], [1, 1, 1], [2, 2, 2]]


def test_losses_that_tie_are_both_the_best():
    matrix = loss_metric_matrix({"a": {"auc": [0.5]}, "b": {"auc": [0.5]}}, {"a": (), "b": ()}, ("auc",))
    assert matrix.best.tolist() == [[True], [True]]


def test_nothing_that_ended_well_leaves_no_columns():
    matrix = loss_metric_matrix({"lost": {"auc": [math.nan]}}, {"lost": ()}, ("auc",))
    assert matrix.metrics == ()
    assert matrix.means.shape == (1, 0)
