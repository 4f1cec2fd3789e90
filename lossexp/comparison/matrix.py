"""Losses against metrics: trained with the row, judged by the column."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lossexp import metrics as panel
from lossexp.components import Array


@dataclass(frozen=True)
class Matrix:
    """How every loss does by every metric.

    Attributes:
        losses: Rows.
        metrics: Columns: those of which some loss has a finite value.
        means: Mean over the seeds that ended well, `(n_losses, n_metrics)`; NaN where there is none.
        n_left_out: Seeds without a finite value, of the same shape.
        matches: Whether the loss estimates what the metric asks for, of the same shape.
        best: Whether no loss has a better mean, of the same shape.
    """

    losses: tuple[str, ...]
    metrics: tuple[str, ...]
    means: Array
    n_left_out: Array
    matches: Array
    best: Array


def loss_metric_matrix(
    values: Mapping[str, Mapping[str, Array]], matching: Mapping[str, Collection[str]], names: Sequence[str]
) -> Matrix:
    """Return the matrix of losses and metrics.

    Args:
        values: For each loss the value of each metric for each seed, `(n_seeds,)`.
        matching: For each loss the metrics that match it, as from `judging.matching_metrics`.
        names: The metrics, in the order of the columns.
    """
    table = np.array([[of_loss[name] for name in names] for of_loss in values.values()], dtype=np.float64)
    finite = np.isfinite(table)
    n_finite = np.count_nonzero(finite, axis=-1)
    total = np.where(finite, table, 0).sum(axis=-1)
    means = np.divide(total, n_finite, out=np.full(total.shape, np.nan), where=n_finite > 0)
    sign = np.array([1 if name in panel.HIGHER_IS_BETTER else -1 for name in names])
    goodness = np.where(np.isnan(means), -np.inf, sign * means)
    shown = np.isfinite(means).any(axis=0)
    return Matrix(
        losses=tuple(values),
        metrics=tuple(name for name, kept in zip(names, shown, strict=True) if kept),
        means=means[:, shown],
        n_left_out=(table.shape[-1] - n_finite)[:, shown],
        matches=np.array([[name in matching[loss] for name in names] for loss in values])[:, shown],
        best=(goodness == goodness.max(axis=0))[:, shown],
    )
