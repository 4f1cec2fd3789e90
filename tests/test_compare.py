"""The command that compares losses: the same as the experiment, without -m."""

import sys

import pytest

from lossexp import cli, compare

SMALL = (
    *("dataset=moons", "dataset.n_samples=60", "training.epochs=2", "tracker=none", "loss=mse,bce"),
    *("optimizer.lr=0.1,1", "sweep.tuning_seeds=1", "sweep.seeds=2"),
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the current folder of the command, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def command(folder, monkeypatch, capsys):
    """Return a function that runs a command in this process: arguments in; exit code, output and errors out."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")

    def run(main, *arguments):
        monkeypatch.setattr(sys, "argv", ["lossexp", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return run


@pytest.mark.parametrize(
    ("main", "experiment"),
    [(compare.main, []), (cli.main, ["experiment=compare_losses"])],
    ids=["module", "experiment"],
)
def test_one_command_without_m(main, experiment, command, folder):
    code, out, err = command(main, *experiment, *SMALL)
    assert (code, err) == (0, "")
    assert "Comparing mse, bce on moons." in out
    assert "moons: losses compared on the test split, 2 seeds" in out
    assert list(folder.glob("runs/records/moons/*/comparison.json"))


@pytest.mark.parametrize(
    "arguments",
    [("experiment=noisy_labels", "loss=cce,mse"), ("loss=cce,mse", "experiment=noisy_labels")],
    ids=" ".join,
)
def test_an_experiment_may_be_compared(arguments, command):
    code, out, err = command(compare.main, *arguments, "tracker=none", "sweep.dry_run=true")
    assert (code, err) == (0, "")
    assert "Comparing cce, mse on digits." in out


@pytest.mark.parametrize("are_first", [True, False])
def test_options_may_come_first_or_last(are_first, command, folder):
    (folder / "own" / "loss").mkdir(parents=True)
    (folder / "own" / "loss" / "mine.yaml").write_text("_target_: lossexp.losses.MSE\nlink: auto\n")
    arguments, options = [*SMALL, "loss=mine,bce", "sweep.dry_run=true"], ["--config-dir", "own"]
    code, out, err = command(compare.main, *(options + arguments if are_first else arguments + options))
    assert (code, err) == (0, "")
    assert "Comparing mine, bce on moons." in out


def test_a_mistake_gets_one_message_and_leaves_nothing(command, folder):
    code, out, err = command(compare.main, *SMALL, "loss=mse")
    assert (code, out) == (2, "")
    assert err.startswith("lossexp: dataset=moons has one loss, mse")
    code, out, err = command(compare.main, *SMALL, "optimizer.larning_rate=1")
    assert (code, out) == (2, "")
    assert "Unknown override optimizer.larning_rate" in err
    assert list(folder.iterdir()) == []


def test_a_loss_need_not_know_the_settings_of_another(command, folder):
    code, out, _ = command(compare.main, *SMALL, "loss=mse,focal", "loss.gamma=1,2", "sweep.dry_run=true")
    assert code == 0
    assert "Comparing mse, focal on moons." in out
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [("sweep.protocol=compare",), ("experiment=compare_losses", "hydra/launcher=basic")], ids=" ".join
)
def test_one_run_cannot_be_a_comparison(arguments, command, folder):
    code, out, err = command(cli.main, *arguments, "dataset=moons", "tracker=none")
    assert (code, out) == (2, "")
    assert "sweep.protocol=compare is about many runs. Add -m" in err
    assert list(folder.iterdir()) == []
