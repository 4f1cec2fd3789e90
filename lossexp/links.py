"""Links: how a raw prediction becomes a prediction in the units of the target.

Models give raw predictions, any real numbers of shape `(n_outputs, n_runs, n_samples)`; `link.inverse` turns them into
means or probabilities. Losses are computed on raw predictions wherever that is more accurate; a probability is a view.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

import numpy as np

from lossexp import numerics
from lossexp.components import Array

LinkName = Literal["identity", "logistic", "softmax", "log"]


class Link(ABC):
    """prediction = inverse(raw)."""

    @abstractmethod
    def inverse(self, raw: Array, out: Array | None = None) -> Array:
        """Return the prediction for `raw`, of the same shape; `out` may be `raw`."""

    @abstractmethod
    def pull_back(self, prediction: Array, gradient: Array) -> None:
        """Turn d value / d prediction into d value / d raw, in place in `gradient`."""

    @abstractmethod
    def probabilities(self, raw: Array) -> Array:
        """Return class probabilities `(n_outputs, n_runs, n_samples)` that sum to 1 over the classes.

        With one output it is the probability of the second class.
        """


class Identity(Link):
    """prediction = raw. Read as probabilities: clipped to [0, 1], then scaled to sum to 1."""

    def inverse(self, raw: Array, out: Array | None = None) -> Array:
        """Return `raw` itself."""
        if out is None or out is raw:
            return raw
        np.copyto(out, raw)
        return out

    def pull_back(self, prediction: Array, gradient: Array) -> None:
        """Leave the gradient as it is."""

    def probabilities(self, raw: Array) -> Array:
        """Return the clipped raw predictions, all classes alike where every output is 0."""
        return _normalised(np.clip(raw, 0, 1))


class Logistic(Link):
    """prediction = 1 / (1 + exp(-raw)), each output on its own."""

    def inverse(self, raw: Array, out: Array | None = None) -> Array:
        """Return the sigmoid."""
        return numerics.sigmoid(raw, out)

    def pull_back(self, prediction: Array, gradient: Array) -> None:
        """Multiply by p (1 - p)."""
        np.multiply(gradient, prediction, out=gradient)
        np.multiply(gradient, 1 - prediction, out=gradient)

    def probabilities(self, raw: Array) -> Array:
        """Return the sigmoids; those of many classes are scaled to sum to 1."""
        return _normalised(numerics.sigmoid(raw))


class Softmax(Link):
    """prediction = exp(raw) / sum of exp(raw) over the outputs."""

    def inverse(self, raw: Array, out: Array | None = None) -> Array:
        """Return the softmax over axis 0."""
        return numerics.softmax(raw, np.empty_like(raw) if out is None else out)

    def pull_back(self, prediction: Array, gradient: Array) -> None:
        """Apply the Jacobian diag(p) - p p^T: g becomes p (g - sum of g p)."""
        np.subtract(gradient, np.add.reduce(gradient * prediction, axis=0), out=gradient)
        np.multiply(gradient, prediction, out=gradient)

    def probabilities(self, raw: Array) -> Array:
        """Return the softmax."""
        return self.inverse(raw)


class Log(Link):
    """prediction = exp(raw), for positive means."""

    def inverse(self, raw: Array, out: Array | None = None) -> Array:
        """Return exp(raw)."""
        return np.exp(raw, out=out)

    def pull_back(self, prediction: Array, gradient: Array) -> None:
        """Multiply by the prediction."""
        np.multiply(gradient, prediction, out=gradient)

    def probabilities(self, raw: Array) -> Array:
        """Return the positive predictions scaled to sum to 1."""
        return _normalised(np.exp(raw))


def _normalised(weights: Array) -> Array:
    if len(weights) == 1:
        return weights
    total = np.add.reduce(weights, axis=0)
    return np.where(total > 0, weights, 1) / np.where(total > 0, total, len(weights))


LINKS: dict[LinkName, Link] = {
    "identity": Identity(),
    "logistic": Logistic(),
    "softmax": Softmax(),
    "log": Log(),
}
