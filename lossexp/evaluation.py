"""Measuring a stack: loss and metrics of every run on a split, at the weights it has now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lossexp import metrics
from lossexp.components import Array
from lossexp.models import Params, Size
from lossexp.stacking import Stack, StackedSplit
from lossexp.targets import Task

CACHE_BYTES = 2**20
"""Size of the raw predictions and activations of a block of samples: passes over them should stay in a cache."""


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
        self.block = int(np.clip(CACHE_BYTES // bytes_per_sample, 16, max(split.n_samples, 1)))
        self._workspaces: dict[int, Any] = {}
        self._spread = np.empty((stack.n_outputs, stack.n_runs, self.block), dtype=stack.dtype)

    def _workspace(self, n_samples: int) -> Any:
        if n_samples not in self._workspaces:
            stack = self.stack
            size = Size(stack.n_features, stack.n_outputs, stack.n_runs, n_samples, stack.dtype)
            self._workspaces[n_samples] = stack.model.workspace(size)
        return self._workspaces[n_samples]

    def blocks(self, params: Params) -> Iterator[tuple[Array, Array]]:
        """Yield raw predictions and targets of each block, `(n_outputs, n_runs or 1, n_samples)`; to be consumed."""
        stack, split = self.stack, self.split
        for start in range(0, split.n_samples, self.block):
            samples = slice(start, start + self.block)
            X = split.X[:, samples]
            n_samples = X.shape[1]
            raw = stack.model.forward(params, X, stack.sharing, self._workspace(n_samples))
            yield raw, stack.sharing.spread(split.encoded[:, :, samples], self._spread[:, :, :n_samples])

    def measure(self, params: Params) -> dict[str, Array]:
        """Return the mean loss and the panel of metrics, each `(n_runs,)`, keys with the prefix."""
        stack = self.stack
        loss = np.zeros(stack.n_runs)
        total = np.zeros((3, stack.n_runs))
        for raw, encoded in self.blocks(params):
            for part in stack.losses:
                part_raw = np.ascontiguousarray(raw[:, part.runs])
                part_encoded = encoded if encoded.shape[1] == 1 else encoded[:, part.runs]
                if part.component.as_metric(stack.target) is None:
                    value = part.component.value(part_raw, part_encoded)
                    loss[part.runs] += np.add.reduce(value, axis=-1, dtype=np.float64)
                link_name = part.component.link_name(stack.target)
                predicting = part.component.predicting(part_raw)
                part_encoded = part_encoded[: len(predicting)]
                total[:, part.runs] += metrics.sums(predicting, part_encoded, link_name, stack.target)
        panel = metrics.panel(total, self.split.n_samples, stack.target, self.variance)
        loss /= self.split.n_samples
        for part in stack.losses:
            if (same := part.component.as_metric(stack.target)) is not None:
                loss[part.runs] = panel[same][part.runs]
        values = {"loss": loss, **panel}
        return {f"{self.name}/{key}": value for key, value in values.items()}

    def measure_ranking(self, params: Params) -> dict[str, Array]:
        """Return the area under the ROC curve of each run, for two classes only."""
        if self.stack.target.task is not Task.BINARY or not self.split.n_samples:
            return {}
        scores, positives = [], []
        for raw, encoded in self.blocks(params):
            scores.append(raw[-1] - raw[0] if len(raw) == 2 else raw[0].copy())
            positives.append(np.broadcast_to(encoded[-1] == 1, scores[-1].shape).copy())
        score, positive = np.concatenate(scores, axis=1), np.concatenate(positives, axis=1)
        auc = np.array([metrics.roc_auc(s, p) for s, p in zip(score, positive, strict=True)])
        return {f"{self.name}/auc": auc}
