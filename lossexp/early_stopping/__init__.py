"""Early stopping rules, one per file."""

from lossexp.early_stopping.base import Decision, EarlyStopping, Watcher
from lossexp.early_stopping.gl import GL
from lossexp.early_stopping.never import Never
from lossexp.early_stopping.patience import Patience
from lossexp.early_stopping.pq import PQ
from lossexp.early_stopping.up import UP

__all__ = ["GL", "PQ", "UP", "Decision", "EarlyStopping", "Never", "Patience", "Watcher"]
