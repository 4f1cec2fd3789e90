"""No early stopping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lossexp.early_stopping.base import Decision, EarlyStopping, Watcher


@dataclass(frozen=True, kw_only=True)
class Never(EarlyStopping):
    """Train for all epochs. With `restore_best` the weights of the epoch of least `val/loss` are kept at the end."""

    @property
    def selects_on_validation(self) -> bool:
        """Tell whether the validation split chooses the weights."""
        return self.restore_best

    def watch(self) -> Watcher:
        """Return a watcher that only notes the best epoch."""
        return _Best()


class _Best(Watcher):
    def __init__(self) -> None:
        self.best = float("inf")

    def see(self, metrics: Mapping[str, float]) -> Decision:
        loss = metrics.get("val/loss", float("inf"))  # there may be no validation split
        is_best = loss < self.best
        self.best = min(self.best, loss)
        return Decision(is_best, stop=False)
