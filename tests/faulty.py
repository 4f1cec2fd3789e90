"""Losses that go wrong, in a module that worker processes can import."""

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lossexp.components import Scalar
from lossexp.losses.base import Loss

SOUND, RAISES, EXITS, RAISES_ITS_OWN, KILLS, HANGS = range(6)
"""Values of `fault`. KILLS ends the process, once if there is a marker; HANGS makes the marker and goes on for long."""

N_TRIED = 12
"""All is well with so few examples: what goes wrong when a loss is tried is refused before it trains."""


class OwnError(Exception):
    """An error of a user's own, which cannot be unpickled."""

    def __init__(self, what, why):
        super().__init__(f"{what}, {why}")


@dataclass(frozen=True, kw_only=True)
class Faulty(Loss):
    """Squared error, with a fault in runs whose `fault` says so.

    Attributes:
        fault: What goes wrong.
        marker: A file that remembers that the process was killed; after that all is well.
    """

    fault: Scalar = SOUND
    marker: str = ""

    def value(self, raw, target):
        faults = set(np.ravel(self.fault).tolist()) if raw.shape[2] > N_TRIED else set()
        if RAISES in faults:
            raise ZeroDivisionError("the user's own mistake")
        if EXITS in faults:
            sys.exit(5)
        if RAISES_ITS_OWN in faults:
            raise OwnError("an error", "of a kind that cannot be unpickled")
        if KILLS in faults and not (self.marker and Path(self.marker).exists()):
            if self.marker:
                Path(self.marker).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if HANGS in faults:
            Path(self.marker).touch()
            time.sleep(60)
        return np.sum((raw - target) ** 2, axis=0)

    def gradient(self, raw, target, out):
        np.multiply(2, raw - target, out=out)
