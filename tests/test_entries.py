"""From the overrides of a sweep to the losses, settings and learning rates that are compared."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossexp.entries import Entries, half_decades_around, longer
from lossexp.errors import ConfigError
from tests.composed import combinations, composer

MOONS = ("dataset=moons", "tracker=none")


def entries(*arguments):
    return Entries.of_sweep(combinations(arguments), composer().job)


def losses(found):
    return [(entry.dataset, entry.loss, len(entry.variants)) for entry in found.entries]


def test_half_decades_over_four_decades():
    assert half_decades_around(0.1) == [0.001, 0.00316, 0.01, 0.0316, 0.1, 0.316, 1.0, 3.16, 10.0]


@given(st.floats(1e-6, 1e3))
def test_the_given_rate_is_in_the_middle_of_steps_of_one_size(rate):
    rates = half_decades_around(rate)
    assert len(rates) == 9
    assert rates[4] == pytest.approx(rate, rel=5e-3)
    assert np.diff(np.log10(rates)) == pytest.approx(0.5, abs=5e-3)


def test_longer_goes_on_in_the_steps_of_either_end():
    assert longer([0.01, 0.1, 0.3], below=1, above=2) == [0.001, 0.9, 2.7]
    assert longer([0.01, 0.1], below=2) == [0.0001, 0.001]
    assert longer([0.01, 0.1]) == []
    assert longer([0, 0.1, 1], below=2, above=1) == [10.0], "there is nothing below no learning at all"


def test_one_rate_is_the_middle_of_a_list_and_many_are_the_list():
    assert entries(*MOONS, "loss=mse,bce").rates == tuple(half_decades_around(0.1))
    assert entries(*MOONS, "loss=mse,bce", "optimizer=adam").rates == tuple(half_decades_around(0.001))
    assert entries(*MOONS, "loss=mse,bce", "optimizer.lr=2").rates == tuple(half_decades_around(2))
    assert entries(*MOONS, "loss=mse,bce", "optimizer.lr=1,0.2").rates == (0.2, 1.0)


def test_losses_are_in_the_order_in_which_they_were_typed():
    found = entries("dataset=moons,wine", "loss=cce,mse", "optimizer.lr=0.1,1", "seed=7")
    assert losses(found) == [("moons", "cce", 1), ("moons", "mse", 1), ("wine", "cce", 1), ("wine", "mse", 1)]
    assert found.datasets == ("moons", "wine")
    assert found.seed == 7
    assert found.entries[0].variants == (("dataset=moons", "loss=cce"),)


@pytest.mark.parametrize(
    ("dataset", "usual"),
    [
        ("moons", ["bce", "mse", "hinge"]),
        ("wine", ["cce", "mse", "crammer_singer"]),
        ("linear", ["mse", "mae", "huber"]),
    ],
)
def test_without_losses_the_usual_ones_are_compared(dataset, usual):
    assert [entry.loss for entry in entries(f"dataset={dataset}").entries] == usual


def test_a_setting_of_one_loss_is_left_out_of_the_others():
    found = entries("dataset=linear", "loss=mse,huber,pinball", "++loss.delta=0.5,1,2", "++loss.tau=0.3")
    assert losses(found) == [("linear", "mse", 1), ("linear", "huber", 3), ("linear", "pinball", 1)]
    assert found.entries[1].variants[0] == ("dataset=linear", "loss=huber", "++loss.delta=0.5")
    assert found.entries[2].variants == (("dataset=linear", "loss=pinball", "++loss.tau=0.3"),)


def test_names_that_a_formula_makes_its_own_are_left_out_of_the_others():
    found = entries("dataset=linear", "loss=formula,mse", "++loss.value='(raw-target)**2/c'", "++loss.c=1,2")
    assert losses(found) == [("linear", "formula", 2), ("linear", "mse", 1)]


REFUSED = {
    "one loss": (["loss=mse"], "dataset=moons has one loss, mse, and a comparison needs two: loss=mse,OTHER"),
    "variants of one loss": (["loss=focal", "++loss.gamma=0,1"], "dataset=moons has one loss, focal"),
    "seeds": (["loss=mse,bce", "seed=1,2"], "seed is swept, but a comparison has seeds of its own"),
    "models": (["loss=mse,bce", "model=linear,mlp"], "model is swept, but only dataset, loss, and the settings that"),
    "data": (["loss=mse,bce", "dataset.label_noise=0,0.2"], "dataset.label_noise is swept, but only dataset, loss"),
    "a setting of no loss": (
        ["loss=mse,focal", "++loss.gama=1"],
        "Unknown setting loss.gama. Did you mean loss.gamma?",
    ),
    "a bad value": (["loss=mse,focal", "++loss.gamma=-1"], "loss.gamma=-1 is not allowed: expected a finite number at"),
    "a bad formula": (["loss=formula,mse", "++loss.value='raw +'"], "loss.value"),
    "a bad rate": (["loss=mse,bce", "optimizer.lr=0.1,-1"], "optimizer.lr=-1 is not allowed"),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_compared_is_refused(arguments, message):
    with pytest.raises(ConfigError) as refused:
        entries(*MOONS, *arguments)
    assert message in str(refused.value)
    assert "has no value yet" not in str(refused.value)


def test_what_does_not_fit_may_be_left_out_but_not_all_of_it():
    found = entries(*MOONS, "loss=mse,mae,bce")
    assert [entry.loss for entry in found.only({("moons", "mse"), ("moons", "bce")}).on("moons")] == ["mse", "bce"]
    with pytest.raises(ConfigError, match="has one loss, bce"):
        found.only({("moons", "bce")})
