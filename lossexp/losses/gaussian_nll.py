"""Gaussian negative log-likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.components import Array
from lossexp.losses.base import REGRESSION, Loss
from lossexp.targets import Target


@dataclass(frozen=True, kw_only=True)
class GaussianNLL(Loss):
    """Negative log-likelihood of normal noise whose variance is predicted too, less the constant log(2 pi)/2.

    The model has two outputs: the mean, which the metrics read, and the logarithm of the variance. Where the model fits
    an example exactly the variance can shrink without end, and the loss with it.
    """

    accepts = REGRESSION
    formula = "(log_variance + (mean - target)² exp(-log_variance)) / 2, raw = (mean, log_variance)"
    estimates = "the mean and the variance"
    judged_by = ("rmse", "r2")
    source = "Nix and Weigend (1994)"
    other_names = ("GaussianNLLLoss", "gaussian", "normal_nll", "heteroscedastic")

    def n_outputs(self, target: Target) -> int:
        """Return 2."""
        return 2

    def predicting(self, raw: Array) -> Array:
        """Return the mean."""
        return raw[:1]

    def infimum(self, target: Target) -> float:
        """Return -inf."""
        return -np.inf

    def value(self, raw: Array, target: Array) -> Array:
        """Return (log_variance + error² / variance) / 2."""
        (mean, log_variance), y = raw, target[0]
        return (log_variance + np.square(mean - y) * _precision(log_variance)) / 2

    def gradient(self, raw: Array, target: Array, out: Array) -> None:
        """Write error / variance and (1 - error² / variance) / 2."""
        error, precision = raw[0] - target[0], _precision(raw[1])
        np.multiply(error, precision, out=out[0])
        np.multiply(error, out[0], out=out[1])
        np.subtract(1, out[1], out=out[1])
        np.divide(out[1], 2, out=out[1])


def _precision(log_variance: Array) -> Array:
    """Return 1 / variance, kept finite: an error of 0 times infinity would be NaN."""
    return np.minimum(np.exp(-log_variance), np.finfo(log_variance.dtype).max)
