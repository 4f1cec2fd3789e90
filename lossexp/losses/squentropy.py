"""Squentropy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.components import Array, Scalar
from lossexp.links import LinkName
from lossexp.losses.cce import CCE
from lossexp.losses.classes import ClassLoss
from lossexp.targets import Target

_CROSS_ENTROPY = CCE()


@dataclass(frozen=True, kw_only=True)
class Squentropy(ClassLoss):
    """Cross-entropy plus the mean square of the raw scores of the wrong classes, which keeps scores near 0."""

    convex = True
    shift_invariant = False
    formula = "-log(p) + mean of raw² over the wrong classes, p of the true class"
    estimates = "the most probable class"
    source = "Hui, Belkin and Wright (2023)"
    other_names = ("square_entropy", "squared_cross_entropy")

    def link_name(self, target: Target) -> LinkName:
        """Return softmax, for two classes as well."""
        return "softmax"

    def unweighted(self, raw: Array, target: Array) -> Array:
        """Return the cross-entropy plus the mean square."""
        squares = np.add.reduce((1 - target) * np.square(raw), axis=0) / (len(raw) - 1)
        return _CROSS_ENTROPY.unweighted(raw, target) + squares

    def write_gradient(self, raw: Array, target: Array, weight: Scalar, out: Array) -> None:
        """Write weight · (softmax(raw) - target + 2 raw / (number of wrong classes), the last for these only)."""
        pull = (1 - target) * raw
        np.multiply(pull, weight * (2 / (len(raw) - 1)), out=pull)
        _CROSS_ENTROPY.write_gradient(raw, target, weight, out)
        np.add(out, pull, out=out)
