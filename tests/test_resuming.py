"""A sweep that was cut off goes on: what had ended is not trained again, and all is as if nothing had happened."""

import dataclasses
import importlib
import itertools
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from lossexp import leftovers, protocol, recorder, resuming, runner, sweeping
from lossexp.engines import Engine
from lossexp.errors import ConfigError, StorageError
from lossexp.experiment import Sweep
from lossexp.record import Record
from tests.composed import SMALL, combinations, composer, small, small_jobs
from tests.trackers.stores import quiet

SWEEP = (
    *("loss=mse,bce", "optimizer.lr=0.3,1e9", "seed=0,1", "training.epochs=12", "training.max_stack=3"),
    *("early_stopping=patience", "early_stopping.patience=2", "training.dtype=float32"),
)
"""Eight runs in three stacks: some stop early, some diverge, some get to the end."""

RESUME = "sweep.resume=true"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Return the current folder, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def runs(folder):
    """Return the records of runs by their keys, and that no two have the same."""
    by_key = {record.sheet.run_key: record for record in records(folder) if "kind" not in record.sheet.tags}
    assert len(by_key) == sum("kind" not in record.sheet.tags for record in records(folder))
    return by_key


def records(folder):
    """Return the records of runs and sweeps."""
    return [Record(path.parent) for path in folder.glob("runs/records/*/*/run.json")]


def results(folder):
    """Return everything that a run ends with, but for the times."""
    return {
        key: (
            record.sheet.name,
            record.history().epochs.tolist(),
            {name: curve.tolist() for name, curve in record.history().metrics.items()},
            [repr(part) for part in (record.outcome.status, record.outcome.metrics, record.outcome.tags)],
            record.outcome.description,
            *((record.path / name).read_bytes() for name in ("model/weights.npz", "model/model.json", "curves.png")),
        )
        for key, record in runs(folder).items()
    }


