"""Deviances: losses of a positive mean, predicted as its logarithm."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from lossexp.components import Array, Interval, Scalar
from lossexp.links import LinkName
from lossexp.losses.base import REGRESSION, Loss, is_always, summed
from lossexp.targets import Target


@dataclass(frozen=True, kw_only=True)
class DevianceLoss(Loss, ABC):
    """Half the deviance of a noise whose variance grows like mean^p, p from 1 to 2, with mean = exp(raw).

    It is the negative log-likelihood less its least value, so that a perfect prediction costs 0. With a = 2 - p:

        value = exp(a raw) / a - target exp((a - 1) raw) / (a - 1) + target^a / (a (a - 1)),

    where exp(0 · raw) / 0 stands for raw, the limit. Every such loss is convex in raw, and its minimum is at the mean.

    Source: Tweedie (1984); Jørgensen (1987).
    """

    accepts = REGRESSION
    convex = True
    estimates = "the mean"
    judged_by: ClassVar[tuple[str, ...]] = ("rmse", "r2")

    @property
    @abstractmethod
    def variance_power(self) -> Scalar:
        """The power p."""

    @property
    @final
    def target_domain(self) -> Interval:
        """At least 0, and above 0 for p = 2, whose noise is never 0."""
        return Interval(0, open_low=bool(np.any(self.variance_power == 2)))

    @final
    def link_name(self, target: Target) -> LinkName:
        """Return log."""
        return "log"

    @final
    def value(self, raw: Array, target: Array) -> Array:
        """Return target^a (E(u, a) - E(u, a - 1)) with u = raw - log(target): small where the prediction is good."""
        a = 2 - self.variance_power
        is_zero = target == 0
        y = np.where(is_zero, 1, target)
        u = raw - np.log(y)
        value = y**a * (_exponential(u, a) - _exponential(u, a - 1))
        if is_zero.any():
            value = np.where(is_zero, np.exp(a * raw) / a, value)
        return summed(value)

    @final
    def gradient(self, raw: Array, target: Array, out: Array) -> None:
        """Write exp(a raw) - target exp((a - 1) raw)."""
        a = 2 - self.variance_power
        pull = target
        if not is_always(a, 1):
            # Without the bound a target of 0 times infinity would be NaN.
            pull = target * np.minimum(np.exp((a - 1) * raw), np.finfo(raw.dtype).max)
        push: Array | float = 1.0
        if not is_always(a, 0):
            push = np.exp(raw if is_always(a, 1) else np.multiply(raw, a, out=out), out=out)
        np.subtract(push, pull, out=out)


def _exponential(u: Array, rate: Scalar) -> Array:
    """Return (exp(rate u) - 1) / rate, which is u where the rate is 0."""
    return u if is_always(rate, 0) else np.expm1(rate * u) / rate
