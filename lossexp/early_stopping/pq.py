"""Stop when the validation loss rises while the training loss hardly falls any more."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from lossexp.components import Interval
from lossexp.early_stopping.base import Decision, EarlyStopping, Watcher
from lossexp.early_stopping.gl import generalization_loss


@dataclass(frozen=True, kw_only=True)
class PQ(EarlyStopping):
    """Progress quotient: stop at the first end of a strip of k epochs with GL(t) / P(t) > threshold.

        GL(t) = 100 (E_va(t) / E_opt(t) - 1),   E_opt(t) = least E_va up to t
        P(t)  = 1000 (mean of E_tr / least E_tr - 1), over the k epochs up to t

    E_va is `val/loss` and E_tr `train/loss`, which must never be below 0. As long as training makes progress, a
    validation loss that rises is given time to come back. Good on average where runs overfit only slightly.

    Source: Prechelt (1998).

    Attributes:
        threshold: How large the quotient may get.
        strip: Epochs of a strip, k.
        restore_best: End with the weights of the epoch of least `val/loss`.
    """

    threshold: Annotated[float, Interval(0)] = 0.5
    strip: Annotated[int, Interval(2)] = 5

    def watch(self) -> Watcher:
        """Return a watcher of both losses."""
        return _Watcher(self)


def progress(losses: Sequence[float]) -> float:
    """Return in per mille how far the mean training loss of a strip lies above its least."""
    least = min(losses)
    return 1000 * (sum(losses) / len(losses) / least - 1) if least > 0 else 0.0


class _Watcher(Watcher):
    def __init__(self, rule: PQ) -> None:
        self.rule, self.least, self.epochs = rule, float("inf"), 0
        self.training: deque[float] = deque(maxlen=rule.strip)

    def see(self, metrics: Mapping[str, float]) -> Decision:
        self.epochs += 1
        self.training.append(metrics["train/loss"])
        loss = metrics["val/loss"]
        is_best = loss < self.least
        self.least = min(self.least, loss)
        if self.epochs % self.rule.strip:
            return Decision(is_best, stop=False)
        # As a product, so that training without any progress divides by nothing.
        allowed = self.rule.threshold * progress(self.training)
        return Decision(is_best, stop=generalization_loss(loss, self.least) > allowed)
