import numpy as np
import pytest

from lossexp.datasets.splitting import blocks
from lossexp.verdict import __main__ as command
from lossexp.verdict import simulation


@pytest.mark.parametrize("noise", ["normal", "t3"])
def test_the_losses_are_flat_and_depend_on_those_of_the_epoch_before(noise):
    losses = simulation.flat_losses(50_000, noise, np.random.default_rng(0))
    assert losses.shape == (50_000, 60)
    np.testing.assert_allclose(losses.mean(axis=0), 1, atol=0.02)
    change = losses - losses.mean(axis=1, keepdims=True)
    relative = losses / losses.mean(axis=1, keepdims=True)
    assert np.median(np.abs(relative - 1)) == pytest.approx(0.19 if noise == "normal" else 0.17, abs=0.03)
    # Deviations from the mean of 60 epochs are a little less correlated than the noise itself.
    assert np.corrcoef(change[:, 30], change[:, 31])[0, 1] == pytest.approx(0.77, abs=0.03)


@pytest.mark.parametrize("rule", [simulation.verdict, simulation.verdict_after_early_stopping])
def test_the_level_is_kept(rule):
    """At a true level of 5 %, 400 runs have more than 32 false alarms with probability .004."""
    rng = np.random.default_rng(3)
    alarms = [rule(simulation.flat_losses(100, noise, rng)) for noise in ["normal", "t3"] * 200]
    assert 4 <= sum(alarms) <= 32


def of_patients(sizes, rng):
    """Return losses of examples that have most in common with the others of their patient, and their patients."""
    patient = np.repeat(np.arange(len(sizes)), sizes)
    common, own = (simulation.flat_losses(n, "normal", rng) for n in (len(sizes), len(patient)))
    return common[patient] + 0.3 * own, patient


def in_time(n, rng):
    """Return losses of which each resembles the one before, with correlation 1/2, and their stretches of time."""
    losses = simulation.flat_losses(n, "normal", rng) - 1
    for row in range(1, n):
        losses[row] = losses[row - 1] / 2 + np.sqrt(3) / 2 * losses[row]
    return losses + 10, blocks(np.arange(n))


DEPENDENT = {
    "patients of 10 examples": (of_patients, [10] * 50),
    "patients of 1 to 40 examples": (of_patients, np.ceil(40 * 0.96 ** np.arange(90)).astype(int)),
    "time": (in_time, 1500),
}


@pytest.mark.slow
@pytest.mark.parametrize(("drawn", "sizes"), DEPENDENT.values(), ids=DEPENDENT)
@pytest.mark.parametrize("rule", [simulation.verdict, simulation.verdict_after_early_stopping])
def test_the_level_is_kept_for_examples_that_depend_on_each_other_if_that_is_known(rule, drawn, sizes):
    """In 400 runs more than 40 false alarms have probability .01 at the 7 % that stretches of time come to."""
    rng = np.random.default_rng(5)
    known = [rule(*drawn(sizes, rng)) for _ in range(400)]
    assert 4 <= sum(known) <= 40
    taken_as_independent = [rule(drawn(sizes, rng)[0]) for _ in range(60)]
    assert np.mean(taken_as_independent) > 0.1


def test_rules_in_use_raise_false_alarms():
    rng = np.random.default_rng(4)
    runs = [simulation.flat_losses(100, "normal", rng) for _ in range(60)]
    rates = {name: np.mean([rule(losses) for losses in runs]) for name, rule in simulation.RULES.items()}
    assert 0.3 < rates["slope of the last 10 above 0"] < 0.7
    assert rates["patience of 10 fired"] > 0.9
    assert 0.2 < rates["paired test against the best"] < 0.55


def test_the_command_prints_a_row_for_each_kind_of_run(monkeypatch, capsys):
    monkeypatch.setattr(command, "N_RUNS", 2)
    command.main()
    printed = capsys.readouterr().out
    assert "False alarms in 2 runs of 60 epochs" in printed
    assert printed.count("normal") == printed.count("t3") == 3
    assert printed.count("%") == 1 + 6 * 5
