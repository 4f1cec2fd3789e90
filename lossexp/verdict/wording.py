"""What a verdict says: its name, and a sentence or two of what was seen, how sure it is, and what to try."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lossexp.comparison.wording import probability
from lossexp.verdict.evidence import Evidence
from lossexp.verdict.measuring import FEW, Measured
from lossexp.verdict.rising import Rise
from lossexp.verdict.verdict import Verdict


@dataclass(frozen=True)
class Finding:
    """A verdict, or a remark on one, in words; `notes` are the names of the remarks that its sentence contains."""

    name: str
    sentence: str
    notes: tuple[str, ...] = ()


def diverged(evidence: Evidence) -> Finding:
    """Say that training left the finite numbers."""
    return Finding(
        "diverged", f"Diverged after epoch {evidence.epochs[-1]}. Try a smaller optimizer.lr, or standardized features."
    )


def climbed(part: float) -> Finding:
    """Say that the training loss ended above its start."""
    return Finding(
        "diverged",
        f"Diverged: the training loss ended {percent(part)} of headroom above its start. Try a smaller optimizer.lr.",
    )


def too_few(measured: Measured) -> Finding:
    """Say that there are too few examples for any test."""
    return Finding(
        "inconclusive",
        f"Inconclusive: {measured.units_in_words}, too few to say anything; it takes {FEW}, and hundreds to see a "
        "small rise. Try a larger dataset.val_fraction or more data.",
    )


def no_skill(measured: Measured, fall: float, stuck: float) -> Finding:
    """Say that next to nothing was learnt, and what the training loss does at the end: `fall`, none up to `stuck`."""
    seen = f"the predictions are not better than a constant (p {probability(measured.better_than_constant.p)})"
    if not measured.epochs[-1]:
        return Finding("no skill", f"No skill: {seen}, and nothing was trained. Try more epochs (training.epochs).")
    if not measured.has_moved:
        return Finding(
            "no skill",
            f"No skill: {seen}, and training has changed no loss at all. Try an optimizer.lr above 0 if it is not; "
            "else a smaller initial scale (model.scale), or a loss that does not go flat where the model is far off.",
            ("stuck",),
        )
    if fall > stuck:
        return Finding(
            "no skill",
            f"No skill yet: {seen}, but the training loss still falls. Try more epochs or a larger optimizer.lr; or "
            "the features say nothing about the target.",
        )
    if fall < -stuck:
        return Finding("no skill", f"No skill: {seen}, and the training loss rises. Try a smaller optimizer.lr.")
    return Finding(
        "no skill",
        f"No skill: {seen}, and the training loss no longer moves. Try a smaller initial scale (model.scale), another "
        "optimizer.lr, or a loss that does not go flat where the model is far off.",
        ("stuck",),
    )


def overfit(measured: Measured, risen: Rise) -> Finding:
    """Say that the loss has risen while that of training fell, and whether the predictions are worse too."""
    is_error = risen.p_error <= measured.settings.alpha
    start, predictions = (
        ("Overfit", f"and its predictions are worse too (p {probability(risen.p_error)})")
        if is_error
        else ("Overfit in confidence", f"though its predictions are not shown to be (p {probability(risen.p_error)})")
    )
    best = int(measured.epochs[measured.best])
    stop = f"early stopping at about epoch {best}, a" if best else "a"
    return Finding(
        "overfit (error)" if is_error else "overfit (confidence)",
        f"{start}: the final model is worse than that of epoch {best} {_best_set(measured, risen)} by "
        f"{_rise(measured)} (p {probability(risen.p)}), {predictions}. "
        f"Try {stop} weight penalty (optimizer.weight_decay) or more data.",
    )


def unstable(measured: Measured, risen: Rise) -> Finding:
    """Say that both losses have risen."""
    return Finding(
        "unstable",
        f"Unstable: validation loss is above that of epoch {measured.epochs[measured.best]} "
        f"{_best_set(measured, risen)} by {_rise(measured)} (p {probability(risen.p)}), but so is the training loss: "
        "this is not overfitting, the steps are too large. Try a smaller optimizer.lr or schedule=cosine.",
    )


def not_converged(measured: Measured, window: int) -> Finding:
    """Say that the loss still falls."""
    fall = float(measured.mean[window] - measured.mean[-1]) / measured.headroom
    n_epochs = int(measured.epochs[-1] - measured.epochs[window])
    over = "the last epoch" if n_epochs == 1 else f"the last {n_epochs} epochs"
    return Finding(
        "not converged",
        f"Not converged: validation loss still falls, by {percent(fall)} of headroom over {over}. "
        "Try more epochs (training.epochs) or a larger optimizer.lr.",
    )


def unknown_skill(measured: Measured) -> Finding:
    """Say that it is not known whether what was learnt is of use on other examples."""
    return Finding(
        "inconclusive",
        f"Inconclusive: {_learnt(measured)}, but the loss of validation examples is not shown to be less than that of "
        f"a constant prediction (p {probability(measured.better_than_constant.p)}). Try more validation examples.",
    )


def overconfident(measured: Measured) -> Finding:
    """Say that the predictions are good and the loss is not."""
    return Finding(
        "overconfident",
        f"Overconfident: {_learnt(measured)} and validation examples are predicted better than by a constant, but "
        "their loss is no less: where the model is wrong, it is far too sure. Try a weight penalty "
        "(optimizer.weight_decay), a smaller optimizer.lr or fewer epochs.",
    )


def memorized(measured: Measured) -> Finding:
    """Say that what was learnt is of no use on other examples."""
    return Finding(
        "no skill",
        f"No skill: {_learnt(measured)}, but nothing of it holds for validation examples. Try more data, a smaller "
        "model or a weight penalty (optimizer.weight_decay); or the features say nothing about the target.",
        ("memorized",),
    )


def _learnt(measured: Measured) -> str:
    return f"{percent(measured.train_skill)} of headroom were learnt on the training split"


def inconclusive(measured: Measured, risen: Rise, resolution: float) -> Finding:
    """Say that a rise would have gone unseen, and how many examples would show it."""
    detectable = risen.detectable / measured.headroom
    needed = measured.n_units * (detectable / resolution) ** 2
    digits = 1 - math.floor(math.log10(needed))
    return Finding(
        "inconclusive",
        f"Inconclusive: with {measured.units_in_words} only a rise above {percent(detectable)} of headroom can be "
        f"seen. About {round(needed, digits):.0f} would show one of {percent(resolution)}.",
    )


def good_fit(measured: Measured, risen: Rise, remarks: Sequence[Finding]) -> Finding:
    """Say that nothing is wrong, with the gap and what else there is to say."""
    half = float(np.diff(measured.gap.bounds(0.95), axis=0)[0, 0]) / 2 / measured.headroom
    detectable = f"one by {percent(risen.detectable / measured.headroom)} would have been"
    seen = (
        f"Good fit: {percent(measured.val_skill)} of headroom learnt, no rise of the validation loss to be seen "
        f"(p {probability(risen.p)}; {detectable if risen.detectable else 'no earlier epoch is as good'}), "
        f"gap to training {percent(float(measured.gap.mean[0]) / measured.headroom)} ± {percent(half)}."
    )
    return Finding(
        "good fit",
        " ".join([seen, *(remark.sentence for remark in remarks)]),
        tuple(remark.name for remark in remarks),
    )


def large_gap() -> Finding:
    """Remark that training examples are fitted much better than others."""
    return Finding("large gap", "That is a large gap: more data or a weight penalty (optimizer.weight_decay) may help.")


def bump(first: int, last: int) -> Finding:
    """Remark that the loss was higher in between."""
    at = f"epoch {first}" if first == last else f"epochs {first}-{last}"
    return Finding(f"bump at {at}", f"Validation loss had a bump at {at}: stopping at the first rise would cost.")


def low_train_skill(skill: float) -> Finding:
    """Remark that a high training loss has two possible causes."""
    return Finding(
        "high training loss",
        f"Only {percent(skill)} of headroom are learnt in training: underfit or irreducible noise, which one curve "
        "cannot tell apart. Compare with a larger model.",
    )


def underfit(measured: Measured, other: Measured, name: str, p: float, n_runs: int) -> Finding:
    """Say that another run shows that more can be learnt; `p` is corrected for the number of runs."""
    among = f" among {n_runs} runs" if n_runs > 2 else ""
    more = float(np.mean(measured.errors[-1] - other.errors[-1]))
    of_constant = more / float(np.mean(measured.evidence.constant_errors))
    return Finding(
        "underfit",
        f"Underfit: {name} has a task error that is lower by {percent(of_constant)} of a constant's on the same "
        f"validation examples (p {probability(p)}{among}), and learns {percent(other.train_skill)} of headroom in "
        f"training instead of {percent(measured.train_skill)}. Try a larger model, more epochs or a smaller weight "
        "penalty.",
    )


def not_after_holm(verdict: Verdict, p: float, n_runs: int) -> Finding:
    """Say that a rise is not more than is to be expected among so many runs."""
    return Finding(
        "inconclusive",
        f"Inconclusive: validation loss is {percent(verdict.rise_of_headroom)} of headroom above that of epoch "
        f"{verdict.best_epoch}, which would be significant for one run (p {probability(verdict.p)}) but is not for one "
        f"of {n_runs} (p {probability(p)} after Holm).",
    )


def percent(part: float) -> str:
    """Return a part of 1 in percent, with a digit after the point below 10."""
    number = 100 * part
    return f"{number:.0f} %" if abs(number) >= 9.95 else f"{number:.1f} %"


def _rise(measured: Measured) -> str:
    rise = float(measured.mean[-1] - measured.mean[measured.best])
    return f"{percent(rise / measured.headroom)} of headroom"


def _best_set(measured: Measured, risen: Rise) -> str:
    candidates = measured.epochs[risen.may_be_best]
    return f"(95 % set {candidates[0]}-{candidates[-1]})"
