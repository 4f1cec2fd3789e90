"""Poisson loss."""

from __future__ import annotations

from dataclasses import dataclass

from lossexp.losses.deviance import DevianceLoss


@dataclass(frozen=True, kw_only=True)
class Poisson(DevianceLoss):
    """Half the Poisson deviance, for counts and rates: noise whose variance is its mean."""

    variance_power = 1.0

    judged_by = ("poisson_deviance", "rmse", "r2")
    formula = "exp(raw) - target · raw + target log(target) - target"
    source = "Nelder and Wedderburn (1972)"
    other_names = ("poisson_nll", "PoissonNLLLoss", "poisson_deviance", "half_poisson", "count:poisson")
