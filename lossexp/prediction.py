"""Predictions of one trained model on rows of features."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossexp.components import Array
from lossexp.models import Model, Params, Size
from lossexp.rows import lay_out, taken
from lossexp.sharing import Sharing

BLOCK_ROWS = 8192
"""Rows are taken so many at a time, so that memory does not grow with their number, ..."""
BLOCK_ELEMENTS = 2**22
"""... or fewer if these have more features than this together."""


def raw_predictions(model: Model, params: Params, X: Any) -> Array:
    """Return the raw predictions of one run, `(n_outputs, n_samples)` in the precision of its parameters.

    Args:
        model: The model.
        params: Its trained parameters, one array `(n_units, fan_in + 1)` per layer, as in `Finished.params`.
        X: Features `(n_samples, n_features)` as in a `Split`, prepared as for training.
    """
    with_run_axis = [param[:, None] for param in params]
    n_outputs, (n_samples, n_features), dtype = len(params[-1]), X.shape, params[-1].dtype
    raw = np.empty((n_outputs, n_samples), dtype=dtype)
    n_rows = min(BLOCK_ROWS, max(BLOCK_ELEMENTS // (n_features + 1), 1))
    for start in range(0, n_samples, n_rows):
        stop = min(start + n_rows, n_samples)
        block = np.zeros((1, stop - start, n_features + 1), dtype=dtype)
        lay_out(taken(X, slice(start, stop)), block[0, :, :-1])
        block[0, :, -1] = 1
        workspace = model.workspace(Size(n_features, n_outputs, 1, stop - start, dtype))
        raw[:, start:stop] = model.forward(with_run_axis, block, Sharing([0]), workspace)[:, 0]
    return raw
