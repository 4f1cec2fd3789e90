"""Losses of the surprisal: functions of the cross-entropy, which is -log of the probability of the true class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np

from lossexp import numerics
from lossexp.components import Array, Scalar
from lossexp.losses.classes import ClassLoss


@dataclass(frozen=True, kw_only=True)
class SurprisalLoss(ClassLoss, ABC):
    """value = of(c), c = -log p, with p the probability of the true class.

    Its gradient by the raw scores is slope(c) · (p - target): that of the cross-entropy, with a weight that says how
    much an example counts that is predicted with probability p. One output is read by the logistic link, many by the
    softmax. In terms of c both ends keep their accuracy: p = exp(-c) and 1 - p = -expm1(-c).
    """

    @abstractmethod
    def of(self, c: Array) -> Array:
        """Return the value for each surprisal, >= 0, of the same shape."""

    @abstractmethod
    def slope(self, c: Array) -> Array:
        """Return d of / d c."""

    @final
    def unweighted(self, raw: Array, target: Array) -> Array:
        """Return the function of the surprisal."""
        if len(raw) == 1:
            tail = np.log1p(np.exp(-np.abs(raw[0])))
            return self.of(_of_sure_classes(raw[0], target[0]) + tail)
        return self.of(numerics.surprisal(raw, target))

    @final
    def write_gradient(self, raw: Array, target: Array, weight: Scalar, out: Array) -> None:
        """Write weight · slope(c) · (p - target)."""
        if len(raw) == 1:
            # Not log1p, which takes several times longer: c is known to as many digits after the point either way.
            c = np.log(1 + np.exp(-np.abs(raw[0]))) + _of_sure_classes(raw[0], target[0])
            numerics.sigmoid(raw, out)
        else:
            true = np.einsum("ckn,ckn->kn", raw, target)
            total, shift = numerics.exponentials(raw, out)
            np.divide(out, total, out=out)
            # Rounding may leave a sure right answer slightly below 0.
            c = np.maximum(np.log(total) + (shift - true), 0)
        np.subtract(out, target, out=out)
        np.multiply(out, self.slope(c) * weight, out=out)


def _of_sure_classes(raw: Array, target: Array) -> Array:
    """Return the surprisal of two classes where |raw| is large: |raw| on the wrong side and exactly 0 on the right."""
    return np.maximum(raw, 0) - raw * target
