"""The best constant prediction: what is predicted when nothing is known of an example."""

from __future__ import annotations

import numpy as np

from lossexp.components import Array
from lossexp.losses import Loss


def best_constant(loss: Loss, encoded: Array) -> Array:
    """Return the raw prediction `(n_outputs,)` of least mean loss over the targets `(n_outputs, 1, n_samples)`."""
    from scipy.optimize import minimize

    columns, counts = np.unique(encoded[:, 0], axis=1, return_counts=True)
    target, share = columns[:, None], counts / counts.sum()

    def mean(raw: Array) -> float:
        value = loss.value(np.repeat(raw[:, None, None], target.shape[2], axis=2), target)
        return float(value[0] @ share)

    best: Array = minimize(mean, columns @ share, method="Nelder-Mead" if len(columns) < 3 else "Powell").x
    return best
