"""What is done to training targets on purpose, so that differences between losses show.

Each function draws the same random numbers whatever the amount: the rows hit by a small amount are hit by a
larger one too, so that results for two amounts can be compared pair by pair. None changes its argument.
"""

from __future__ import annotations

import numpy as np

from lossexp.components import Array


def replace_labels(labels: Array, fraction: float, n_classes: int, rng: np.random.Generator) -> Array:
    """Replace this fraction of the labels, each by one of the other classes with equal probability."""
    rows, shifts = rng.permutation(len(labels)), rng.integers(1, n_classes, size=len(labels))
    hit = rows[: round(fraction * len(labels))]
    noisy = labels.copy()
    noisy[hit] = (labels[hit] + shifts[: len(hit)]) % n_classes
    return noisy


def add_noise(values: Array, sd: float, rng: np.random.Generator) -> Array:
    """Add Gaussian noise with this standard deviation."""
    return values + sd * rng.standard_normal(len(values))


def add_outliers(values: Array, fraction: float, distance: float, rng: np.random.Generator) -> Array:
    """Move this fraction of the values up or down by `distance`, with equal probability."""
    rows, signs = rng.permutation(len(values)), rng.choice([-1, 1], size=len(values))
    hit = rows[: round(fraction * len(values))]
    shifted = values.copy()
    shifted[hit] += distance * signs[: len(hit)]
    return shifted
