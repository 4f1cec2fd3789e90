"""Has the validation loss risen since its best epoch? With a stated rate of false alarms."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lossexp.components import Array
from lossexp.verdict.maximum_test import NORMAL, maximum_tests
from lossexp.verdict.measuring import Measured

POWER = 0.8
"""How often a rise that counts as detectable is found."""


@dataclass(frozen=True)
class Rise:
    """Whether the final model is worse than that of another epoch.

    Attributes:
        p: Probability of such a rise of the loss or a larger one, if the final model is at most the margin worse than
            that of every other epoch. Not a number where there are too few examples, and so are the others.
        p_error: The same of the task error.
        may_be_best: The epochs of the confidence set of the best one, booleans `(n_checkpoints,)`.
        detectable: The smallest rise from one of them that is found in 4 of 5 cases.
    """

    p: float
    p_error: float
    may_be_best: Array
    detectable: float


def rise(measured: Measured) -> Rise:
    """Compare the final model with that of every other epoch, over the same validation examples.

    An epoch may be the best one if it is not worse than the least mean by more than the critical value of all such
    comparisons, as in multiple comparisons with the best (Hsu 1981).
    """
    if not measured.is_enough:
        return Rise(math.nan, math.nan, np.ones(len(measured.epochs), dtype=bool), math.nan)
    settings, losses, errors = measured.settings, measured.losses, measured.errors
    loss = measured.contrasts(losses[:, [measured.final]] - losses - measured.margin)
    error = measured.contrasts(errors[:, [measured.final]] - errors - measured.error_margin)
    least = measured.contrasts(losses[:, [measured.best]] - losses)
    rng = np.random.default_rng(settings.seed)
    of_loss, of_error, of_least = maximum_tests(
        [loss, error, least], rng, alpha=settings.alpha, n_draws=settings.n_draws
    )
    may_be_best = (least.z >= -of_least.critical) | (least.mean == 0)
    se = float(loss.se[may_be_best].max())
    if not measured.evidence.selected_on_validation:
        return Rise(of_loss.p, of_error.p, may_be_best, _detectable(se, of_loss.critical))
    chooses = _random_half(measured.units, rng)
    return Rise(
        _p_by_halves(measured, losses, measured.margin, chooses),
        _p_by_halves(measured, errors, measured.error_margin, chooses),
        may_be_best,
        _detectable(math.sqrt(2) * se, NORMAL.inv_cdf(1 - settings.alpha)),
    )


def _detectable(se: float, critical: float) -> float:
    return (critical + NORMAL.inv_cdf(POWER)) * se


def _p_by_halves(measured: Measured, values: Array, margin: float, chooses: Array) -> float:
    """Return the p-value of the paired test, on one half of the examples, of the epoch that the other half finds best.

    Where early stopping has watched the examples, the last epoch is one that follows a rise, and the largest of all
    rises is no evidence. That the choice of the best epoch and the test share no example keeps the level near alpha.

    Args:
        measured: The run.
        values: Losses or errors, `(n_val, n_checkpoints)`.
        margin: What is no rise yet.
        chooses: The half that chooses, `(n_val,)`.
    """
    best = int(values[chooses].mean(axis=0).argmin())
    differences = values[:, measured.final] - values[:, best] - margin
    return measured.contrasts(differences, among=~chooses).p


def _random_half(units: Array, rng: np.random.Generator) -> Array:
    """Return which examples are in a random half of the independent units, `(n_val,)`."""
    n_units = int(units.max()) + 1
    return rng.permutation(n_units)[units] < n_units // 2
