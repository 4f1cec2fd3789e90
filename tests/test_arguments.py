"""What people type in good faith is read by Hydra; what cannot be meant is refused."""

import pytest

from lossexp.arguments import readable_by_hydra
from lossexp.errors import ConfigError


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("loss=mse", "loss=mse"),
        ("-m loss=mse,bce seed=1", "loss=mse,bce seed=1 -m"),
        ("loss=mse,bce -m seed=1 optimizer.lr=1,2", "loss=mse,bce seed=1 optimizer.lr=1,2 -m"),
        ("seed=1 --config-dir mine loss=own -m ~schedule", "seed=1 loss=own ~schedule --config-dir mine -m"),
        ("seed=1 --cfg job seed=2", "seed=1 seed=2 --cfg job"),
        ("loss=mse --info defaults", "loss=mse --info defaults"),
        ("+experiment=overfit +grid=two +loss=x", "experiment=overfit grid=two +loss=x"),
        ("loss=huber loss.delta=2", "loss=huber ++loss.delta=2"),
        (
            "optimizer=sgd,adam optimizer.momentum=1 model.scale=2",
            "optimizer=sgd,adam ++optimizer.momentum=1 model.scale=2",
        ),
        ("--help", "--help"),
        ("", ""),
    ],
)
def test_overrides_may_stand_anywhere(typed, read):
    assert readable_by_hydra(typed.split()) == read.split()


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("--loss mse", "unknown option --loss"),
        ("loss=mse --lr=0.1", "unknown option --lr=0.1"),
        ("-x", "unknown option -x"),
        ("--cfg jobs", "argument --cfg/-c: invalid choice: 'jobs'"),
        ("--config-dir", "argument --config-dir/-cd: expected one argument"),
    ],
)
def test_an_option_that_does_not_exist_is_refused_in_one_message(typed, reason, capsys):
    with pytest.raises(ConfigError, match=f"^The command line cannot be understood: {reason}.* KEY=VALUE, such as"):
        readable_by_hydra(typed.split())
    assert capsys.readouterr() == ("", "")
