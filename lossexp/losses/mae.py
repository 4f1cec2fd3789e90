"""Mean absolute error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.components import Array
from lossexp.losses.residual import ResidualLoss


@dataclass(frozen=True, kw_only=True)
class MAE(ResidualLoss):
    """Absolute error: every unit of error costs the same, so a single outlier moves little.

    Its gradient does not fade near the optimum: a constant learning rate ends in steps to and fro.
    Other names: L1 loss, least absolute deviations.
    """

    convex = True
    formula = "|raw - target|"
    estimates = "the median"
    judged_by = ("mae", "pinball_50")
    source = "Boscovich (1757), Laplace (1799)"
    other_names = (
        "l1",
        "L1Loss",
        "mean_absolute_error",
        "absolute_error",
        "least_absolute_deviations",
        "lad",
        "mad",
        "reg:absoluteerror",
        "regression_l1",
    )

    def penalty(self, residual: Array) -> Array:
        """Return |e|."""
        return np.abs(residual)

    def influence(self, residual: Array) -> None:
        """Write sign(e), 0 at 0."""
        np.sign(residual, out=residual)
