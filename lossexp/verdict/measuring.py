"""The numbers of one run that a verdict rests on."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from lossexp.components import Array
from lossexp.verdict.evidence import Evidence
from lossexp.verdict.maximum_test import Contrasts, contrasts, effective_number

FEW = 20
"""The mean of fewer independent examples is too far from normal for any of the tests."""


@dataclass(frozen=True)
class Settings:
    """How sure a verdict is to be.

    Attributes:
        alpha: Probability of a false alarm.
        margin: A rise up to this fraction of the headroom is none.
        n_draws: Draws of a test, at most.
        seed: Seed of the draws.
    """

    alpha: float
    margin: float
    n_draws: int
    seed: int


class Measured:
    """One run up to its final model, at the epochs where all that was measured is finite.

    Attributes:
        epochs: Those epochs, `(n_checkpoints,)`.
        losses: Loss of each validation example, `(n_checkpoints, n_val)`: sums over examples run along memory.
        errors: Task error of each, of the same shape.
        train: Mean training loss, `(n_checkpoints,)`.
        mean: Mean validation loss, `(n_checkpoints,)`.
        units: Which independent unit each example belongs to, numbered from 0, `(n_val,)`.
        best: Place of the least mean.
        floor: The least loss that is possible; where that is not known, the least that was seen.
        headroom: Validation loss of the best constant prediction less the floor.
        train_headroom: The same of the training loss.
    """

    def __init__(self, evidence: Evidence, settings: Settings) -> None:
        self.evidence, self.settings = evidence, settings
        used = is_finite(evidence) & (evidence.epochs <= evidence.final_epoch)
        self.epochs: Array = evidence.epochs[used]
        self.losses: Array = evidence.losses.T[used].astype(np.float64, order="C")
        self.errors: Array = evidence.errors.T[used].astype(np.float64, order="C")
        self.train: Array = evidence.train_losses[used]
        self.mean: Array = self.losses.mean(axis=1)
        n_val = self.losses.shape[1]
        self.units = np.arange(n_val) if evidence.groups is None else np.unique(evidence.groups, return_inverse=True)[1]
        self.best = int(self.mean.argmin())
        seen = float(min(self.mean.min(), self.train.min()))
        self.floor = evidence.infimum if math.isfinite(evidence.infimum) else seen
        self.headroom = self._above_floor(float(np.mean(evidence.constant_losses)), float(self.mean[0]))
        self.train_headroom = self._above_floor(evidence.constant_train_loss, float(self.train[0]))

    def _above_floor(self, constant: float, first: float) -> float:
        """Return what there is to learn; if nothing, as a constant is perfect already, what the first model had to."""
        found = (loss - self.floor for loss in (constant, first))
        return next((distance for distance in found if 0 < distance < math.inf), 1.0)

    @functools.cached_property
    def n_units(self) -> float:
        """Number of independent validation examples, or of groups of them, as if all were of one size."""
        return effective_number(np.bincount(self.units))

    @property
    def units_in_words(self) -> str:
        """How many there are of what, such as `40 groups of validation examples`."""
        n_counted = len(np.unique(self.units))
        plural = "" if n_counted == 1 else "s"
        if self.evidence.groups is None:
            return f"{n_counted} validation example{plural}"
        worth = "" if round(self.n_units) == n_counted else f" (worth {self.n_units:.0f} of equal size)"
        return f"{n_counted} group{plural} of validation examples{worth}"

    @property
    def is_enough(self) -> bool:
        """Tell whether there are enough of them."""
        return self.n_units >= FEW

    @property
    def has_moved(self) -> bool:
        """Tell whether any loss differs from what it was before training."""
        return bool(np.any(self.train != self.train[0]) or np.any(self.losses != self.losses[0]))

    @property
    def margin(self) -> float:
        """A rise of the loss that is none yet."""
        return self.settings.margin * self.headroom

    @property
    def error_margin(self) -> float:
        """The same for the task error, whose headroom is the error of the best constant prediction."""
        return self.settings.margin * float(np.mean(self.evidence.constant_errors))

    @property
    def train_skill(self) -> float:
        """The part of the headroom of the training split that the final model has learnt."""
        return float(1 - (self.train[-1] - self.floor) / self.train_headroom)

    @property
    def best_train_skill(self) -> float:
        """The same of the model that had learnt most."""
        return float(1 - (self.train.min() - self.floor) / self.train_headroom)

    @property
    def val_skill(self) -> float:
        """The same of the validation split."""
        return float(1 - (self.mean[-1] - self.floor) / self.headroom)

    @functools.cached_property
    def better_than_constant(self) -> Contrasts:
        """By how much the final model is better than the best constant prediction."""
        return self.contrasts(self.evidence.constant_losses - self.losses[-1])

    @functools.cached_property
    def gap(self) -> Contrasts:
        """By how much the final model is worse than on the training split."""
        return self.contrasts(self.losses[-1] - self.train[-1])

    def contrasts(self, differences: Array, among: Array | None = None) -> Contrasts:
        """Return the means of differences `(n_differences, n_val)` or `(n_val,)`; `among` some of the examples."""
        groups = None if self.evidence.groups is None else self.units
        rows = np.atleast_2d(differences)
        if among is None:
            return contrasts(rows, groups)
        return contrasts(rows[:, among], None if groups is None else groups[among])

    def back(self, n_epochs: float) -> int:
        """Return the place of the last epoch that is at least `n_epochs` before the final model, or of the first."""
        return max(int(np.searchsorted(self.epochs, self.epochs[-1] - n_epochs, side="right")) - 1, 0)


def is_finite(evidence: Evidence) -> Array:
    """Tell of each epoch whether everything measured at it is finite, `(n_checkpoints,)`."""
    # A sum is finite only where every term is, and in float64 it does not overflow.
    totals = (values.sum(axis=0, dtype=np.float64) for values in (evidence.losses, evidence.errors))
    return np.logical_and.reduce([np.isfinite(total) for total in (*totals, evidence.train_losses)])
