"""Losses over several datasets: their ranks, whether they differ at all, and which cannot be told apart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lossexp.components import Array

FEWEST_DATASETS = 5


@dataclass(frozen=True)
class Ranking:
    """What a critical-difference diagram shows.

    Attributes:
        labels: The losses, the best first.
        mean_ranks: Mean rank of each over the datasets; 1 is best, ties share.
        n_datasets: Datasets for which all losses have a score.
        n_left_out: Datasets for which one has none, and which are in no number here.
        chi2: Friedman's statistic, corrected for ties.
        p_friedman: Its p-value.
        f: The statistic of Iman and Davenport, less cautious than Friedman's.
        p_iman_davenport: Its p-value: small where the losses do not all do equally well.
        critical_difference: Two losses differ if their mean ranks are at least so far apart (Nemenyi).
        groups: Labels that cannot be told apart, the best group first; those that differ from all are in none.
    """

    labels: tuple[str, ...]
    mean_ranks: tuple[float, ...]
    n_datasets: int
    n_left_out: int
    chi2: float
    p_friedman: float
    f: float
    p_iman_davenport: float
    critical_difference: float
    groups: tuple[tuple[str, ...], ...]


def rank_over_datasets(scores: Mapping[str, Array], *, higher_is_better: bool, level: float = 0.95) -> Ranking:
    """Rank losses over datasets.

    Args:
        scores: A score for each dataset, `(n_datasets,)`, in the same order for every loss. A dataset for which a loss
            has no finite score is left out for all, and counted.
        higher_is_better: Direction of the score.
        level: 1 - level is how often at least one of losses that are all alike would be found to differ.

    Raises:
        ValueError: There are fewer than two losses, or fewer than five datasets with a score of each.

    Source: Friedman (1937); Iman and Davenport (1980); Nemenyi (1963); Demšar (2006).
    """
    from scipy import stats

    table = np.array([np.asarray(of_label, dtype=np.float64) for of_label in scores.values()])
    complete = np.isfinite(table).all(axis=0)
    k, n = len(table), int(np.count_nonzero(complete))
    if k < 2 or n < FEWEST_DATASETS:
        raise ValueError(
            f"{k} losses on {n} datasets cannot be ranked: expected at least two losses, and at least "
            f"{FEWEST_DATASETS} datasets on which each has a score."
        )
    ranks = stats.rankdata(-table[:, complete] if higher_is_better else table[:, complete], axis=0)
    mean_ranks = ranks.mean(axis=1)
    chi2, f = _friedman(ranks)
    distance = critical_difference(k, n, level)
    order = np.argsort(mean_ranks, kind="stable")
    labels = tuple(np.array(list(scores))[order].tolist())
    return Ranking(
        labels,
        tuple(mean_ranks[order].tolist()),
        n_datasets=n,
        n_left_out=len(complete) - n,
        chi2=chi2,
        p_friedman=float(stats.chi2.sf(chi2, k - 1)),
        f=f,
        p_iman_davenport=float(stats.f.sf(f, k - 1, (k - 1) * (n - 1))),
        critical_difference=distance,
        groups=tuple(tuple(labels[start:end]) for start, end in _groups(mean_ranks[order], distance)),
    )


def critical_difference(n_losses: int, n_datasets: int, level: float = 0.95) -> float:
    """Return the distance of mean ranks at which two losses differ, q sqrt(k (k + 1) / (6 N)).

    q is the quantile of the studentized range of k means, over sqrt(2).

    Source: Nemenyi (1963).
    """
    from scipy import stats

    q = float(stats.studentized_range.ppf(level, n_losses, math.inf)) / math.sqrt(2)
    return q * math.sqrt(n_losses * (n_losses + 1) / (6 * n_datasets))


def _friedman(ranks: Array) -> tuple[float, float]:
    """Return the statistics of Friedman and of Iman and Davenport; 0 where every dataset is a tie of all.

    Unlike `scipy.stats.friedmanchisquare` it knows two losses and complete ties.
    """
    k, n = ranks.shape
    spread = float(np.square(ranks - (k + 1) / 2).sum())
    if spread == 0:
        return 0.0, 0.0
    between = float(np.square(ranks.sum(axis=1) - n * (k + 1) / 2).sum())
    chi2 = (k - 1) * between / spread
    # All datasets agree where nothing is left.
    left = n * (k - 1) - chi2
    return chi2, (n - 1) * chi2 / left if left > 1e-9 else math.inf


def _groups(mean_ranks: Array, distance: float) -> list[tuple[int, int]]:
    """Return start and end of the longest runs of sorted ranks within less than `distance`, of two and more."""
    ends = np.searchsorted(mean_ranks, mean_ranks + distance, side="left")
    longest = [(start, int(end)) for start, end in enumerate(ends) if start == 0 or end > ends[start - 1]]
    return [(start, end) for start, end in longest if end - start > 1]
