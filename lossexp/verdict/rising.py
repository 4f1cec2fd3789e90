"""Has the validation loss risen since its best epoch? With a stated rate of false alarms."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lossexp.components import Array
from lossexp.verdict.maximum_test import NORMAL, maximum_test, maximum_test_of_a_chosen_end, may_be_least
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
    curve = measured.contrasts(losses - losses[measured.best])
    may_be_best, critical = may_be_least(curve, rng, alpha=1 - LEVEL)
    since = measured.contrasts(losses[-1] - losses - measured.margin)
    se = float(since.se[may_be_best].max())
    p, p_error = (
        _p_value(measured, values, margin, rng)
        for values, margin in ((losses, measured.margin), (measured.errors, measured.error_margin))
    )
    return Rise(p, p_error, may_be_best, (critical + NORMAL.inv_cdf(POWER)) * se)


def _p_value(measured: Measured, values: Array, margin: float, rng: np.random.Generator) -> float:
    """Return the p-value of a rise of the mean of some values since the best epoch, by more than the margin."""
    alpha, n_draws = measured.settings.alpha, measured.settings.n_draws
    since = measured.contrasts(values[-1] - values - margin)
    if not measured.evidence.selected_on_validation:
        return maximum_test(since, rng, alpha=alpha, n_draws=n_draws)
    curve = measured.contrasts(values - values[measured.best])
    return maximum_test_of_a_chosen_end(since, curve, margin, rng, alpha=alpha, n_draws=n_draws)
