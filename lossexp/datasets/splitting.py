"""Which rows go where. A shuffled list of rows is cut, class by class, from its front.

`order` `(n,)` always holds row numbers in random order; `strata` has the class of every row of the table.
"""

from __future__ import annotations

import math

import numpy as np

from lossexp.components import Array

MOST_BLOCKS = 50
"""Rows in time are cut into so many blocks at most: enough for a test of their means, and each as long as can be."""


def n_rows(fraction: float, n: int) -> int:
    """Return `fraction * n`, rounded up, so that a positive fraction of something is never nothing."""
    # The inner rounding keeps 0.07 * 100 = 7.000000000000001 from becoming 8.
    return math.ceil(round(fraction * n, 9))


def draw(order: Array, strata: Array, size: int) -> tuple[Array, Array]:
    """Cut `size` rows from the front of `order`, each class by its proportion; return them and the rest."""
    return take(order, strata, allot(size, np.bincount(strata[order])))


def imbalanced(order: Array, labels: Array, ratio: float) -> Array:
    """Keep as many rows as possible so that the first class has `ratio` times the rows of the last one.

    The classes between them follow in geometric progression: n_c = n_0 · ratio^(-c / (n_classes - 1)).

    Source: the long-tailed CIFAR of Cui, Jia, Lin, Song and Belongie (2019).
    """
    counts = np.bincount(labels[order])
    profile = ratio ** -np.linspace(0, 1, len(counts))
    largest = np.min(counts / profile)
    return take(order, labels, np.rint(largest * profile).astype(np.int64))[0]


def allot(size: int, counts: Array) -> Array:
    """Share `size` among classes in proportion to `counts`, by the method of largest remainders.

    Each class gets its exact share rounded down or up, never more than it has, and the sum is exactly `size`.
    """
    # Whole numbers throughout: the remainders of equal classes must compare as equal.
    shares, remainders = np.divmod(size * counts, max(counts.sum(), 1))
    lacking = size - shares.sum()
    shares[np.argsort(-remainders, kind="stable")[:lacking]] += 1
    return np.asarray(shares)


def take(order: Array, labels: Array, counts: Array) -> tuple[Array, Array]:
    """Return the first `counts[c]` rows of each class c in `order`, and the rest, both in the same order."""
    shuffled = labels[order]
    chosen = np.zeros(len(order), dtype=bool)
    for label, count in enumerate(counts):
        chosen[np.flatnonzero(shuffled == label)[:count]] = True
    return order[chosen], order[~chosen]


def draw_together(order: Array, group: Array, sequence: Array, size: int) -> tuple[Array, Array]:
    """Cut whole groups, as many as come closest to `size` rows; return their rows and the rest.

    Args:
        order: Rows to cut from.
        group: The group of every row of the table.
        sequence: Groups in the order in which they are taken; at least one is taken and one is left.
        size: How many rows are wanted; 0 takes none.
    """
    sequence = sequence[np.isin(sequence, group[order])]
    if size == 0 or len(sequence) < 2:
        return order[:0], order
    rows = np.cumsum(np.bincount(group[order], minlength=sequence.max() + 1)[sequence])
    n_taken = 1 + int(np.argmin(np.abs(rows[:-1] - size)))
    chosen = np.isin(group[order], sequence[:n_taken])
    return order[chosen], order[~chosen]


def blocks(time: Array) -> Array:
    """Return the block of consecutive times that each row belongs to, numbers in order of time, `(n_samples,)`.

    Blocks have about the same number of rows, and rows of one time are never in two. What one row has in common with
    rows shortly before and after it stays within a block, but for the few at its ends: where that lasts for much less
    than a block, sums over blocks are next to independent though single rows are not.

    Source: Carlstein (1986); Ibragimov and Müller (2010), few and long blocks with Student's t.
    """
    _, place, counts = np.unique(time, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    return np.asarray((middle * MOST_BLOCKS / len(time)).astype(np.int64)[place])
