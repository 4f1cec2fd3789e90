"""Losses, one per file. `conf/loss/<stem>.yaml` names the class in `losses/<stem>.py`."""

from lossexp.losses.base import Loss
from lossexp.losses.bce import BCE
from lossexp.losses.cce import CCE
from lossexp.losses.mse import MSE

__all__ = ["BCE", "CCE", "MSE", "Loss"]
