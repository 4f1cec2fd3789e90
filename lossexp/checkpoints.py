"""What a verdict is based on, kept while a stack is trained: losses and errors of single validation examples."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, Literal

import numpy as np

from lossexp import metrics
from lossexp.components import Array
from lossexp.stacking import Member, Stack
from lossexp.targets import encode
from lossexp.verdict import Evidence, checkpoint_epochs

MAX_TARGETS = 100_000
"""The best constant prediction is found on so many training targets at most."""

Ending = Literal["completed", "stopped early", "diverged"]

MAX_EXAMPLES = 10_000
"""So many validation examples are kept at most, spread evenly over the split."""


class Checkpoints:
    """Keeps the loss and the error of validation examples of all runs of a stack at some of the epochs.

    Besides the epochs on the schedule there are two places more: the latest epoch, with which a run may end at any
    time, and the epoch whose weights a run with `restore_best` would end with.

    Args:
        stack: The runs as training starts with them; runs are told by their index in it, also when others have left.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.scheduled: list[int] = checkpoint_epochs(stack.training.epochs).tolist()
        self.examples = _spread(stack.val.n_samples, MAX_EXAMPLES)
        self._latest, self._best, n_places = range(len(self.scheduled), len(self.scheduled) + 3)
        self._losses = np.empty((n_places, stack.n_runs, len(self.examples)), dtype=np.float32)
        self._errors = np.empty_like(self._losses)
        self._train_losses = np.empty((n_places, stack.n_runs))
        self._place, self._runs = 0, np.arange(stack.n_runs)
        self._constants: dict[Any, tuple[Array, Array, float]] = {}

    def begin(self, epoch: int, runs: Array) -> None:
        """Say what `take` is going to be given: an epoch of some of the runs, `(n_measured,)`."""
        self._place = self.scheduled.index(epoch) if epoch in self.scheduled else self._latest
        self._runs = runs

    def take(self, runs: slice, samples: slice, loss: Array, error: Array, weight: Array | None) -> None:
        """Take in `(n_runs, n)` of each for a slice of the measured runs and of the samples."""
        first, last = np.searchsorted(self.examples, (samples.start, samples.stop))
        inside = self.examples[first:last] - samples.start
        for kept, values in ((self._losses, loss), (self._errors, error)):
            # Times the weights, whose mean is 1: a mean over the examples is then the weighted one.
            weighted = values if weight is None else values * weight
            kept[self._place, self._runs[runs], first:last] = weighted[:, inside]

    def take_train_loss(self, loss: Array) -> None:
        """Take in the mean training loss of the measured runs, `(n_measured,)`."""
        self._train_losses[self._place, self._runs] = loss

    def note_best(self, run: int) -> None:
        """Keep the present epoch of a run as the one whose weights it may end with."""
        for kept in (self._losses, self._errors, self._train_losses):
            kept[self._best, run] = kept[self._place, run]

    def evidence(self, run: int, last: int, kept: int, ending: Ending) -> Evidence | None:
        """Return what is known of a run that ends after epoch `last` with the weights of epoch `kept`.

        None where there is no validation split, or not one epoch was measured. Of a run that diverged it is what the
        schedule has: the latest place holds an epoch that is not finite.
        """
        n_scheduled = bisect_right(self.scheduled, last)
        if not len(self.examples) or not n_scheduled:
            return None
        places = dict(zip(self.scheduled[:n_scheduled], range(n_scheduled), strict=True))
        if ending != "diverged":
            places.setdefault(last, self._latest)
            places.setdefault(kept, self._best)
        epochs = sorted(places)
        order = [places[epoch] for epoch in epochs]
        member = self.stack.members[run]
        constant_losses, constant_errors, constant_train_loss = self._constant(member)
        rule, groups = member.experiment.early_stopping, member.data.val.groups
        return Evidence(
            epochs=np.array(epochs),
            losses=np.ascontiguousarray(self._losses[order, run].T),
            errors=np.ascontiguousarray(self._errors[order, run].T),
            train_losses=self._train_losses[order, run],
            constant_losses=constant_losses,
            constant_errors=constant_errors,
            constant_train_loss=constant_train_loss,
            infimum=member.loss.infimum(self.stack.target),
            ending=ending,
            selected_on_validation=rule.selects_on_validation,
            kept_epoch=kept if kept in places else None,
            groups=None if groups is None else groups[self.examples],
        )

    def _constant(self, member: Member) -> tuple[Array, Array, float]:
        """Return the validation losses and errors, and the training loss, of the best constant prediction."""
        key = member.loss, member.stream[0]
        if key not in self._constants:
            from lossexp.constant import best_constant

            target, loss, n_outputs = self.stack.target, member.loss, self.stack.n_outputs
            train_y, val_y = member.data.train.y, member.data.val.y
            some = _spread(len(train_y), MAX_TARGETS)
            train, val = (
                encode(y, target, n_outputs, np.float64)[:, None] for y in (train_y[some], val_y[self.examples])
            )
            weight = None if member.data.train.weight is None else member.data.train.weight[some]
            raw = best_constant(loss, train, weight)[:, None, None]
            losses, train_losses = (loss.value(np.broadcast_to(raw, y.shape).copy(), y)[0] for y in (val, train))
            predicting = loss.predicting(np.broadcast_to(raw, val.shape).copy())
            read = metrics.per_example(predicting, val[: len(predicting)], loss.link_name(target), target)
            errors = metrics.task_error(read, target)[0]
            if (of_val := member.data.val.weight) is not None:
                factor = of_val[self.examples] / np.mean(of_val)
                losses, errors = losses * factor, errors * factor
            self._constants[key] = losses, errors, float(np.average(train_losses, weights=weight))
        return self._constants[key]


def _spread(n: int, at_most: int) -> Array:
    """Return places in a split of `n` examples, spread evenly: all where they are few."""
    return np.arange(n) if n <= at_most else np.arange(at_most) * n // at_most