def cut_off(monkeypatch, n_epochs, error=KeyboardInterrupt):
    """Let something end a sweep from outside after some epochs."""
    takes, take = itertools.count(), recorder.Recorder.take

    def until(self, epoch, members):
        if next(takes) == n_epochs:
            raise error
        take(self, epoch, members)

    with monkeypatch.context() as patch:
        patch.setattr(recorder.Recorder, "take", until)
        patch.setattr(recorder, "FLUSH_SECONDS", 0.0)
        with pytest.raises(error):
            runner.sweep(small_jobs(*SWEEP), Engine(n_jobs=1))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return what comes out if nothing happens."""
    folder = tmp_path_factory.mktemp("whole")
    old = os.getcwd()
    os.chdir(folder)
    try:
        assert runner.sweep(small_jobs(*SWEEP), Engine(n_jobs=1)) == 3
    finally:
        os.chdir(old)
    assert {record.outcome.tags["ending"] for record in runs(folder).values()} == {
        *("completed", "stopped early", "diverged")
    }
    return results(folder)


@pytest.mark.parametrize("n_epochs", [0, 1, 5, 14, 20, 25])
def test_wherever_it_was_cut_off(folder, monkeypatch, capsys, whole, n_epochs):
    cut_off(monkeypatch, n_epochs)
    before = runs(folder)
    ended = {key for key, record in before.items() if record.outcome.tags["ending"] != "killed"}
    begun = {key: record.history().times.tolist() for key, record in before.items()}
    stamps = {key: (record.path / "model").stat().st_mtime_ns for key, record in before.items() if key in ended}
    capsys.readouterr()
    assert runner.sweep(small_jobs(*SWEEP, RESUME), Engine()) == 3
    assert f"{len(ended)} of 8 runs have ended before." in capsys.readouterr().out
    assert results(folder) == whole
    after = runs(folder)
    assert {key: record.path for key, record in after.items()} == {key: record.path for key, record in before.items()}
    assert len({record.sheet.tags["sweep"] for record in after.values()}) == 1
    for key, times in begun.items():  # by its time a tracker knows a point again
        assert after[key].history().times.tolist()[: len(times)] == times
    assert all((after[key].path / "model").stat().st_mtime_ns == stamp for key, stamp in stamps.items())


def test_a_sweep_that_was_not_cut_off_is_summed_up_again(folder, capsys, whole):
    """The same words, with the verdicts of the whole sweep, and no run ends once more, the sweep itself neither."""
    runner.sweep(small_jobs(*SWEEP), Engine())
    ends = {record.path: (record.path / "done.json").read_bytes() for record in records(folder)}
    assert len(ends) == 9
    first = capsys.readouterr().out.partition("loss ")[2].partition("report")[0]
    assert runner.sweep(small_jobs(*SWEEP, RESUME), Engine()) == 3
    second = capsys.readouterr().out
    assert "8 of 8 runs have ended before." in second
    assert second.partition("loss ")[2].partition("report")[0] == first
    assert results(folder) == whole
    assert ends == {record.path: (record.path / "done.json").read_bytes() for record in records(folder)}


@pytest.mark.parametrize("where", ["open", "sum_up"])
def test_cut_off_before_and_after_the_training(folder, monkeypatch, whole, where):
    """While folders are made, and while the report is written: no run stays open, and the sweep has one record."""
    calls, real = itertools.count(), getattr(recorder.Recorder, where)

    def until(self, *arguments):
        if next(calls) == (3 if where == "open" else 0):
            raise KeyboardInterrupt
        return real(self, *arguments)

    with monkeypatch.context() as patch:
        if where == "open":
            patch.setattr(recorder.Recorder, "open", until)
        else:
            patch.setattr(recorder.Recorder, "_report", until)
        with pytest.raises(KeyboardInterrupt):
            runner.sweep(small_jobs(*SWEEP), Engine())
    assert [record.is_open for record in runs(folder).values()] == [False] * (3 if where == "open" else 8)
    runner.sweep(small_jobs(*SWEEP, RESUME), Engine())
    assert results(folder) == whole
    assert len(records(folder)) == 9


def test_with_other_code_of_the_users_own_it_is_another_run(folder, monkeypatch):
    monkeypatch.syspath_prepend(str(folder))

    def key(module, gradient):
        (folder / f"{module}.py").write_text(OWN_LOSS.format(gradient))
        one = small()
        experiment = dataclasses.replace(one.experiment, loss=importlib.import_module(module).Own())
        return resuming.run_key(dataclasses.replace(one, experiment=experiment), experiment.dataset.load(0))

    assert key("own_1", "2 * (raw - target)") == key("own_2", "2 * (raw - target)") != key("own_3", "raw - target")


OWN_LOSS = """
from dataclasses import dataclass
from lossexp.losses.base import Loss

@dataclass(frozen=True, kw_only=True)
class Own(Loss):
    def value(self, raw, target):
        return ((raw - target) ** 2).sum(axis=0)

    def gradient(self, raw, target, out):
        out[:] = {}
