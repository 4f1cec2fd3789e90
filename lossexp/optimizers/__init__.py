"""Optimizers, one per file. `conf/optimizer/<stem>.yaml` names the class in `optimizers/<stem>.py`."""

from lossexp.optimizers.adagrad import Adagrad
from lossexp.optimizers.adam import Adam
from lossexp.optimizers.adamw import AdamW
from lossexp.optimizers.base import Optimizer
from lossexp.optimizers.gd import GD
from lossexp.optimizers.lbfgs import LBFGS
from lossexp.optimizers.lion import Lion
from lossexp.optimizers.nadam import Nadam
from lossexp.optimizers.rmsprop import RMSprop
from lossexp.optimizers.rprop import Rprop
from lossexp.optimizers.sgd import SGD

__all__ = ["GD", "LBFGS", "SGD", "Adagrad", "Adam", "AdamW", "Lion", "Nadam", "Optimizer", "RMSprop", "Rprop"]
