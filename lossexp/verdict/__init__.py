"""The verdict on a run: does it overfit, has it learnt, is it done? With a stated rate of false alarms."""

from lossexp.verdict.evidence import Evidence, checkpoint_epochs
from lossexp.verdict.judging import against, judge
from lossexp.verdict.several import Seeds, after_holm, over_seeds
from lossexp.verdict.verdict import Verdict

__all__ = ["Evidence", "Seeds", "Verdict", "after_holm", "against", "checkpoint_epochs", "judge", "over_seeds"]
