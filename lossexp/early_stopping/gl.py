"""Stop when the validation loss lies too far above its least value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from lossexp.components import Interval
from lossexp.early_stopping.base import Decision, EarlyStopping, Watcher


@dataclass(frozen=True, kw_only=True)
class GL(EarlyStopping):
    """Generalization loss: stop at the first epoch t with GL(t) > threshold.

        GL(t) = 100 (E_va(t) / E_opt(t) - 1),   E_opt(t) = least E_va up to t

    E_va is `val/loss`, which must never be below 0. A single spike is enough to stop, which makes it the rule of short
    trainings: it finds a good solution often, where several runs can be afforded.

    Source: Prechelt (1998).

    Attributes:
        threshold: Percent by which the validation loss may exceed its least value.
        restore_best: End with the weights of the epoch of least `val/loss`.
    """

    threshold: Annotated[float, Interval(0)] = 5.0

    def watch(self) -> Watcher:
        """Return a watcher of the validation loss."""
        return _Watcher(self)


def generalization_loss(loss: float, least: float) -> float:
    """Return in percent how far a loss lies above the least so far."""
    if least == 0:
        return float("inf") if loss > 0 else 0.0
    return 100 * (loss / least - 1)


class _Watcher(Watcher):
    def __init__(self, rule: GL) -> None:
        self.rule, self.least = rule, float("inf")

    def see(self, metrics: Mapping[str, float]) -> Decision:
        loss = metrics["val/loss"]
        is_best = loss < self.least
        self.least = min(self.least, loss)
        return Decision(is_best, stop=generalization_loss(loss, self.least) > self.rule.threshold)
