"""An experiment: the nouns of one run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from lossexp.components import Component, Count, Interval, PositiveCount
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
        measure_test: Whether the test split is read at the end; a run that only tunes leaves it closed.
    """

    epochs: Count = 100
    dtype: Literal["float32", "float64"] = "float32"
    max_stack: PositiveCount = 32
    measure_test: bool = True


@dataclass(frozen=True, kw_only=True)
class Sweep(Component):
    """How a sweep is done.

    Attributes:
        on_illegal: What to do about jobs whose parts do not fit together: refuse the sweep, or skip them.
        dry_run: Show the plan and stop.
        resume: Go on with the sweep in the output folder that has the most of these runs: those that have ended are
            taken over.
        max_runs: More runs than this are refused.
        protocol: none trains what is listed; compare tunes each loss, then tests the best of each on fresh seeds.
        tuning_seeds: Seeds on which each setting is tried.
        seeds: Fresh seeds for the best setting of each loss.
        metric: What settings are chosen by, and losses are compared by first. None: chosen by the calibrated log loss,
            compared by the accuracy first; for numbers both by the RMSE.
        margin: The difference that does not matter in the metric that losses are compared by first. None: half a
            percentage point of accuracy, 1 % of what a constant prediction leaves to gain.
    """

    on_illegal: Literal["error", "skip"] = "error"
    dry_run: bool = False
    resume: bool = False
    max_runs: PositiveCount = 10_000
    protocol: Literal["none", "compare"] = "none"
    tuning_seeds: PositiveCount = 3
    seeds: Annotated[int, Interval(2)] = 10
    metric: str | None = None
    margin: Annotated[float, Interval(0, open_low=True)] | None = None


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
