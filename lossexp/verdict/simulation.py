"""False alarms of the verdict, and of rules in use, on simulated runs that do not overfit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lossexp.components import Array
from lossexp.early_stopping import GL, Patience
from lossexp.verdict.evidence import Evidence
from lossexp.verdict.judging import judge
from lossexp.verdict.maximum_test import contrasts

Noise = Literal["normal", "t3"]
NOISES: tuple[Noise, ...] = ("normal", "t3")

ALPHA = 0.05
N_EPOCHS = 60
CORRELATION = 0.8
"""Of the noise of an example between one epoch and the next."""
NOISE = 0.3
"""Standard deviation of the noise of an example, in units of its loss."""
STOP_AT = 5.0
"""Percent above the least validation loss at which the GL rule stops: its usual threshold."""


def flat_losses(n_val: int, noise: Noise, rng: np.random.Generator) -> Array:
    """Return losses of validation examples that change from epoch to epoch, but not in expectation.

        loss_it = b_i (1 + 0.3 x_it),   b_i exponential,   x_it = 0.8 x_i,t-1 + 0.6 e_it of variance 1

    Args:
        n_val: Number of examples.
        noise: Distribution of e, scaled to variance 1: normal, or Student's t with 3 degrees of freedom.
        rng: Source of the randomness.

    Returns:
        Losses `(n_val, N_EPOCHS)`.
    """
    shape = (N_EPOCHS, n_val)
    e = rng.standard_normal(shape) if noise == "normal" else rng.standard_t(3, shape) / np.sqrt(3)
    x = e.copy()
    for t in range(1, N_EPOCHS):
        x[t] = CORRELATION * x[t - 1] + np.sqrt(1 - CORRELATION**2) * e[t]
    return (rng.exponential(size=n_val) * (1 + NOISE * x)).T


def slope_of_the_last_10(losses: Array) -> bool:
    """Alarm if the least-squares line through the last 10 means rises."""
    return bool(np.polyfit(np.arange(10), losses[:, -10:].mean(axis=0), 1)[0] > 0)


def patience_of_10(losses: Array) -> bool:
    """Alarm if early stopping with a patience of 10 epochs stops."""
    watcher = Patience(patience=10).watch()
    return any(watcher.see({"val/loss": float(mean)}).stop for mean in losses.mean(axis=0))


def paired_test_against_the_best(losses: Array) -> bool:
    """Alarm if a paired test finds the last epoch worse than the best one, as if that had not been chosen."""
    best = losses[:, :-1].mean(axis=0).argmin()
    return contrasts((losses[:, -1] - losses[:, best])[None]).p <= ALPHA


def verdict_after_early_stopping(losses: Array, groups: Array | None = None) -> bool:
    """Alarm if the verdict, without its margin, finds a rise where the GL rule has stopped: at the first such rise."""
    watcher = GL(threshold=STOP_AT).watch()
    stops = (watcher.see({"val/loss": float(mean)}).stop for mean in losses.mean(axis=0))
    last = next((epoch for epoch, stop in enumerate(stops) if stop), N_EPOCHS - 1)
    return judge(_evidence(losses[:, : last + 1], groups, watched=True), alpha=ALPHA, margin=0).p <= ALPHA


def verdict(losses: Array, groups: Array | None = None) -> bool:
    """Alarm if the verdict, without its margin, finds a rise; `groups` are what it knows of the examples."""
    return judge(_evidence(losses, groups, watched=False), alpha=ALPHA, margin=0).p <= ALPHA


RULES: dict[str, Callable[[Array], bool]] = {
    "slope of the last 10 above 0": slope_of_the_last_10,
    "patience of 10 fired": patience_of_10,
    "paired test against the best": paired_test_against_the_best,
    "verdict after early stopping": verdict_after_early_stopping,
    "verdict": verdict,
}


def _evidence(losses: Array, groups: Array | None, *, watched: bool) -> Evidence:
    """Return a run with these losses; nothing else matters for the p-value without a margin."""
    n_val, n_epochs = losses.shape
    return Evidence(
        epochs=np.arange(n_epochs),
        losses=losses,
        errors=np.zeros_like(losses),
        train_losses=np.linspace(1, 0, n_epochs),
        constant_losses=np.full(n_val, 2.0),
        constant_errors=np.ones(n_val),
        constant_train_loss=2.0,
        selected_on_validation=watched,
        groups=groups,
    )


@dataclass(frozen=True)
class FalseAlarms:
    """How often each rule raised an alarm, as a fraction of the runs."""

    n_val: int
    noise: Noise
    rates: dict[str, float]


def false_alarms(n_runs: int = 400, seed: int = 0) -> Iterator[FalseAlarms]:
    """Simulate runs of a flat expectation, for sets of 100, 500 and 2000 examples and both kinds of noise."""
    for n_val in (100, 500, 2000):
        for place, noise in enumerate(NOISES):
            rng = np.random.default_rng((seed, n_val, place))
            runs = (flat_losses(n_val, noise, rng) for _ in range(n_runs))
            alarms = [[rule(losses) for rule in RULES.values()] for losses in runs]
            yield FalseAlarms(n_val, noise, dict(zip(RULES, np.mean(alarms, axis=0).tolist(), strict=True)))
