"""The best constant prediction: what is predicted when nothing is known of an example."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossexp.components import Array
from lossexp.losses import Loss

MAX_TARGETS = 500
"""More distinct targets than this are merged with their neighbours, into the means of so many groups."""
MAX_MOVES = 100
STEPS = 16.0 ** -np.arange(5)
"""Steps along an axis, relative to the spread of the targets."""
DAMPINGS = np.geomspace(1e-12, 1e4, 9)
"""What is added to the curvature for a step, relative to the largest one: from Newton's to a short one downhill."""
FARTHEST = 100.0
"""So far from 0 scores are sought: the least loss may be at infinity, as that of one class is."""


@np.errstate(all="ignore")
def best_constant(loss: Loss, encoded: Array, weight: Array | None = None) -> Array:
    """Return the raw prediction of least mean loss, `(n_outputs,)` in float64; always finite.

    The best of some guesses is improved, as long as any helps, by Newton steps with several dampings and by steps along
    the axes, which lead into a kink as well. All that are tried at a time are computed as the runs of a stack.

    Source: Levenberg (1944) the damping; Dauphin et al. (2014) absolute curvatures, which leave saddles; Hooke and
        Jeeves (1961) the axes.

    Args:
        loss: The loss, settled on its target.
        encoded: Targets `(n_outputs, 1, n_samples)`, as the loss compares with.
        weight: How much each example counts, `(n_samples,)`; None where all count alike.
    """
    problem = _Problem(loss, *_merged(encoded[:, 0], weight))
    along_axes = np.kron(np.eye(len(encoded)), problem.spread * np.concatenate([STEPS, -STEPS]))
    tried, best, least = problem.clipped(problem.guesses()), encoded[:, 0, :1], np.inf
    for _ in range(MAX_MOVES):
        means = problem.mean(tried)
        place = means.argmin()
        # Less than that is rounding.
        if means[place] >= least - 1e-10 * abs(least):
            break
        best, least = tried[:, [place]], means[place]
        tried = problem.clipped(best + np.hstack([problem.newton_steps(best), along_axes]))
    return best[:, 0]


def _merged(targets: Array, weight: Array | None) -> tuple[Array, Array]:
    """Return distinct targets `(n_outputs, 1, n_distinct)`, or means of neighbours, and their shares."""
    # A random projection tells columns apart by one number, and keeps the order of real numbers.
    projected = np.random.default_rng(0).random(len(targets)) @ targets
    values = np.unique(projected)
    lowest = values[:: -(-len(values) // MAX_TARGETS)]
    group = np.searchsorted(lowest, projected, side="right") - 1
    total = np.bincount(group, weight)
    present = total > 0
    means = [np.bincount(group, row if weight is None else weight * row)[present] / total[present] for row in targets]
    return np.array(means)[:, None], total[present] / total.sum()


@dataclass(frozen=True)
class _Problem:
    """The mean loss as a function of a constant raw prediction.

    Attributes:
        loss: The loss.
        targets: Distinct targets, `(n_outputs, 1, n_distinct)`.
        share: How much of the mean each is, `(n_distinct,)`.
    """

    loss: Loss
    targets: Array
    share: Array

    @property
    def is_labels(self) -> bool:
        """Tell whether the targets are 0 and 1."""
        return bool(np.all((self.targets == 0) | (self.targets == 1)))

    @property
    def spread(self) -> float:
        """The length of a large step."""
        return 1.0 if self.is_labels else float(np.ptp(self.targets)) / 4 or 1.0

    def guesses(self) -> Array:
        """Return predictions that are the best ones for some losses, `(n_outputs, n_guesses)`."""
        y = self.targets[:, 0]
        mean = y @ self.share
        if self.is_labels:
            clipped = np.clip(mean, 1e-9, 1 - 1e-9)
            log_odds = np.log(clipped) - np.log1p(-clipped)
            majority = np.where(mean == mean.max(), 1, -1) if len(mean) > 1 else np.sign(mean - 0.5)
            ones = np.ones_like(mean)
            return np.stack(
                [mean, 2 * mean - 1, log_odds, log_odds / 2, np.log(clipped), majority, ones, -ones], axis=1
            )
        variance = np.square(y - mean[:, None]) @ self.share
        of_real = np.hstack([mean[:, None], np.quantile(y, np.linspace(0, 1, 21), axis=1).T])
        of_positive = np.log(np.maximum(of_real, 1e-9))
        mean_and_log_variance = np.where(np.arange(len(mean)) == 0, mean, np.log(variance))
        return np.hstack([of_real, of_positive, mean_and_log_variance[:, None]])

    def clipped(self, raw: Array) -> Array:
        """Return predictions with scores that are too far from 0 brought back."""
        return np.clip(raw, min(-FARTHEST, self.targets.min()), max(FARTHEST, self.targets.max()))

    def mean(self, raw: Array) -> Array:
        """Return the mean loss of each of the predictions `(n_outputs, n)`, infinite where it is not a number."""
        mean = self.loss.value(self._for_every_target(raw), self.targets) @ self.share
        return np.where(np.isnan(mean), np.inf, mean)

    def newton_steps(self, raw: Array) -> Array:
        """Return a step for each damping, `(n_outputs, n_dampings)`, from a prediction `(n_outputs, 1)`."""
        h = 1e-5 * (1 + np.abs(raw[:, 0]))
        around = self._for_every_target(np.hstack([raw, raw + np.diag(h)]))
        gradient = np.empty_like(around)
        self.loss.gradient(around, self.targets, gradient)
        slopes = gradient @ self.share
        slope = slopes[:, 0]
        curvature = (slopes[:, 1:] - slopes[:, :1]) / h
        if not np.all(np.isfinite(curvature)):
            return np.empty((len(raw), 0))
        along, axes = np.linalg.eigh((curvature + curvature.T) / 2)
        along = np.abs(along)[:, None]
        # Where nothing is curved, slopes give the scale.
        damping = DAMPINGS * max(along.max(), np.abs(slope).max(), np.finfo(float).tiny)
        return -axes @ ((axes.T @ slope)[:, None] / (along + damping))

    def _for_every_target(self, raw: Array) -> Array:
        return np.repeat(raw[:, :, None], len(self.share), axis=2)
