"""Whole runs and sweeps, from a job to its folder; a run is the same in a sweep, on its own, and on any engine."""

import dataclasses
import itertools
import json
import re
import shutil

import numpy as np
import pytest

from lossexp import progress, recorder, runner, training
from lossexp.engines import Engine
from lossexp.errors import ConfigError, IncompatibleError, StorageError
from lossexp.record import Record, RunSheet
from lossexp.trackers import NoTracker
from lossexp.trackers.base import Follower, TrackingSummary
from tests.composed import job, jobs, small, small_jobs
from tests.faulty import EXITS, KILLS, RAISES, RAISES_ITS_OWN, SOUND

REGRESSION = ("dataset=linear", "dataset.n_samples=60", "training.epochs=3", "training.dtype=float64", "tracker=none")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Return the current folder, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def records(folder, kind=None):
    """Return the records of runs by dataset and name, or of the sweeps themselves."""
    found = [Record(path.parent) for path in sorted(folder.glob("runs/records/*/*/run.json"))]
    chosen = [record for record in found if record.sheet.tags.get("kind") == kind]
    return {(record.sheet.experiment, record.sheet.name): record for record in chosen}


def histories(folder):
    """Return epochs and curves of each run by name."""
    read = {name: record.history() for name, record in records(folder).items()}
    return {name: (history.epochs.tolist(), history.metrics) for name, history in read.items()}


def faulty(*faults, marker=""):
    """Return jobs of a loss with these faults, among others, at two learning rates."""
    loss = ("loss=mae", "loss._target_=tests.faulty.Faulty", f"++loss.marker={marker}", "optimizer.lr=0.01,0.02")
    return jobs(*REGRESSION, *loss, f"++loss.fault={','.join(map(str, faults))}")


def status(folder):
    """Return the status of each run by fault and learning rate."""
    found = {}
    for record in records(folder).values():
        params = record.sheet.params
        found[int(params["loss.fault"]), float(params["optimizer.lr"])] = record.outcome.status
    return found


def test_a_run_leaves_a_folder_with_everything(folder, capsys):
    assert runner.run(small("loss=bce", "seed=3")) == 0
    (record,) = records(folder).values()
    assert record.path.parent == folder / "runs" / "records" / "moons"
    assert sorted(path.name for path in record.path.iterdir()) == [
        "config.yaml",
        "curves.png",
        "done.json",
        "evidence.npz",
        "history.csv",
        "model",
        "run.json",
    ]
    assert sorted(path.name for path in (record.path / "model").iterdir()) == ["model.json", "weights.npz"]
    assert record.outcome.status == "FINISHED"
    assert {"best/epoch", "best/val_loss", "gap/final", "test/loss", "val/auc"} <= set(record.outcome.metrics)
    sheet = record.sheet
    assert sheet.name == small("loss=bce", "seed=3").name
    chosen = {"loss": "bce", "optimizer": "sgd", "model": "linear", "dataset": "moons"}
    assert sheet.tags == {**chosen, "pair_id": f"{sheet.dataset['fingerprint'][:12]}-3"}
    assert sheet.dataset["task"] == "binary"
    assert [sheet.dataset[name] for name in ("n_train", "n_val", "n_test")] == ["36", "12", "12"]
    assert len(sheet.dataset["fingerprint"]) == 64
    assert "Completed after epoch 3" in capsys.readouterr().out


def test_curves_are_those_of_the_training_loop(folder):
    one = small("loss=bce", "optimizer.lr=0.3")
    runner.run(one)
    stack = runner.Stack([runner.Member(one.experiment, one.experiment.dataset.load(0))])
    epochs = list(training.train(stack))
    ((numbers, curves),) = histories(folder).values()
    assert numbers == [0, 1, 2, 3]
    for name, values in curves.items():
        np.testing.assert_array_equal(values, [epoch.metrics[name][0] for epoch in epochs])
    np.testing.assert_array_equal(curves["gap"], curves["val/loss"] - curves["train/loss"])


