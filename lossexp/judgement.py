"""Judging finished runs by their raw predictions, whatever they were trained with."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from lossexp import metrics
from lossexp.comparison import calibration, judging
from lossexp.components import Array
from lossexp.datasets.base import Data, Split
from lossexp.links import LINKS, LinkName
from lossexp.prediction import raw_predictions
from lossexp.run import Run
from lossexp.targets import Target, encode

SHARE_MARGIN = 0.005
"""Half a percentage point of accuracy does not matter, nor as much of another share."""
HEADROOM_MARGIN = 0.01
"""Of other metrics it is so much of what the best constant prediction leaves to gain."""
_SHARES = ("accuracy", "balanced_accuracy", "macro_f1", "auc", "r2")


def compared_by(target: Target, first: str | None = None) -> list[str]:
    """Return the metrics that losses are compared by; `first` comes first where one is asked for.

    The log loss is taken at the temperature that suits the validation split: not every loss sets the scale of its raw
    predictions, and a mere scale can be mended.
    """
    usual = ("accuracy", "log_loss_calibrated") if target.task.is_classes else ("rmse", "mae")
    return list(dict.fromkeys([first, *usual] if first else usual))


def tuned_by(target: Target) -> str:
    """Return the metric that settings are chosen by unless another one is asked for.

    Not the accuracy: a few hundred examples give it too few values, and the best of many settings is the luckiest.
    """
    return "log_loss_calibrated" if target.task.is_classes else "rmse"


def on_validation(run: Run, metric: str) -> float:
    """Return one metric on the validation split; NaN unless the run ended well."""
    if run.problem:
        return math.nan
    if metric != "log_loss_calibrated":
        return _judged(run, run.data.val)[metric]
    # By far the most frequent question, of every setting and seed: without the other metrics.
    val = run.data.val
    scores = calibration.scores(_raw(run, val), _link(run))
    surprisal = calibration.surprisal(scores / calibration.fit_temperature(scores, val.y, val.weight), val.y)
    return float(np.average(surprisal, weights=val.weight))


def on_test(run: Run) -> dict[str, float]:
    """Return every metric on the test split, the temperature fitted on the validation split.

    NaN unless the run ended well.
    """
    if run.problem:
        return dict.fromkeys(judging.names(run.data.target), math.nan)
    return _judged(run, run.data.test)


def errors_on_test(run: Run) -> Array:
    """Return how wrong each test example is, `(n_samples,)`: 0 or 1 for classes, the squared error for numbers."""
    target, raw, link = run.data.target, _raw(run, run.data.test)[:, None], _link(run)
    encoded = encode(run.data.test.y, target, len(raw), np.float64)[:, None]
    return metrics.task_error(metrics.per_example(raw, encoded, link, target), target)[0]


def matching(run: Run) -> tuple[str, ...]:
    """Return the metrics by which the loss of a run has the home advantage."""
    return judging.matching_metrics(run.job.experiment.loss.on(run.data.target), run.data.target)


def usual_margin(metric: str, data: Data) -> float:
    """Return a difference in a metric that does not matter in practice."""
    if metric in _SHARES:
        return SHARE_MARGIN
    # Where the constant is right there is nothing to gain, and any difference matters.
    return max(float(f"{HEADROOM_MARGIN * _of_best_constant(data)[metric]:.2g}"), float(np.finfo(np.float64).tiny))


def _of_best_constant(data: Data) -> Mapping[str, float]:
    """Return every metric on the test split of a model that has not seen a feature."""
    train, test, target = data.train, data.test, data.target
    if target.task.is_classes:
        counts = np.bincount(train.y, train.weight, minlength=target.n_classes)
        raw = np.log(counts / counts.sum())[:, None].repeat(len(test), axis=1)
        return judging.judge_classes(raw, test.y, "softmax", target, weights=test.weight)
    by_centre = [
        judging.judge_values(np.full(len(test), centre), test.y, weights=test.weight)
        for centre in (np.average(train.y, weights=train.weight), np.median(train.y))
    ]
    return {name: float(np.fmin.reduce([values[name] for values in by_centre])) for name in by_centre[0]}


def _judged(run: Run, split: Split) -> dict[str, float]:
    target, val = run.data.target, run.data.val
    raw, link = _raw(run, split), _link(run)
    if not target.task.is_classes:
        return judging.judge_values(LINKS[link].inverse(raw[:, None])[0, 0], split.y, weights=split.weight)
    temperature = calibration.fit_temperature(calibration.scores(_raw(run, val), link), val.y, val.weight)
    return judging.judge_classes(raw, split.y, link, target, temperature=temperature, weights=split.weight)


def _raw(run: Run, split: Split) -> Array:
    """Return the raw predictions of the outputs that predict, `(n_outputs, n_samples)`, at the weights a run keeps."""
    assert run.finished is not None
    raw = raw_predictions(run.job.experiment.model, run.finished.params, split.X).astype(np.float64)
    return run.job.experiment.loss.on(run.data.target).predicting(raw[:, None])[:, 0]


def _link(run: Run) -> LinkName:
    return run.job.experiment.loss.on(run.data.target).link_name(run.data.target)
