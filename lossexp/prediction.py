"""Predictions of one trained model on rows of features."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossexp.components import Array
from lossexp.models import Model, Params, Size
from lossexp.rows import lay_out, taken
from lossexp.sharing import Sharing

BLOCK_ROWS = 8192
"""Rows are taken so many at a time, so that memory does not grow with their number."""


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
    for start in range(0, n_samples, BLOCK_ROWS):
        rows = taken(X, slice(start, start + BLOCK_ROWS))
        block = np.ones((1, len(rows), n_features + 1), dtype=dtype)
        block[0, :, :-1] = rows
        workspace = model.workspace(Size(n_features, n_outputs, 1, len(rows), dtype))
        raw[:, start : start + len(rows)] = model.forward(with_run_axis, block, Sharing([0]), workspace)[:, 0]
    return raw
