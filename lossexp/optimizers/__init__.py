"""Optimizers, one per file."""

from lossexp.optimizers.base import Optimizer
from lossexp.optimizers.gd import GD
from lossexp.optimizers.sgd import SGD

__all__ = ["GD", "SGD", "Optimizer"]
