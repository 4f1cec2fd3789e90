"""Standardizing by the statistics of the training split alone."""

from __future__ import annotations

import numpy as np

from lossexp.components import Array


def centre_and_scale(train: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation of each column; of a constant column its value and 1."""
    # The mean of equal numbers may be off by rounding; divided by a deviation as small, that would become ±1.
    constant = np.ptp(train, axis=0) == 0
    centre, deviation = np.where(constant, train[0], train.mean(axis=0)), train.std(axis=0)
    # Numbers below 1e-154 differ, but their squares do not.
    return centre, np.where(constant | (deviation == 0), 1.0, deviation)


def standardized(train: Array, *others: Array) -> list[Array]:
    """Give each column of `train` mean 0 and standard deviation 1, and treat `others` by the same numbers.

    A column that is constant in `train` becomes 0 there and is only shifted elsewhere.
    """
    centre, scale = centre_and_scale(train)
    return [(part - centre) / scale for part in (train, *others)]
