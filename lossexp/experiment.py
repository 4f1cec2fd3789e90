"""An experiment: the nouns of one run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lossexp.components import Component, Count, PositiveCount
from lossexp.datasets.base import Dataset
from lossexp.early_stopping import EarlyStopping, Never
from lossexp.losses import Loss
from lossexp.models import Linear, Model
from lossexp.optimizers import SGD, Optimizer
from lossexp.schedules import Constant, Schedule


@dataclass(frozen=True)
class Training(Component):
    """How long and how precisely to train.

    Attributes:
        epochs: Passes over the training split; 0 measures the initial model only.
        dtype: Precision of parameters, activations and gradients. Curves are summed in float64 either way.
        max_stack: At most so many runs of a sweep are trained as one computation, on one core. The number of cores does
            not enter, so that results do not depend on it.
    """

    epochs: Count = 100
    dtype: Literal["float32", "float64"] = "float32"
    max_stack: PositiveCount = 32


@dataclass(frozen=True, kw_only=True)
class Sweep(Component):
    """How a sweep is done.

    Attributes:
        on_illegal: What to do about jobs whose parts do not fit together: refuse the sweep, or skip them.
        dry_run: Show the plan and stop.
        max_runs: More runs than this are refused.
    """

    on_illegal: Literal["error", "skip"] = "error"
    dry_run: bool = False
    max_runs: PositiveCount = 10_000


@dataclass(frozen=True)
class Experiment:
    """One run: everything that decides its curves."""

    dataset: Dataset
    loss: Loss
    model: Model = field(default_factory=Linear)
    optimizer: Optimizer = field(default_factory=SGD)
    schedule: Schedule = field(default_factory=Constant)
    early_stopping: EarlyStopping = field(default_factory=Never)
    training: Training = field(default_factory=Training)
    seed: int = 0
