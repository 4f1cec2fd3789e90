"""Log-cosh loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.components import Array
from lossexp.losses.residual import ResidualLoss


@dataclass(frozen=True, kw_only=True)
class LogCosh(ResidualLoss):
    """Half the squared error near 0 and |e| - log 2 far out, like Huber with delta 1 but smooth everywhere."""

    convex = True
    formula = "log(cosh(raw - target))"
    estimates = "between the mean and the median"
    source = "Green (1990)"
    other_names = ("logcosh", "LogCosh", "log_cosh_loss")

    def penalty(self, residual: Array) -> Array:
        """Return |e| - log 2 + log1p(exp(-2|e|)) far out and -log1p(-tanh²(e))/2 near 0, where that cancels."""
        size = np.abs(residual)
        far = size + (np.log1p(np.exp(-2 * size)) - float(np.log(2)))
        near = np.log1p(-np.square(np.tanh(np.minimum(size, 1)))) / -2
        return np.where(size < 1, near, far)

    def influence(self, residual: Array) -> None:
        """Write tanh(e)."""
        np.tanh(residual, out=residual)
