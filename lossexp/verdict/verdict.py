"""The verdict on one run, as numbers and in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

OVERFIT = ("overfit (confidence)", "overfit (error)")


@dataclass(frozen=True)
class Verdict:
    """What can be said of one run, and how sure it is. Not a number where a quantity could not be measured.

    Losses are those of the validation split unless it says otherwise. The headroom is the loss of the best constant
    prediction less the least that is possible: what there is to learn. A skill is the part of it that was learnt.

    Attributes:
        name: "diverged", "no skill", "overfit (confidence)", "overfit (error)", "unstable", "not converged",
            "overconfident", "underfit", "good fit" or "inconclusive".
        sentence: What was seen, how sure it is, and what to try.
        p: Probability of such a rise of the loss, or a larger one, if the final model is at most the margin worse than
            every earlier one.
        p_error: The same of the task error.
        p_holm: `p`, corrected for the number of runs of a sweep.
        best_epoch: Where the loss was least.
        best_set: First and last epoch of the 95 % confidence set of the best epoch.
        kept_epoch: The epoch whose weights the run ends with: the final model.
        rise: Loss of the final model less that of the best epoch.
        gap: Loss of the final model less its training loss.
        gap_interval: 95 % confidence interval of the gap.
        detectable_rise: The smallest rise that these examples show in 4 of 5 cases.
        headroom: The unit of what is told in percent.
        train_skill: Skill of the final model on the training split.
        val_skill: The same on the validation split.
        notes: Remarks that change nothing in the name, such as "large gap".
    """

    name: str
    sentence: str
    p: float = math.nan
    p_error: float = math.nan
    p_holm: float = math.nan
    best_epoch: int = 0
    best_set: tuple[int, int] = (0, 0)
    kept_epoch: int = 0
    rise: float = math.nan
    gap: float = math.nan
    gap_interval: tuple[float, float] = (math.nan, math.nan)
    detectable_rise: float = math.nan
    headroom: float = math.nan
    train_skill: float = math.nan
    val_skill: float = math.nan
    notes: tuple[str, ...] = ()

    @property
    def is_overfit(self) -> bool:
        """Tell whether the run is said to overfit."""
        return self.name in OVERFIT

    @property
    def is_rise(self) -> bool:
        """Tell whether the verdict rests on a rise of the validation loss."""
        return self.is_overfit or self.name == "unstable"

    @property
    def rise_of_headroom(self) -> float:
        """The rise as a fraction of the headroom."""
        return self.rise / self.headroom

    def metrics(self) -> dict[str, float]:
        """Return the numbers by the names under which they are tracked; those that were not measured are left out."""
        values = {
            "p": self.p,
            "p_error": self.p_error,
            "p_holm": self.p_holm,
            "best_epoch": self.best_epoch,
            "best_epoch_low": self.best_set[0],
            "best_epoch_high": self.best_set[1],
            "rise_percent_of_headroom": 100 * self.rise_of_headroom,
            "gap_percent_of_headroom": 100 * self.gap / self.headroom,
            "detectable_rise_percent_of_headroom": 100 * self.detectable_rise / self.headroom,
            "train_skill": self.train_skill,
            "val_skill": self.val_skill,
        }
        return {f"verdict/{name}": float(value) for name, value in values.items() if math.isfinite(value)}
