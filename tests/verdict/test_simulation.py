import numpy as np
import pytest

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


@pytest.mark.parametrize("rule", [simulation.verdict, simulation.verdict_by_halves])
def test_the_level_is_kept(rule):
    """At a true level of 5 %, 400 runs have more than 32 false alarms with probability .004."""
    rng = np.random.default_rng(3)
    alarms = [rule(simulation.flat_losses(100, noise, rng)) for noise in ["normal", "t3"] * 200]
    assert 4 <= sum(alarms) <= 32


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
