"""The verdict on one run: a list of decisions, of which the first that applies is taken."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from lossexp.verdict import wording
from lossexp.verdict.evidence import Evidence
from lossexp.verdict.maximum_test import NORMAL
from lossexp.verdict.measuring import Measured, Settings, is_finite
from lossexp.verdict.rising import Rise, rise
from lossexp.verdict.verdict import Verdict
from lossexp.verdict.wording import Finding

CLIMBED = 0.1
"""A training loss that ends this part of the headroom above its start has diverged, though it is finite."""
NO_SKILL = 0.05
"""Less than this part of the headroom of the training split is next to nothing."""
STUCK = 0.001
"""A training loss that falls by less than this part of the headroom does not move."""
RESOLUTION = 0.05
"""Where a rise by this part of the headroom would go unseen, no rise seen means nothing."""
LARGE_GAP = 0.1
"""A gap is called large where it is surely above this part of the headroom."""
LOW_TRAIN_SKILL = 0.5
"""A model that learns less of its training split underfits, or the target is noisy."""


def judge(
    evidence: Evidence, *, alpha: float = 0.05, margin: float = 0.01, n_draws: int = 1000, seed: int = 0
) -> Verdict:
    """Return the verdict on one run.

    A run that is not worse at its end than at any other epoch, by more than the margin, is said to overfit with a
    probability of at most alpha, if its validation examples are independent (or their groups are known) and neither
    training nor the choice of the last epoch has looked at them. Where early stopping has, the rise must be larger than
    any between two epochs is by chance. That is more than enough where the loss has fallen first; where it is flat from
    the start, a rule that stops at the first rise comes to 1 to 2 alpha. It is a verdict on this model; other seeds
    may fare otherwise.

    Args:
        evidence: What was measured of the run.
        alpha: Probability of a false "overfit", and of each other false claim.
        margin: A rise of the validation loss up to this part of the headroom is none.
        n_draws: Draws of the test, at most.
        seed: Seed of the draws: the same evidence has the same verdict.
    """
    if not _is_sound(evidence):
        return Verdict("diverged", wording.diverged(evidence).sentence, kept_epoch=evidence.final_epoch)
    measured = Measured(evidence, Settings(alpha, margin, n_draws, seed))
    risen = rise(measured)
    return _verdict(_finding(measured, risen), measured, risen)


def _is_sound(evidence: Evidence) -> bool:
    """Tell whether the run has a final model with finite losses."""
    return evidence.ending != "diverged" and bool(is_finite(evidence)[evidence.epochs == evidence.final_epoch].all())


def _finding(measured: Measured, risen: Rise) -> Finding:
    alpha = measured.settings.alpha
    better_than_constant = measured.better_than_constant.p <= alpha
    if _climb(measured) > CLIMBED:
        return wording.climbed(_climb(measured))
    if not measured.is_enough:
        return wording.too_few(measured)
    if not better_than_constant and measured.best_train_skill < NO_SKILL:
        return wording.no_skill(measured, _fall_at_the_end(measured), STUCK)
    if risen.p <= alpha:
        # Overfitting is a validation loss that rises while that of training does not; both rising is something else.
        both_rise = _train_rise(measured) > measured.settings.margin
        return wording.unstable(measured, risen) if both_rise else wording.overfit(measured, risen)
    window = measured.back(max(5, math.ceil(measured.epochs[-1] / 10)))
    if _still_falls(measured, window):
        return wording.not_converged(measured, window)
    if not better_than_constant:
        return _without_skill(measured)
    if risen.detectable > RESOLUTION * measured.headroom:
        return wording.inconclusive(measured, risen, RESOLUTION)
    return wording.good_fit(measured, risen, _remarks(measured))


def _climb(measured: Measured) -> float:
    """Return by how much the training loss ended above its start, as a part of the headroom."""
    return float(measured.train[-1] - measured.train[0]) / measured.train_headroom


def _fall_at_the_end(measured: Measured) -> float:
    """Return by how much the training loss has fallen over the last epochs, as a part of the headroom."""
    window = measured.back(max(10, measured.epochs[-1] / 4))
    return float(measured.train[window] - measured.train[-1]) / measured.train_headroom


def _train_rise(measured: Measured) -> float:
    """Return by how much the training loss has risen since the best epoch, as a part of the headroom."""
    return float(measured.train[-1] - measured.train[measured.best]) / measured.train_headroom


def _still_falls(measured: Measured, window: int) -> bool:
    """Tell whether the loss has surely fallen since the epoch at `window`, and by half a margin at least."""
    if measured.evidence.final_epoch != measured.evidence.epochs[-1]:
        return False  # it was trained further, and was not better then
    fall = measured.contrasts(measured.losses[window] - measured.losses[-1])
    return fall.p <= measured.settings.alpha and bool(fall.mean[0] >= measured.margin / 2)


def _without_skill(measured: Measured) -> Finding:
    """Return what to say of a model that has learnt its training split, and is not shown to be of use beyond it."""
    _, most = measured.better_than_constant.bounds(1 - 2 * measured.settings.alpha)
    if most[0] >= NO_SKILL * measured.headroom:
        return wording.unknown_skill(measured)
    fewer_errors = measured.contrasts(measured.evidence.constant_errors - measured.errors[-1])
    if fewer_errors.p <= measured.settings.alpha:
        return wording.overconfident(measured)
    return wording.memorized(measured)


def _remarks(measured: Measured) -> list[Finding]:
    """Return what else there is to say of a good fit."""
    found = []
    if measured.gap.bounds(0.95)[0][0] > LARGE_GAP * measured.headroom:
        found.append(wording.large_gap())
    if (bump := _bump(measured)) is not None:
        found.append(wording.bump(*bump))
    if measured.train_skill < LOW_TRAIN_SKILL:
        found.append(wording.low_train_skill(measured.train_skill))
    return found


def _bump(measured: Measured) -> tuple[int, int] | None:
    """Return the first and the last epoch that are surely worse than an earlier one and than the final model.

    The tell-tale of a double descent. The initial model is not one to fall back from.
    """
    losses, mean, margin = measured.losses, measured.mean, measured.margin
    after_start = np.where(measured.epochs > 0, mean, np.inf)
    least_so_far = np.minimum.accumulate(after_start)
    seems = np.flatnonzero((mean > least_so_far + margin) & (mean > mean[-1] + margin))
    seems = seems[(seems < len(mean) - 1) & (measured.epochs[seems] > 0)]
    if not len(seems):
        return None
    earlier = [int(after_start[:place].argmin()) for place in seems]
    # As many comparisons as there are epochs, by Bonferroni.
    critical = NORMAL.inv_cdf(1 - measured.settings.alpha / len(mean))
    than_earlier, than_final = (
        measured.contrasts(losses[seems] - losses[others] - margin).z > critical
        for others in (earlier, [-1] * len(seems))
    )
    worse = measured.epochs[seems[than_earlier & than_final]]
    return (int(worse[0]), int(worse[-1])) if len(worse) else None


def _verdict(finding: Finding, measured: Measured, risen: Rise) -> Verdict:
    candidates = measured.epochs[risen.may_be_best]
    gap = measured.gap
    low, high = gap.bounds(0.95)
    return Verdict(
        name=finding.name,
        sentence=finding.sentence,
        p=risen.p,
        p_error=risen.p_error,
        best_epoch=int(measured.epochs[measured.best]),
        best_set=(int(candidates[0]), int(candidates[-1])),
        kept_epoch=measured.evidence.final_epoch,
        rise=float(measured.mean[-1] - measured.mean[measured.best]),
        gap=float(gap.mean[0]),
        gap_interval=(float(low[0]), float(high[0])),
        detectable_rise=risen.detectable,
        headroom=measured.headroom,
        train_skill=measured.train_skill,
        val_skill=measured.val_skill,
        notes=finding.notes,
    )


def against(
    verdict: Verdict,
    evidence: Evidence,
    name: str,
    reference: Evidence,
    *,
    n_runs: int = 2,
    alpha: float = 0.05,
    margin: float = 0.01,
) -> Verdict:
    """Return "underfit" in place of a good or inconclusive verdict, if another run shows that more can be learnt.

    The other one must be better than the margin on the same validation examples, in task error, whatever the losses,
    and have learnt more of the training split. One curve alone never shows it. Of many runs that are equally good the
    luckiest is better than most by chance: as many p-values are allowed for as there are ordered pairs (Bonferroni).

    Args:
        verdict: What `judge` says of the run.
        evidence: The run.
        name: What the other run is called.
        reference: The other run, on the same split.
        n_runs: Number of runs on that split, of which the other one was chosen for its validation error.
        alpha: Probability of a false claim about any of them.
        margin: Part of the task error of the best constant prediction that is no difference.

    Raises:
        ValueError: The runs have different validation examples.
    """
    sizes = len(evidence.losses), len(reference.losses)
    if sizes[0] != sizes[1]:
        raise ValueError(f"Runs with {sizes[0]} and {sizes[1]} validation examples: expected the same ones.")
    if verdict.name not in ("good fit", "inconclusive") or not math.isfinite(verdict.p) or not _is_sound(reference):
        return verdict
    settings = Settings(alpha, margin, n_draws=0, seed=0)
    measured, other = Measured(evidence, settings), Measured(reference, settings)
    excess = measured.errors[-1] - other.errors[-1]
    p = min(n_runs * (n_runs - 1) * measured.contrasts(excess - measured.error_margin).p, 1.0)
    if p > alpha or other.train_skill <= measured.train_skill:
        return verdict
    finding = wording.underfit(measured, other, name, p, n_runs)
    return dataclasses.replace(verdict, name=finding.name, sentence=finding.sentence, notes=finding.notes)
