"""Stop when the validation loss has risen again and again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lossexp.components import PositiveCount
from lossexp.early_stopping.base import Decision, EarlyStopping, Watcher


@dataclass(frozen=True, kw_only=True)
class UP(EarlyStopping):
    """Upward: stop at the end of `successive` strips of k epochs in a row, each with a higher loss than the one before.

        E_va(t) > E_va(t - k) at the ends t of these strips

    E_va is `val/loss`. How far it rises does not matter, only how long. Good on average where runs overfit clearly.

    Source: Prechelt (1998).

    Attributes:
        successive: Strips in a row.
        strip: Epochs of a strip, k.
        restore_best: End with the weights of the epoch of least `val/loss`.
    """

    successive: PositiveCount = 4
    strip: PositiveCount = 5

    def watch(self) -> Watcher:
        """Return a watcher of the validation loss."""
        return _Watcher(self)


class _Watcher(Watcher):
    def __init__(self, rule: UP) -> None:
        self.rule, self.least, self.before = rule, float("inf"), float("inf")
        self.epochs, self.rises = 0, 0

    def see(self, metrics: Mapping[str, float]) -> Decision:
        self.epochs += 1
        loss = metrics["val/loss"]
        is_best = loss < self.least
        self.least = min(self.least, loss)
        if self.epochs % self.rule.strip:
            return Decision(is_best, stop=False)
        self.rises = self.rises + 1 if loss > self.before else 0
        self.before = loss
        return Decision(is_best, stop=self.rises >= self.rule.successive)
