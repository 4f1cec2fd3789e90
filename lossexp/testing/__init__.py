"""The contracts of losses, optimizers, schedules and models as tests: of ours, and of yours.

    from lossexp.testing import check_loss
    check_loss(Cauchy(scale=2))  # AssertionError: which law does not hold, where, and by how much

`python -m lossexp.testing my_losses.Cauchy scale=2` prints what holds and what does not.
"""

from lossexp.testing.checks import Check
from lossexp.testing.losses import check_loss, loss_checks
from lossexp.testing.models import check_model, model_checks
from lossexp.testing.optimizers import check_optimizer, optimizer_checks
from lossexp.testing.schedules import check_schedule, schedule_checks

__all__ = [
    "Check",
    "check_loss",
    "check_model",
    "check_optimizer",
    "check_schedule",
    "loss_checks",
    "model_checks",
    "optimizer_checks",
    "schedule_checks",
]