def test_the_same_seed_gives_the_same_bits(folder):
    for _ in range(2):
        runner.run(small("loss=mse", "model=mlp", "training.dtype=float32"))
    first, second = folder.glob("runs/records/*/*/history.csv")
    assert _without_times(first) == _without_times(second)
    first, second = (_arrays(path) for path in folder.glob("runs/records/*/*/model/weights.npz"))
    assert first == second
    assert first.keys() == {"layer_1.weight", "layer_1.bias", "layer_2.weight", "layer_2.bias"}


def _without_times(path):
    return [line.split(",")[:1] + line.split(",")[2:] for line in path.read_text().splitlines()]


def _arrays(path):
    with np.load(path, allow_pickle=False) as saved:
        return {name: saved[name].tolist() for name in saved.files}


def test_the_key_of_a_run_is_that_of_its_settings_and_data(folder):
    for one in (small(), small(), small("seed=1"), small("optimizer.lr=0.2")):
        runner.run(one)
    keys = [json.loads(path.read_text())["run_key"] for path in sorted(folder.glob("runs/records/*/*/run.json"))]
    assert len(keys) == 4
    assert len(set(keys)) == 3


@pytest.mark.parametrize("one", [small("loss=mae"), small("dataset.train_size=1000")], ids=["loss", "data"])
@pytest.mark.parametrize("start", [runner.run, lambda one: runner.sweep([one], Engine())], ids=["run", "sweep"])
def test_what_is_refused_leaves_nothing(start, one, folder):
    with pytest.raises(Exception, match="loss=mae needs|dataset.train_size=1000 is more"):
        start(one)
    assert list(folder.iterdir()) == []


def test_an_engine_that_cannot_be_used_is_refused_before_anything_is_made(folder):
    with pytest.raises(ConfigError, match=r"^hydra\.launcher\.address=tcp://a:1 is that of a Dask scheduler"):
        runner.sweep(small_jobs("seed=1,2"), Engine(address="tcp://a:1"))
    assert list(folder.iterdir()) == []


def test_epochs_zero_measures_the_initial_model(folder, capsys):
    assert runner.run(small("training.epochs=0")) == 0
    ((epochs, _),) = histories(folder).values()
    assert epochs == [0]


def test_an_initial_model_that_is_not_finite(folder, capsys):
    infinite = ("model=mlp", "model.init=normal", "model.scale=1e30", "training.dtype=float32", "loss=mse")
    assert runner.run(job(*REGRESSION, *infinite)) == 3
    (record,) = records(folder).values()
    assert record.outcome.status == "FAILED"
    assert "the loss of the initial model is not finite" in capsys.readouterr().out
    assert runner.sweep(jobs(*REGRESSION, *infinite, "seed=1,2"), Engine()) == 3
    assert "2 of 2 runs diverged." in capsys.readouterr().out


@pytest.mark.parametrize("restore", [False, True])
def test_a_run_that_diverges_keeps_its_last_good_epoch(folder, capsys, restore):
    diverging = ("loss=mse", "optimizer=gd", "optimizer.lr=5", "training.epochs=50")
    assert runner.run(job(*REGRESSION, *diverging, f"early_stopping.restore_best={str(restore).lower()}")) == 3
    (record,) = records(folder).values()
    assert record.outcome.status == "FAILED"
    assert record.outcome.tags == {"ending": "diverged", "verdict": "diverged"}
    epochs = record.history().epochs
    assert 0 < epochs[-1] < 50
    assert np.isfinite(record.history().metrics["train/loss"]).all()
    assert f"Diverged in epoch {epochs[-1] + 1}; " in capsys.readouterr().out
    with np.load(record.path / "model" / "weights.npz") as weights:
        assert all(np.isfinite(weights[name]).all() for name in weights.files)


