"""Stop when a metric has not improved for a number of epochs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from lossexp.components import Count, Interval
from lossexp.early_stopping.base import Decision, EarlyStopping, Watcher

Metric = Literal["val/loss", "train/loss", "val/accuracy", "val/log_loss", "val/brier", "val/rmse", "val/mae", "val/r2"]
_HIGHER_IS_BETTER = ("accuracy", "r2")


@dataclass(frozen=True, kw_only=True)
class Patience(EarlyStopping):
    """Stop after `patience` epochs in a row without an improvement, as Keras' EarlyStopping does.

    An epoch improves when its metric beats the best one so far by more than `min_delta`. The measurement before the
    first epoch does not count.

    Attributes:
        monitor: The metric to watch.
        mode: Whether less or more is better; auto knows it from the metric.
        patience: Epochs without improvement that are allowed.
        min_delta: What counts as an improvement.
        restore_best: End with the weights of the best epoch.
    """

    monitor: Metric = "val/loss"
    mode: Literal["auto", "min", "max"] = "auto"
    patience: Count = 10
    min_delta: Annotated[float, Interval(0)] = 0.0

    @property
    def sign(self) -> int:
        """Return 1 where less is better and -1 where more is."""
        more = self.mode == "max" or (self.mode == "auto" and self.monitor.endswith(_HIGHER_IS_BETTER))
        return -1 if more else 1

    @property
    def selects_on_validation(self) -> bool:
        """Tell whether the monitored metric is one of the validation split."""
        return self.monitor.startswith("val/")

    def watch(self) -> Watcher:
        """Return a watcher of the monitored metric."""
        return _Waiting(self)


class _Waiting(Watcher):
    def __init__(self, rule: Patience) -> None:
        self.rule, self.best, self.waited, self.epochs = rule, float("inf"), 0, 0

    def see(self, metrics: Mapping[str, float]) -> Decision:
        self.epochs += 1
        current = self.rule.sign * metrics[self.rule.monitor]
        if current + self.rule.min_delta < self.best:
            self.best, self.waited = current, 0
            return Decision(is_best=True, stop=False)
        self.waited += 1
        # As in Keras, the very first epoch never stops a run, not even with patience 0.
        return Decision(is_best=False, stop=self.waited >= self.rule.patience and self.epochs > 1)
