"""Tweedie loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from lossexp.components import Interval, Scalar
from lossexp.losses.deviance import DevianceLoss


@dataclass(frozen=True, kw_only=True)
class Tweedie(DevianceLoss):
    """Half the Tweedie deviance, for amounts that are often exactly 0, such as claims or rainfall.

    Attributes:
        power: The variance grows like mean^power. The limits 1 and 2 are loss=poisson and loss=gamma.
    """

    power: Annotated[Scalar, Interval(1, 2, open_low=True, open_high=True)] = 1.5

    formula = "exp(a raw)/a + target exp(-b raw)/b - target^a/(a b), a = 2 - power, b = power - 1"
    source = "Tweedie (1984), Jørgensen (1987)"
    other_names = ("tweedie_deviance", "half_tweedie", "reg:tweedie", "compound_poisson")

    @property
    def variance_power(self) -> Scalar:
        """The power."""
        return self.power