def test_a_training_loss_that_ends_above_its_start_has_diverged_too(folder, capsys):
    """All finite and within bounds, trained to the end, and still nothing that may be chosen."""
    climbing = ("loss=mae", "optimizer.lr=100", "training.epochs=10")
    assert runner.run(job(*REGRESSION, *climbing)) == 3
    (record,) = records(folder).values()
    first, *_, last = record.history().metrics["train/loss"]
    assert first < last < 1e3 * first
    assert record.outcome.status == "FAILED"
    assert record.outcome.tags == {"ending": "completed", "verdict": "diverged"}
    assert "Diverged: the training loss ended" in capsys.readouterr().out
    assert runner.sweep(jobs(*REGRESSION, *climbing, "optimizer.lr=0.1,100"), Engine()) == 3
    shown = capsys.readouterr().out
    assert "1 of 2 runs diverged." in shown
    assert "Best learning rate of each loss: mae 0.1" in shown


MIXED = (
    "loss=mse,bce,cce",
    "optimizer=sgd",
    "optimizer.lr=0.05,0.7",
    "optimizer.momentum=0,0.9",
    "early_stopping=patience",
    "early_stopping.patience=2",
    "training.epochs=12",
    "seed=1,2",
)


def test_every_run_of_a_sweep_is_the_same_as_alone(folder, monkeypatch, capsys):
    """Losses, rates, momentum and seeds in stacks, with early stopping: each curve to a relative 1e-10."""
    listed = small_jobs(*MIXED)
    assert runner.sweep(listed, Engine(n_jobs=2)) == 0
    together = histories(folder)
    shutil.rmtree(folder / "runs")
    for one in listed[::3]:
        runner.run(one)
    alone = histories(folder)
    assert len(together) == len(listed) == 24
    assert len(alone) == 8
    for name, (epochs, curves) in alone.items():
        assert together[name][0] == epochs
        for metric, values in curves.items():
            np.testing.assert_allclose(together[name][1][metric], values, rtol=1e-10, atol=1e-13, err_msg=metric)
    assert len({len(epochs) for epochs, _ in together.values()}) > 1  # some stopped early


def test_a_diverging_neighbour_changes_nothing(folder, capsys):
    settings = ("loss=mse", "optimizer=gd", "training.epochs=10")
    assert runner.sweep(jobs(*REGRESSION, *settings, "optimizer.lr=0.01,50"), Engine()) == 3
    together = histories(folder)
    shutil.rmtree(folder / "runs")
    assert runner.run(job(*REGRESSION, *settings, "optimizer.lr=0.01")) == 0
    ((name, (epochs, curves)),) = histories(folder).items()
    assert together[name][0] == epochs == list(range(11))
    for metric, values in curves.items():
        np.testing.assert_allclose(together[name][1][metric], values, rtol=1e-10)


@pytest.mark.parametrize("backend", ["loky", pytest.param("dask", marks=pytest.mark.cluster)])
def test_the_engine_changes_nothing(backend, folder, capsys):
    if backend == "dask":
        pytest.importorskip("distributed")
    listed = small_jobs("loss=mse,cce", "optimizer.lr=0.05,0.7", "seed=1,2", "training.max_stack=2")
    found = []
    for engine in (Engine(n_jobs=1), Engine(n_jobs=2), Engine(backend=backend, n_jobs=2)):
        assert runner.sweep(listed, engine) == 0
        found.append(histories(folder))
        shutil.rmtree(folder / "runs")
    for other in found[1:]:
        assert other.keys() == found[0].keys()
        for name, (epochs, curves) in found[0].items():
            assert other[name][0] == epochs
            for metric, values in curves.items():
                np.testing.assert_array_equal(other[name][1][metric], values)


def test_the_runs_of_a_sweep_share_a_tag_and_have_a_run_of_their_own(folder, capsys):
    assert runner.sweep(small_jobs("loss=mse,bce", "optimizer.lr=0.1,0.5", "seed=1,2"), Engine()) == 0
    runs, (sweep,) = records(folder).values(), records(folder, "sweep").values()
    assert len(runs) == 8
    assert {record.sheet.tags["sweep"] for record in runs} == {sweep.sheet.tags["sweep"]}
    assert sweep.sheet.name == f"sweep {sweep.sheet.tags['sweep']}"
    assert sweep.sheet.params == {"loss": "mse,bce", "optimizer.lr": "0.1,0.5"}
    assert sweep.outcome.status == "FINISHED"
    assert sweep.outcome.metrics == {"runs": 8.0, "runs_diverged_or_failed": 0.0}
    assert {"overview.png", "table.csv", "losses.png"} <= {path.name for path in sweep.path.iterdir()}
    head, *rows = (sweep.path / "table.csv").read_text().splitlines()
    assert head.startswith("rank,loss,optimizer.lr,runs,diverged or failed,")
    assert [row.split(",")[0] for row in rows] == ["1", "2", "3", "4"]
    first = capsys.readouterr().out
    assert "Best learning rate of each loss: " in first


