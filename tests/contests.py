"""Comparisons made from scores, without training anything."""

from pathlib import Path

import numpy as np

from lossexp.comparing import Contender, Contest
from lossexp.comparison import judging, paired
from lossexp.comparison.matrix import loss_metric_matrix
from lossexp.record import Record
from lossexp.run import Run
from lossexp.targets import Target, Task
from lossexp.tuning import Trial, by_score
from tests.composed import small

MULTICLASS = Target(Task.MULTICLASS, 3)


def contest(scores, *, dataset="moons", by=("accuracy", "log_loss_calibrated"), notes=(), rates=(0.1, 1, 10)):
    """Return a comparison.

    Args:
        scores: For each loss the accuracy of each seed; its calibrated log loss is 1 - accuracy.
        dataset: Its name.
        by: The metrics.
        notes: What a reader must know.
        rates: Learning rates, of which the first was the best.
    """
    contenders = [_contender(loss, dataset, np.array(values), rates) for loss, values in scores.items()]
    comparisons = {
        name: paired.compare(
            {one.loss: one.scores[name] for one in contenders},
            name,
            higher_is_better=name == "accuracy",
            margin=0.005,
        )
        for name in by
    }
    names = judging.names(MULTICLASS)
    matrix = loss_metric_matrix(
        {one.loss: one.scores for one in contenders},
        {one.loss: ("log_loss",) if one.loss == "cce" else () for one in contenders},
        names,
    )
    seeds = list(range(3, 3 + len(next(iter(scores.values())))))
    return Contest(dataset, MULTICLASS, seeds, contenders, comparisons, matrix, list(notes), 0.0)


def _contender(loss, dataset, accuracy, rates):
    trials = [
        Trial(dataset, loss, {"optimizer.lr": f"{rate:g}"}, rate, (), "log_loss_calibrated", np.array([0.1 * place]))
        for place, rate in enumerate(rates)
    ]
    scores = {name: np.full(len(accuracy), np.nan) for name in judging.names(MULTICLASS)}
    scores |= {"accuracy": accuracy, "log_loss_calibrated": 1 - accuracy, "log_loss": 2 - accuracy}
    runs = [Run(small(f"seed={3 + k}"), None, Record(Path(f"{loss}-{k}"))) for k in range(len(accuracy))]
    return Contender(by_score(trials), runs, scores)


CLEAR = {
    "mse": [0.80, 0.81, 0.79, 0.82, 0.80, 0.78, 0.81, 0.80],
    "cce": [0.90, 0.92, 0.88, 0.91, 0.90, 0.89, 0.93, 0.90],
    "brier": [0.80, 0.81, 0.79, 0.82, 0.80, 0.78, 0.81, 0.80],
}
"""One loss is better, and two are the same."""
