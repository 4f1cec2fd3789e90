"""Links: how a raw prediction becomes a prediction in the units of the target.

Models give raw predictions, any real numbers of shape `(n_outputs, n_runs, n_samples)`; `link.inverse` turns them into
means or probabilities. Losses are computed on raw predictions wherever that is more accurate; a probability is a view.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np

from lossexp import numerics
from lossexp.components import Array

LinkName = Literal["identity", "logistic", "softmax", "log"]


PullBack: TypeAlias = Callable[[Array], object]
"""Turns d value / d prediction into d value / d raw, in place."""


class Link(ABC):
    """prediction = inverse(raw)."""

    @abstractmethod
    def inverse(self, raw: Array, out: Array | None = None) -> Array:
        """Return the prediction for `raw`, of the same shape; `out` may be `raw`."""

    @abstractmethod
    def error(self, raw: Array, target: Array, out: Array | None = None) -> tuple[Array, PullBack]:
        """Return prediction - target, and what turns a derivative by the prediction into one by `raw`.

        Args:
            raw: Raw predictions.
            target: What they should become, of a shape that broadcasts to theirs.
            out: Where the error is written to; may be `raw`.
        """

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

    def error(self, raw: Array, target: Array, out: Array | None = None) -> tuple[Array, PullBack]:
        """Return raw - target; the gradient stays as it is."""
        return np.subtract(raw, target, out=out), lambda gradient: None

    def probabilities(self, raw: Array) -> Array:
        """Return the clipped raw predictions, all classes alike where every output is 0."""
        return _normalised(np.clip(raw, 0, 1))


class Logistic(Link):
    """prediction = 1 / (1 + exp(-raw)), each output on its own."""

    def inverse(self, raw: Array, out: Array | None = None) -> Array:
        """Return the sigmoid."""
        return numerics.sigmoid(raw, out)

    def error(self, raw: Array, target: Array, out: Array | None = None) -> tuple[Array, PullBack]:
        """Return p - target = p (1 - target) - q target, with q = 1 - p; the gradient is multiplied by p q.

        Written so, the error keeps its relative accuracy where a right answer is sure, and so does the gradient where a
        wrong one is: q is never computed as a difference from 1.
        """
        p, q = numerics.sigmoids(raw)

        def pull_back(gradient: Array) -> None:
            np.multiply(gradient, p, out=gradient)
            np.multiply(gradient, q, out=gradient)

        return np.subtract(p * (1 - target), q * target, out=out), pull_back

    def probabilities(self, raw: Array) -> Array:
        """Return the sigmoids; those of many classes are scaled to sum to 1."""
        return _normalised(numerics.sigmoid(raw))


class Softmax(Link):
    """prediction = exp(raw) / sum of exp(raw) over the outputs."""

    def inverse(self, raw: Array, out: Array | None = None) -> Array:
        """Return the softmax over axis 0."""
        return numerics.softmax(raw, np.empty_like(raw) if out is None else out)

    def error(self, raw: Array, target: Array, out: Array | None = None) -> tuple[Array, PullBack]:
        """Return p - target; the gradient is multiplied by the Jacobian diag(p) - p p^T, to p (g - sum of g p)."""
        p = self.inverse(raw)

        def pull_back(gradient: Array) -> None:
            np.subtract(gradient, np.add.reduce(gradient * p, axis=0), out=gradient)
            np.multiply(gradient, p, out=gradient)

        return np.subtract(p, target, out=out), pull_back

    def probabilities(self, raw: Array) -> Array:
        """Return the softmax."""
        return self.inverse(raw)


class Log(Link):
    """prediction = exp(raw), for positive means."""

    def inverse(self, raw: Array, out: Array | None = None) -> Array:
        """Return exp(raw)."""
        return np.exp(raw, out=out)

    def error(self, raw: Array, target: Array, out: Array | None = None) -> tuple[Array, PullBack]:
        """Return exp(raw) - target; the gradient is multiplied by exp(raw)."""
        mean = self.inverse(raw)
        return np.subtract(mean, target, out=out), lambda gradient: np.multiply(gradient, mean, out=gradient)

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
