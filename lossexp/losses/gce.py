"""Generalized cross-entropy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from lossexp.components import Array, Interval, Scalar
from lossexp.links import LinkName
from lossexp.losses.surprisal import SurprisalLoss
from lossexp.targets import Target


@dataclass(frozen=True, kw_only=True)
class GCE(SurprisalLoss):
    """Between cross-entropy and the absolute error of the probability: bounded, for labels that may be wrong.

    An example counts p^q: what the model finds impossible has no say.

    Attributes:
        q: Towards 0 it is cross-entropy, 1 is 1 - p.
    """

    q: Annotated[Scalar, Interval(0, 1, open_low=True)] = 0.7

    formula = "(1 - p^q) / q, p of the true class"
    estimates = "the probabilities, sharpened; for q = 1 the most probable class"
    source = "Zhang and Sabuncu (2018)"
    other_names = (
        "generalized_cross_entropy",
        "categorical_generalized_cross_entropy",
        "CategoricalGeneralizedCrossEntropy",
        "lq",
        "lq_loss",
    )

    def link_name(self, target: Target) -> LinkName:
        """Return softmax, for two classes as well."""
        return "softmax"

    def of(self, c: Array) -> Array:
        """Return (1 - p^q) / q."""
        return -np.expm1(-self.q * c) / self.q

    def slope(self, c: Array) -> Array:
        """Return p^q."""
        return np.exp(-self.q * c)