"""


def test_what_an_interpolation_stands_for_tells_runs_apart(monkeypatch):
    """It is not in the records, so that no secret is."""

    def key(rate):
        monkeypatch.setenv("RATE", rate)
        one = small("optimizer.lr='${oc.decode:${oc.env:RATE}}'")
        return resuming.run_key(one, one.experiment.dataset.load(0))

    assert key("0.1") == key("0.10") != key("0.2")


def test_more_runs_than_before(folder, whole):
    """The verdicts are corrected for all of them, also of those that have ended: the file is written anew."""
    runner.sweep([one for one in small_jobs(*SWEEP) if one.choices["loss"] == "mse"], Engine())
    runner.sweep(small_jobs(*SWEEP, RESUME), Engine())
    assert {key: result[:3] for key, result in results(folder).items()} == {
        key: result[:3] for key, result in whole.items()
    }


@pytest.mark.parametrize("torn", [0, 1, 30, 150, -1])
def test_what_a_kill_leaves_behind(folder, monkeypatch, whole, torn):
    """No end, and a file of curves that stops anywhere."""
    cut_off(monkeypatch, 9)
    for record in runs(folder).values():
        if record.outcome.tags["ending"] == "killed":
            (record.path / "done.json").unlink()
            if (curves := record.path / "history.csv").exists():
                curves.write_bytes(curves.read_bytes()[:torn])
    runner.sweep(small_jobs(*SWEEP, RESUME), Engine())
    assert results(folder) == whole


@pytest.mark.parametrize("name", ["run.json", "done.json", "history.csv", "evidence.npz", "model/weights.npz"])
def test_damaged_folders_are_left_alone(folder, whole, name):
    """What cannot be read is trained again, in a folder of its own."""
    runner.sweep(small_jobs(*SWEEP), Engine())
    damaged = [record for record in runs(folder).values() if "stopped early" in record.outcome.tags.values()]
    for record in damaged:
        (record.path / name).write_bytes(b"{")
    runner.sweep(small_jobs(*SWEEP, RESUME), Engine())
    for record in damaged:
        assert (record.path / name).read_bytes() == b"{"
        (record.path / "run.json").unlink()
    assert results(folder) == whole


def test_an_interruption_between_writing_and_taking_note_of_it(folder, monkeypatch, whole):
    """No epoch is written twice."""
    appends, append = itertools.count(), Record.append

    def until(self, *arguments):
        append(self, *arguments)
        if next(appends) == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Record, "append", until)
        patch.setattr(recorder, "FLUSH_SECONDS", 0.0)
        with pytest.raises(KeyboardInterrupt):
            runner.sweep(small_jobs(*SWEEP), Engine())
    for record in runs(folder).values():
        epochs = record.history().epochs.tolist()
        assert epochs == list(range(len(epochs)))
    runner.sweep(small_jobs(*SWEEP, RESUME), Engine())
    assert results(folder) == whole


def test_a_sweep_that_is_still_running_is_not_taken_over(folder, monkeypatch, whole):
    """Whatever it is doing, as long as it is at it; what was killed is gone on with, whoever else is running."""
    cut_off(monkeypatch, 9)
    planned = sweeping.plan(small_jobs(*SWEEP, RESUME), Sweep())
    with (
        resuming.sweep_of(folder / "runs", planned, "new") as (tag, _),
        pytest.raises(StorageError, match=rf"^Sweep {tag} is still running in "),
    ):
        runner.sweep(small_jobs(*SWEEP, RESUME), Engine(n_jobs=1))
    assert [record.is_open for record in runs(folder).values()] == [False] * 8
    killed = [record for record in runs(folder).values() if record.outcome.tags["ending"] == "killed"]
    with leftovers.running(folder / "runs"):
        (killed[0].path / "done.json").unlink()
        assert runner.sweep(small_jobs(*SWEEP, RESUME), Engine(n_jobs=1)) == 3
    assert results(folder) == whole


def test_without_anything_to_go_on_with_all_is_trained(folder, capsys):
    assert runner.sweep(small_jobs("loss=mse,bce", RESUME), Engine()) == 0
    assert "No sweep here has any of these runs, with the same settings, data, " in capsys.readouterr().out
    tag, begun = found(folder, "loss=mse")
    assert begun.keys() >= runs(folder).keys()
    assert {record.sheet.tags["sweep"] for record in begun.values()} == {tag}
    assert found(folder, "loss=hinge") == ("new", {})


def found(folder, *sweep):
    """Return the tag and the folders of the sweep that would be gone on with."""
    with resuming.sweep_of(folder / "runs", sweeping.plan(small_jobs(*sweep, RESUME), Sweep()), "new") as found:
        return found


def test_of_many_sweeps_the_one_with_the_most_of_the_runs_goes_on_and_of_those_the_latest(folder):
    """A small one that was tried in the meantime costs nothing of a large one."""
    for sweep in ("loss=mse,bce", "loss=mse,bce", "loss=bce"):
        last = {record.sheet.tags["sweep"] for record in records(folder)}
        runner.sweep(small_jobs(sweep), Engine())
    tag, begun = found(folder, "loss=mse,bce,hinge")
    assert tag == max(last)
    assert sum("kind" not in record.sheet.tags for record in begun.values()) == 2
    assert found(folder, "loss=mse,bce", "sweep.protocol=compare") == ("new", {})


def test_a_single_run_is_no_sweep(folder):
    with pytest.raises(
        ConfigError, match=r"^sweep\.resume=true goes on with a sweep, and this is a single run\. Add -m"
    ):
        runner.run(small(RESUME))
    assert list(folder.iterdir()) == []


def test_only_what_decides_the_curves_and_the_name_tells_runs_apart():
    def key(*overrides):
        (one,) = small_jobs(*overrides)
        return resuming.run_key(one, one.experiment.dataset.load(one.experiment.seed))

    same = {key(), key("tracker=mlflow"), key("runs_dir=elsewhere"), key(RESUME), key("sweep.max_runs=3")}
    assert len(same) == 1
    others = [key("optimizer.lr=0.2"), key("seed=1"), key("training.epochs=4"), key("dataset.n_samples=61")]
    assert len(same | {*others}) == 5


def test_a_comparison_goes_on(folder, monkeypatch, capsys):
    """Its rounds are decided by what came before: they come out the same."""
    asked = (
        *SMALL,
        "loss=mse,bce",
        "optimizer.lr=0.1,1",
        "sweep.tuning_seeds=1",
        "sweep.seeds=2",
        "sweep.protocol=compare",
    )

    def compare(*more):
        return protocol.compare(combinations([*asked, *more]), composer().job, Engine(n_jobs=1))

    takes, take = itertools.count(), recorder.Recorder.take

    def until(self, epoch, members):
        if next(takes) == 11:
            raise KeyboardInterrupt
        take(self, epoch, members)

    with monkeypatch.context() as patch:
        patch.setattr(recorder.Recorder, "take", until)
        with pytest.raises(KeyboardInterrupt):
            compare()
    compare(RESUME)
    assert "have ended before" in capsys.readouterr().out
    gone_on = results(folder)
    monkeypatch.chdir(folder.parent)
    (folder.parent / "uninterrupted").mkdir()
    monkeypatch.chdir(folder.parent / "uninterrupted")
    compare()
    assert results(folder.parent / "uninterrupted") == gone_on


KILLS = 20


@quiet
@pytest.mark.slow
def test_kills_at_random_moments(folder):
    """After every kill the same command again: nothing is lost, nothing is double, in MLflow neither."""
    from mlflow import MlflowClient

    sweep = (
        *("-m", "dataset=digits", "model=mlp", "loss=mse,cce", "optimizer.lr=0.03,0.3,100", "seed=range(25)"),
        *("training.max_stack=4", "training.epochs=50"),
    )
    command = [sys.executable, "-m", "lossexp", *sweep]
    random.seed(0)
    for kill in range(KILLS):
        with subprocess.Popen([*command, RESUME], start_new_session=True, stdout=subprocess.DEVNULL) as child:
            time.sleep(random.uniform(2, 10))
            os.killpg(child.pid, signal.SIGKILL)
        ended = [one for one in runs(folder).values() if not one.is_open and one.outcome.tags["ending"] != "killed"]
        print(f"kill {kill + 1}: {len(ended)} runs have ended")
    subprocess.run([*command, RESUME], check=False, capture_output=True)
    gone_on = results(folder)
    subprocess.run([*command, "runs_dir=other/runs", "tracker=none"], check=False, capture_output=True)
    assert gone_on == results(folder / "other")
    client = MlflowClient(f"sqlite:///{folder}/runs/mlflow.db")
    experiment = client.get_experiment_by_name("digits").experiment_id
    tracked = {run.data.tags["lossexp.run_key"]: run for run in client.search_runs([experiment], max_results=1000)}
    for key, record in runs(folder).items():
        history = client.get_metric_history(tracked[key].info.run_id, "val/loss")
        assert [point.step for point in sorted(history, key=lambda point: point.step)] == gone_on[key][1]
        assert tracked[key].info.status == record.outcome.status
