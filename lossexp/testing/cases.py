"""A loss on a kind of target, with examples of both."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lossexp.components import Array, Interval
from lossexp.losses import Loss
from lossexp.losses.base import require_written
from lossexp.losses.classes import ClassLoss
from lossexp.targets import Target, Task, encode

TARGETS = {
    Task.REGRESSION: Target(Task.REGRESSION),
    Task.BINARY: Target(Task.BINARY, 2),
    Task.MULTICLASS: Target(Task.MULTICLASS, 3),
}
N_RUNS, N_SAMPLES = 3, 12


@dataclass(frozen=True)
class Case:
    """A loss on a kind of target, with examples."""

    loss: Loss
    target: Target

    @functools.cached_property
    def settled(self) -> Loss:
        """The loss, settled on the target, and on classes of which each has one example more than the one before."""
        return self.loss.on(self.target).fitted(np.arange(1, self.target.n_classes + 1))

    @property
    def n_outputs(self) -> int:
        """Number of outputs of the model."""
        return self.settled.n_outputs(self.target)

    def encoded(self, n_samples: int = N_SAMPLES, seed: int = 0) -> Array:
        """Return targets `(n_outputs, 1, n_samples)`, every class among them."""
        rng = np.random.default_rng((seed, 1))
        if self.target.task.is_classes:
            y = rng.permutation(np.arange(n_samples) % self.target.n_classes)
        else:
            y = _inside(self.settled.target_domain, rng.normal(0, 2, n_samples))
        return encode(y, self.target, self.n_outputs, np.float64)[:, None]

    def raw(self, n_samples: int = N_SAMPLES, scale: float = 3.0, seed: int = 0) -> Array:
        """Return raw predictions `(n_outputs, n_runs, n_samples)`."""
        return np.random.default_rng(seed).normal(0, scale, (self.n_outputs, N_RUNS, n_samples))

    def gradient(self, raw: Array, encoded: Array) -> Array:
        """Return the gradient, in an array of its own."""
        out = np.full_like(raw, np.nan)
        returned: object = self.settled.gradient(raw, encoded, out)  # type: ignore[func-returns-value]
        require_written(self.settled, returned, out)
        if np.isnan(out).all():
            raise AssertionError("Expected the derivative in `out`, as by out[...] = raw - target; nothing is there.")
        return out

    def where(self, raw: Array, encoded: Array, what: str = "") -> Callable[[tuple[int, ...]], str]:
        """Return what says at which example something went wrong; `what` went wrong there."""

        def at(index: tuple[int, ...]) -> str:
            run, sample = index[-2:]
            y = encoded[:, min(run, encoded.shape[1] - 1), sample]
            of = f"{what} by output {index[0]}" if len(index) == 3 and len(raw) > 1 else what
            return f"{of} at raw = {_numbers(raw[:, run, sample])}, target = {_numbers(y)}"

        return at


def _inside(domain: Interval, y: Array) -> Array:
    """Map normal numbers into an interval, its ends among them where they belong to it."""
    if np.isfinite(domain.low) and np.isfinite(domain.high):
        y = domain.low + (domain.high - domain.low) / (1 + np.exp(-y))
    elif np.isfinite(domain.low):
        y = domain.low + np.exp(y / 2)
    elif np.isfinite(domain.high):
        y = domain.high - np.exp(y / 2)
    if np.isfinite(domain.low) and not domain.open_low:
        y[::5] = domain.low
    return y


def _numbers(values: Array) -> str:
    return ", ".join(f"{value:.6g}" for value in values)


def targets(loss: Loss) -> list[Target]:
    """Return a target of each kind that the loss can be used on; with weights for classes, the one that has so many."""
    if isinstance(loss, ClassLoss) and loss.weights:
        n_classes = len(loss.weights)
        return [Target(Task.BINARY if n_classes == 2 else Task.MULTICLASS, n_classes)]
    accepted = [target for task, target in TARGETS.items() if task in loss.accepts]
    return [t for t in accepted if t.task.is_classes or loss.link_name(t) not in ("logistic", "softmax")]