def test_every_dataset_of_a_sweep_is_ranked_on_its_own(folder, capsys):
    listed = [*small_jobs("loss=mse", "seed=1,2"), *jobs(*REGRESSION, "loss=mse", "seed=1,2")]
    assert runner.sweep(listed, Engine()) == 0
    assert len(records(folder)) == 4
    assert {path.parent.parent.name for path in folder.glob("runs/records/*/*/overview.png")} == {"moons", "linear"}
    out = capsys.readouterr().out
    assert "accuracy" in out
    assert "rmse" in out


@pytest.mark.parametrize("fault", [RAISES, EXITS, RAISES_ITS_OWN])
@pytest.mark.parametrize("backend", ["threads", "loky"])
def test_a_run_that_fails_fails_alone(backend, fault, folder, capsys):
    assert runner.sweep(faulty(SOUND, fault), Engine(backend=backend, n_jobs=2)) == 3
    assert status(folder) == {
        (SOUND, 0.01): "FINISHED",
        (SOUND, 0.02): "FINISHED",
        (fault, 0.01): "FAILED",
        (fault, 0.02): "FAILED",
    }
    for record in records(folder).values():
        sound = record.outcome.status == "FINISHED"
        assert record.history().epochs.tolist() == ([0, 1, 2, 3] if sound else [])
        assert record.outcome.tags["ending"] == ("completed" if sound else "failed")
        assert ("verdict" in record.outcome.tags) == sound
    out = capsys.readouterr().out
    assert "2 of 4 runs failed." in out
    assert "ZeroDivisionError: the user's own mistake" in out or fault != RAISES


def test_a_run_alone_that_fails_is_recorded_and_the_error_shown(folder):
    with pytest.raises(ZeroDivisionError, match="the user's own mistake"):
        runner.run(faulty(RAISES)[0])
    (record,) = records(folder).values()
    assert record.outcome.status == "FAILED"
    ended = r"Ended by ZeroDivisionError: the user's own mistake \(line \d+ of faulty.py, in Faulty.value\)"
    assert re.fullmatch(ended, record.outcome.description)


def test_a_run_alone_that_ends_the_process_has_failed(folder):
    with pytest.raises(RuntimeError, match=r"ended the process: SystemExit: 5 \(line \d+ of faulty.py, in"):
        runner.run(faulty(EXITS)[0])
    (record,) = records(folder).values()
    assert record.outcome.status == "FAILED"


@pytest.mark.parametrize("start", [runner.run, lambda one: runner.sweep([one], Engine())], ids=["run", "sweep"])
def test_what_a_killed_command_left_open_is_closed(start, folder, monkeypatch, capsys):
    """And told to the tracker, if that is where it was to be tracked."""
    told = []
    monkeypatch.setattr(NoTracker, "start", lambda self, root: Noted(told))
    root = runner.writable_folder("runs")
    of_none, of_mlflow = (left_open(root, params={"tracker": tracker}) for tracker in ("none", "mlflow"))
    assert start(small()) == 0
    assert [record.outcome.status for record in (of_none, of_mlflow)] == ["KILLED"] * 2
    assert of_none.path in told
    assert of_mlflow.path not in told
    assert capsys.readouterr().out.count("Closed 2 run(s) that a killed command had left open.\n") == 1
    assert start(small()) == 0
    assert "Closed" not in capsys.readouterr().out


class Noted(Follower):
    """Keeps what it is told in a list of the test's."""

    def __init__(self, told):
        self.told = told

    def changed(self, record):
        self.told.append(record)

    def close(self, timeout=None):
        return TrackingSummary()


