"""Whole trainings of small stacks, on data given as arrays."""

from dataclasses import dataclass

import numpy as np

from lossexp import metrics
from lossexp.datasets import Data, Split
from lossexp.experiment import Experiment
from lossexp.stacking import Member, Stack, arrange
from lossexp.targets import Target, Task
from lossexp.training import Finished, train

REGRESSION = Target(Task.REGRESSION)
BINARY = Target(Task.BINARY, 2)
THREE_CLASSES = Target(Task.MULTICLASS, 3)


def given(X, y, target, *, val=None, test=None):
    """Return data with the rows as they are. Without `val` the model is validated on what it is trained on."""
    train = Split(np.asarray(X, dtype=float), np.asarray(y))
    empty = Split(train.X[:0], train.y[:0])
    val, test = (Split(*split) if split else default for split, default in ((val, train), (test, empty)))
    return Data("given", target, train, val, test, (), (), "")


def drawn(target, n=40, d=3, seed=0, n_held_out=10):
    """Return random data that can be learnt in part, with every class in every split."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n + 2 * n_held_out, d))
    score = X @ rng.standard_normal(d) + 0.5 * rng.standard_normal(len(X))
    y = score if target is REGRESSION else np.digitize(score, np.quantile(score, _edges(target.n_classes)))
    parts = [(X[a:b], y[a:b]) for a, b in ((0, n), (n, n + n_held_out), (n + n_held_out, len(X)))]
    return given(*parts[0], target, val=parts[1], test=parts[2])


def _edges(n_classes):
    return np.arange(1, n_classes) / n_classes


def member(data, loss, **parts):
    """Return one run; the dataset of its experiment is never asked, since the data is there."""
    return Member(Experiment(dataset=None, loss=loss, **parts), data)


@dataclass
class Trained:
    """One run after training: the numbers of its epochs, its curves, how it ended."""

    epochs: list[int]
    curves: dict[str, np.ndarray]
    finished: Finished

    @property
    def params(self):
        return self.finished.params

    @property
    def ending(self):
        return self.finished.ending


def trained(*members):
    """Train runs together and return each, in the order given."""
    order = arrange(members)
    measured, finished = [[] for _ in members], [None] * len(members)
    for epoch in train(Stack([members[place] for place in order])):
        for place, run in enumerate(epoch.runs):
            values = {name: curve[place] for name, curve in epoch.metrics.items()}
            measured[order[run]].append((epoch.number, values))
        for one in epoch.finished:
            finished[order[one.run]] = one
    return [_collected(*pair) for pair in zip(measured, finished, strict=True)]


def _collected(measured, finished):
    names = measured[0][1] if measured else ()
    curves = {name: np.array([values[name] for _, values in measured]) for name in names}
    return Trained([number for number, _ in measured], curves, finished)


def sums(raw, encoded, link_name, target):
    """Return the sums over the samples of what the panel of metrics is made of, `(3, n_runs)`."""
    return np.stack([metrics.total(values) for values in metrics.per_example(raw, encoded, link_name, target)])
