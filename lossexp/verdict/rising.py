"""Has the validation loss risen since its best epoch? With a stated rate of false alarms."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lossexp.components import Array
from lossexp.verdict.maximum_test import NORMAL, maximum_test, may_be_least
from lossexp.verdict.measuring import Measured

LEVEL = 0.95
"""Of the confidence set of the best epoch."""
POWER = 0.8
"""How often a rise that counts as detectable is found."""


@dataclass(frozen=True)
class Rise:
    """Whether the final model is worse than an earlier one.

    Attributes:
        p: Probability of such a rise of the loss or a larger one, if the final model is at most the margin worse than
            every earlier one. Not a number where there are too few examples, and so are the others.
        p_error: The same of the task error.
        may_be_best: The epochs of the 95 % confidence set of the best one, booleans `(n_checkpoints,)`.
        detectable: The smallest rise from one of them that is found in 4 of 5 cases.
    """

    p: float
    p_error: float
    may_be_best: Array
    detectable: float


def rise(measured: Measured) -> Rise:
    """Compare the final model with that of every epoch before, over the same validation examples."""
    if not measured.is_enough:
        return Rise(math.nan, math.nan, np.ones(len(measured.epochs), dtype=bool), math.nan)
    losses, settings = measured.losses, measured.settings
    rng = np.random.default_rng(settings.seed)
    may_be_best, critical = may_be_least(measured.contrasts(losses - losses[measured.best]), rng, alpha=1 - LEVEL)
    since = measured.contrasts(losses[-1] - losses - measured.margin)
    se = float(since.se[may_be_best].max())
    if measured.evidence.selected_on_validation:
        p, p_error = _by_halves(measured, rng)
        # Half of the examples, and no choice.
        se, critical = math.sqrt(2) * se, NORMAL.inv_cdf(1 - settings.alpha)
    else:
        since_of_error = measured.contrasts(measured.errors[-1] - measured.errors - measured.error_margin)
        p, p_error = (
            maximum_test(family, rng, alpha=settings.alpha, n_draws=settings.n_draws)
            for family in (since, since_of_error)
        )
    return Rise(p, p_error, may_be_best, (critical + NORMAL.inv_cdf(POWER)) * se)


def _by_halves(measured: Measured, rng: np.random.Generator) -> tuple[float, float]:
    """Return the p-values of paired tests, on one half of the examples, of the epoch that the other half finds best.

    Where early stopping has watched the examples, the last epoch is one that follows a rise, and the largest of all
    rises is no evidence. That choosing the best epoch and testing share no example keeps the level close to alpha.

    Source: Cox (1975).
    """
    n_units = int(measured.units.max()) + 1
    chooses = rng.permutation(n_units)[measured.units] < n_units // 2
    p = []
    for values, margin in ((measured.losses, measured.margin), (measured.errors, measured.error_margin)):
        best = int(values[:, chooses].mean(axis=1).argmin())
        p.append(measured.contrasts(values[-1] - values[best] - margin, among=~chooses).p)
    return p[0], p[1]