def left_open(root, params):
    data = {"name": "moons", "fingerprint": "f" * 64}
    return Record.create(root / "records", RunSheet("a run", "moons", "key", 0, params, {}, data), "")


def test_the_runs_of_a_killed_worker_are_done_elsewhere(folder, capsys):
    listed = faulty(SOUND, KILLS, marker=str(folder / "killed"))
    engine = Engine(backend="loky", n_jobs=2)
    assert runner.sweep([_in_small_stacks(one) for one in listed], engine) == 0
    assert (folder / "killed").exists()
    assert set(status(folder).values()) == {"FINISHED"}
    assert all(epochs == [0, 1, 2, 3] for epochs, _ in histories(folder).values())


def _in_small_stacks(one):
    trained = dataclasses.replace(one.experiment.training, max_stack=2)
    return dataclasses.replace(one, experiment=dataclasses.replace(one.experiment, training=trained))


@pytest.mark.parametrize(("error", "expected"), [(KeyboardInterrupt(), "KILLED"), (MemoryError("too much"), "FAILED")])
def test_what_ends_the_whole_sweep_ends_every_open_run(error, expected, folder, monkeypatch, capsys):
    """The first stack ends, then something happens."""
    update, seen = progress.Progress.update, itertools.count()

    def interrupted(self, epoch, runs):
        update(self, epoch, runs)
        if next(seen) == 6:  # two epochs into the second stack
            raise error

    monkeypatch.setattr(progress.Progress, "update", interrupted)
    with pytest.raises(type(error)):
        runner.sweep(small_jobs("loss=bce", "seed=range(4)", "training.max_stack=2"), Engine(n_jobs=1))
    outcomes = [record.outcome for record in records(folder).values()]
    assert sorted(outcome.status for outcome in outcomes) == sorted(["FINISHED"] * 2 + [expected] * 2)
    open_runs = [record for record in records(folder).values() if record.outcome.status == expected]
    for record in open_runs:
        assert record.history().epochs.tolist() == [0, 1, 2]
        assert record.outcome.description.startswith("Ended by ")


def test_a_dry_run_creates_nothing(folder, capsys):
    assert runner.sweep(small_jobs("seed=1,2", "sweep.dry_run=true"), Engine()) == 0
    assert capsys.readouterr().out.startswith("2 runs, 6 epochs")
    assert list(folder.iterdir()) == []


def test_runs_that_do_not_fit_are_skipped_aloud(folder, capsys):
    listed = small_jobs("loss=mse,mae", "sweep.on_illegal=skip")
    assert runner.sweep(listed, Engine()) == 0
    assert "Skipped: 1 of 2 runs do not fit: loss=mae needs" in capsys.readouterr().out
    assert len(records(folder)) == 1
    with pytest.raises(IncompatibleError):
        runner.sweep(small_jobs("loss=mse,mae"), Engine())


def test_the_output_folder_is_made_with_its_parents(folder):
    assert runner.writable_folder("a/b/c") == folder / "a" / "b" / "c"
    assert list((folder / "a" / "b" / "c").iterdir()) == []


@pytest.mark.parametrize("where", ["file", "file/below", "/proc/nothing", "x" * 300])
def test_a_place_that_cannot_be_written_is_refused(where, folder):
    (folder / "file").write_text("")
    with pytest.raises(
        StorageError, match=r"^runs_dir=.* cannot be written: .*\. Choose another folder: runs_dir=PATH$"
    ):
        runner.writable_folder(where)


def test_home_is_understood(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    assert runner.writable_folder("~/out") == folder / "out"


def test_long_runs_write_while_they_train(folder, monkeypatch):
    """A reader of the folder sees epochs before the end."""
    monkeypatch.setattr(recorder, "FLUSH_SECONDS", -1.0)
    seen = []
    take = recorder.Recorder.take

    def watched(self, epoch, runs):
        take(self, epoch, runs)
        seen.append(len(runs[0].record.history().epochs))

    monkeypatch.setattr(recorder.Recorder, "take", watched)
    runner.run(small())
    assert seen == [1, 2, 3, 4]
