"""The contract of early stopping: when has a run seen enough?"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from lossexp.components import Component


@dataclass(frozen=True)
class Decision:
    """Whether this epoch is the best so far, and whether to stop after it."""

    is_best: bool
    stop: bool


class Watcher(ABC):
    """What early stopping remembers of one run."""

    @abstractmethod
    def see(self, metrics: Mapping[str, float]) -> Decision:
        """Take in the metrics at the end of one epoch of training and decide."""


@dataclass(frozen=True, kw_only=True)
class EarlyStopping(Component, ABC):
    """A rule that ends a run before its last epoch.

    Attributes:
        restore_best: End with the weights of the best epoch rather than with the last ones.
    """

    restore_best: bool = False

    @property
    def selects_on_validation(self) -> bool:
        """Tell whether the validation split decides which epoch a run ends with: it is no independent judge then."""
        return True

    @abstractmethod
    def watch(self) -> Watcher:
        """Return a watcher for one run."""
