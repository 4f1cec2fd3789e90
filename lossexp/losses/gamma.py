"""Gamma loss."""

from __future__ import annotations

from dataclasses import dataclass

from lossexp.losses.deviance import DevianceLoss


@dataclass(frozen=True, kw_only=True)
class Gamma(DevianceLoss):
    """Half the gamma deviance, for positive amounts: noise whose standard deviation is proportional to its mean.

    It depends on the ratio of target and prediction alone, so it is an error in per cent that is fair to both sides.
    """

    variance_power = 2.0

    formula = "raw + target exp(-raw) - log(target) - 1"
    source = "Nelder and Wedderburn (1972)"
    other_names = ("gamma_deviance", "half_gamma", "reg:gamma")
