"""Whether what a model gives after training with a loss may be read as probabilities."""

from __future__ import annotations

import numpy as np

from lossexp.components import Array
from lossexp.links import LinkName
from lossexp.losses import Loss
from lossexp.targets import Target, encode

_TOLERANCE = 1e-6
"""Relative to the size of the gradients: a numerical derivative is as good as this, and real differences are larger."""


def estimates_probabilities(loss: Loss, target: Target) -> bool:
    """Tell whether the expected loss is stationary where the prediction is the true probabilities.

    That is sum over c of q[c] · gradient(raw, class c) = 0 at link.inverse(raw) = q, checked for one q with a different
    probability for each class. It holds for a proper loss, such as cross-entropy or the Brier score, and not for a
    margin, a weight per class or smoothed labels: what the link makes of their raw predictions is a score between 0
    and 1 that puts examples in order.

    Args:
        loss: The loss, settled on the target.
        target: What is predicted; False for a continuous one.

    Source: Gneiting and Raftery (2007).
    """
    if not target.task.is_classes:
        return False
    weights = np.arange(1.0, target.n_classes + 1)
    q = weights / weights.sum()
    n_outputs = loss.n_outputs(target)
    raw, gradient = np.zeros((2, n_outputs, 1, target.n_classes))
    predicting = loss.predicting(raw)
    predicting[...] = _raw(q[-len(predicting) :], loss.link_name(target))[:, None, None]
    with np.errstate(all="ignore"):
        loss.gradient(raw, encode(np.arange(target.n_classes), target, n_outputs, np.float64)[:, None], gradient)
        by_class = loss.predicting(gradient)
        return bool(np.all(np.abs(by_class @ q) <= _TOLERANCE * (np.abs(by_class) @ q)))


def _raw(prediction: Array, link: LinkName) -> Array:
    """Return raw predictions that the link reads as this."""
    if link == "identity":
        return prediction
    return np.log(prediction / (1 - prediction)) if link == "logistic" else np.log(prediction)
