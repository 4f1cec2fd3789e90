"""Early stopping rules, one per file."""

from lossexp.early_stopping.base import Decision, EarlyStopping, Watcher
from lossexp.early_stopping.never import Never
from lossexp.early_stopping.patience import Patience

__all__ = ["Decision", "EarlyStopping", "Never", "Patience", "Watcher"]
