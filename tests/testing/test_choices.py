"""Every choice of every group that has a contract keeps it, as its YAML has it and with other settings too."""

import pytest
from omegaconf import OmegaConf

from lossexp import CONFIG_DIR, building
from lossexp.components import Component
from lossexp.losses import MSE
from lossexp.optimizers import SGD, Adam, AdamW, Nadam, Rprop
from lossexp.schedules import Cosine, Exponential, Step
from lossexp.testing.__main__ import checks_of

from ..losses.references import ROWS

GROUPS = ("loss", "optimizer", "schedule", "model")


def choices():
    """Yield (name, component) of every YAML whose settings have values."""
    for group in GROUPS:
        for path in sorted((CONFIG_DIR / group).glob("*.yaml")):
            values = OmegaConf.to_container(OmegaConf.load(path))
            if "???" not in values.values():
                yield f"{group}={path.stem}", building.component(group, values, Component)


OTHERS = [
    *(loss for loss, _, _ in ROWS),
    MSE(link="identity"),
    MSE(link="softmax"),
    MSE(link="logistic"),
    SGD(momentum=0.9, nesterov=True),
    Adam(beta1=0.0, weight_decay=0.1),
    AdamW(weight_decay=0.0),
    Nadam(momentum_decay=0.0),
    Rprop(weight_decay=0.1, increase=1.0),
    Step(warmup=2.5, every=0.5),
    Cosine(final=0.1, warmup=100),
    Exponential(gamma=0.0),
]
ALL = [
    pytest.param(check, id=f"{name} {check.law.__name__} {check.context}".strip())
    for name, component in [*choices(), *((str(component), component) for component in dict.fromkeys(OTHERS))]
    for check in checks_of(component)
]


@pytest.mark.parametrize("check", ALL)
def test_law(check):
    check.run()


def test_every_group_with_a_contract_is_here():
    names = [name for name, _ in choices()]
    assert {name.partition("=")[0] for name in names} == set(GROUPS)
    assert len(names) >= 40
