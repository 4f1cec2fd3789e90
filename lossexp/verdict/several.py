"""Verdicts on several runs: of a sweep, and of seeds of the same run."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lossexp.comparison.significance import holm
from lossexp.verdict import wording
from lossexp.verdict.verdict import Verdict


def after_holm(verdicts: Sequence[Verdict], *, alpha: float = 0.05) -> list[Verdict]:
    """Correct the verdicts on the runs of a sweep for their number.

    The more runs, the more likely it is that one of them seems to overfit by chance. With corrected p-values the
    probability that any run is said to overfit wrongly is at most alpha; what is no longer significant is inconclusive.
    """
    corrected = holm(np.array([verdict.p for verdict in verdicts]))
    n_tested = int(np.count_nonzero(~np.isnan(corrected)))
    return [_corrected(verdict, float(p), n_tested, alpha) for verdict, p in zip(verdicts, corrected, strict=True)]


def _corrected(verdict: Verdict, p: float, n_tested: int, alpha: float) -> Verdict:
    if verdict.is_rise and p > alpha:
        finding = wording.not_after_holm(verdict, p, n_tested)
        verdict = dataclasses.replace(verdict, name=finding.name, sentence=finding.sentence, notes=finding.notes)
    return dataclasses.replace(verdict, p_holm=p)


@dataclass(frozen=True)
class Seeds:
    """What the verdicts on several seeds of one run say together.

    Attributes:
        n_runs: How many could be tested.
        n_overfit: How many of them overfit.
        interval: 95 % confidence interval of the share of seeds that overfit.
        p: The p-value of the seeds together.
    """

    n_runs: int
    n_overfit: int
    interval: tuple[float, float]
    p: float


def over_seeds(verdicts: Sequence[Verdict]) -> Seeds:
    """Summarize the verdicts on several seeds.

    Twice the median of p-values is a p-value however they depend on each other, as they do on the same validation
    examples.

    Source: Meinshausen, Meier and Bühlmann (2009) the median; Clopper and Pearson (1934) the interval.

    Raises:
        ValueError: None of the runs could be tested.
    """
    from scipy import stats

    tested = [verdict for verdict in verdicts if np.isfinite(verdict.p)]
    if not tested:
        raise ValueError("None of the runs could be tested: all diverged, or had too few validation examples.")
    n_overfit = sum(verdict.is_overfit for verdict in tested)
    share = stats.binomtest(n_overfit, len(tested)).proportion_ci(method="exact")
    p = min(1.0, 2 * float(np.median([verdict.p for verdict in tested])))
    return Seeds(len(tested), n_overfit, (float(share.low), float(share.high)), p)
