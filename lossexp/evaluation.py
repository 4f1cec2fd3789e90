"""Measuring a stack: loss and metrics of every run on a split, at the weights it has now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from lossexp import metrics
from lossexp.batching import StackedSplit
from lossexp.components import Array
from lossexp.losses import Loss
from lossexp.models import Params, Size
from lossexp.stacking import Part, Stack
from lossexp.targets import Task

CACHE_BYTES = 2**20
"""Size of the raw predictions and activations of a block of samples: passes over them should stay in a cache."""


class PerExample(Protocol):
    """What takes in the loss and the error of each example."""

    def take(self, runs: slice, samples: slice, loss: Array, error: Array, weight: Array | None) -> None:
        """Take in `(n_runs, n)` of each for a slice of the runs and of the samples."""


class Evaluator:
    """Measures the runs of a stack on one split, in blocks of samples.

    Args:
        stack: The runs.
        split: What they are measured on.
        name: Prefix of the metrics, such as `val`.
    """

    def __init__(self, stack: Stack, split: StackedSplit, name: str) -> None:
        self.stack, self.split, self.name = stack, split, name
        self.variance = split.variance[stack.stream_of_run]
        widest = sum(n_units for n_units, _ in stack.model.layer_sizes(stack.n_features, stack.n_outputs))
        bytes_per_sample = stack.n_runs * widest * stack.dtype.itemsize
        self.block = int(np.clip(CACHE_BYTES // bytes_per_sample, min(16, split.at_once), split.at_once))
        self._workspaces: dict[int, Any] = {}
        self._spread = np.empty((stack.n_outputs, stack.n_runs, self.block), dtype=stack.dtype)

    def _workspace(self, n_samples: int) -> Any:
        if n_samples not in self._workspaces:
            stack = self.stack
            size = Size(stack.n_features, stack.n_outputs, stack.n_runs, n_samples, stack.dtype)
            self._workspaces[n_samples] = stack.model.workspace(size)
        return self._workspaces[n_samples]

    def blocks(self, params: Params) -> Iterator[tuple[slice, Array, Array, Array | None]]:
        """Yield samples, raw predictions, targets and weights of each block; to be consumed.

        Predictions and targets are `(n_outputs, n_runs or 1, n)`, weights `(n_runs or 1, n)`, or None.
        """
        stack = self.stack
        for start in range(0, self.split.n_samples, self.block):
            samples = slice(start, min(start + self.block, self.split.n_samples))
            X, encoded, weight = self.split.cut(samples)
            n_samples = X.shape[1]
            raw = stack.model.forward(params, X, stack.sharing, self._workspace(n_samples))
            encoded = stack.sharing.spread(encoded, self._spread[:, :, :n_samples])
            if weight is not None:
                (weight,) = stack.sharing.spread(weight, np.empty_like(raw[:1]))
            yield samples, raw, encoded, weight

    def measure(self, params: Params, keep: PerExample | None = None) -> dict[str, Array]:
        """Return the mean loss and the panel of metrics, each `(n_runs,)`, keys with the prefix.

        Args:
            params: The weights to measure at.
            keep: Where loss and error of each example are written to, if anywhere.
        """
        stack = self.stack
        loss = np.zeros(stack.n_runs)
        mean = np.zeros((3, stack.n_runs))
        for samples, raw, encoded, weight in self.blocks(params):
            for part in stack.losses:
                part_weight = weight if weight is None or len(weight) == 1 else weight[part.runs]
                value, panel_values = self._per_example(part, raw, encoded)
                loss[part.runs] += metrics.total(value, part_weight)
                mean[:, part.runs] += [metrics.total(values, part_weight) for values in panel_values]
                if keep is not None:
                    keep.take(part.runs, samples, value, metrics.task_error(panel_values, stack.target), part_weight)
        mean, loss = mean / self.split.n_samples, loss / self.split.n_samples
        values = {"loss": loss, **metrics.panel(mean, stack.target, self.variance)}
        return {f"{self.name}/{key}": value for key, value in values.items()}

    def _per_example(self, part: Part[Loss], raw: Array, encoded: Array) -> tuple[Array, tuple[Array, ...]]:
        """Return the loss of each example and what the metrics are made of, each `(n_runs of the part, n)`."""
        loss, target = part.component, self.stack.target
        raw = np.ascontiguousarray(raw[:, part.runs])
        encoded = encoded if encoded.shape[1] == 1 else encoded[:, part.runs]
        same = loss.as_metric(target)
        value = loss.value(raw, encoded) if same is None else None
        predicting = loss.predicting(raw)
        panel_values = metrics.per_example(predicting, encoded[: len(predicting)], loss.link_name(target), target)
        if value is None:
            value = panel_values[metrics.names(target).index(str(same))]
        return value, panel_values

    def measure_ranking(self, params: Params) -> dict[str, Array]:
        """Return the area under the ROC curve of each run, for two classes only."""
        if self.stack.target.task is not Task.BINARY or not self.split.n_samples:
            return {}
        scores, positives, weights = [], [], []
        for _, raw, encoded, weight in self.blocks(params):
            scores.append(raw[-1] - raw[0] if len(raw) == 2 else raw[0].copy())
            positives.append(np.broadcast_to(encoded[-1] == 1, scores[-1].shape).copy())
            weights.append(np.ones_like(scores[-1]) if weight is None else np.broadcast_to(weight, scores[-1].shape))
        columns = (np.concatenate(blocks, axis=1) for blocks in (scores, positives, weights))
        auc = np.array([metrics.roc_auc(s, p, w) for s, p, w in zip(*columns, strict=True)])
        return {f"{self.name}/auc": auc}
