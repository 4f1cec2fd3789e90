"""Every loss on every kind of target it accepts keeps the contract. A new loss is one more row."""

import inspect

import pytest

from lossexp import losses
from lossexp.losses import BCE, CCE, MSE

from ..trainings import BINARY, REGRESSION, THREE_CLASSES
from . import contract

INSTANCES = [
    (MSE(), REGRESSION),
    (MSE(), BINARY),
    (MSE(), THREE_CLASSES),
    (MSE(link="identity"), BINARY),
    (MSE(link="identity"), THREE_CLASSES),
    (MSE(link="softmax"), BINARY),
    (MSE(link="logistic"), THREE_CLASSES),
    (BCE(), BINARY),
    (BCE(), THREE_CLASSES),
    (CCE(), BINARY),
    (CCE(), THREE_CLASSES),
]
ESTIMATES_THE_MEAN = (MSE, BCE, CCE)


def _id(value):
    return value.__name__ if inspect.isfunction(value) else str(value).replace(" ", "_")


@pytest.mark.parametrize(("loss", "target"), INSTANCES, ids=_id)
@pytest.mark.parametrize("promise", contract.CONTRACT, ids=_id)
def test_contract(loss, target, promise):
    promise(loss, target)


@pytest.mark.parametrize(
    ("loss", "target"), [row for row in INSTANCES if isinstance(row[0], ESTIMATES_THE_MEAN)], ids=_id
)
def test_the_best_constant_is_the_mean(loss, target):
    contract.best_constant_is_the_mean(loss, target)


def test_every_loss_has_a_row_for_each_task_it_accepts():
    ours = [loss for loss in vars(losses).values() if inspect.isclass(loss) and not inspect.isabstract(loss)]
    assert {(loss, task) for loss in ours for task in loss.accepts} == {
        (type(loss), target.task) for loss, target in INSTANCES
    }
