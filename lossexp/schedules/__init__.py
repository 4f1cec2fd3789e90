"""Learning-rate schedules, one per file."""

from lossexp.schedules.base import Schedule
from lossexp.schedules.constant import Constant
from lossexp.schedules.cosine import Cosine
from lossexp.schedules.exponential import Exponential
from lossexp.schedules.step import Step

__all__ = ["Constant", "Cosine", "Exponential", "Schedule", "Step"]
