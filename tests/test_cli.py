"""The command: what it prints, what it leaves behind, and how it ends."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from lossexp import cli, recorder, runner
from tests.composed import SMALL
from tests.faulty import RAISES

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the current folder of the command, empty."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def command(folder, monkeypatch, capsys):
    """Return a function that runs the command in this process: arguments in; exit code, output and errors out."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")  # the command sets it, and the next one must not find it

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["lossexp", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return run


def process(folder, *arguments, **environment):
    """Run the command as a process of its own, its output in a pipe."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HYDRA_", "MLFLOW_"))}
    return subprocess.run(
        [sys.executable, "-m", "lossexp", *arguments],
        cwd=folder,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def left_behind(folder):
    return [path.name for path in folder.iterdir()]


REFUSED = {
    "misspelt setting": (["optimizer.learningrate=0.1"], "Unknown override optimizer.learningrate. Did you mean optim"),
    "setting that was added": (["+optimizer.foo=1"], "Unknown setting optimizer.foo. Known: lr, weight_decay"),
    "setting of the loss": (["loss=mse", "loss.foo=1"], "Unknown setting loss.foo. Known: link"),
    "negative": (["optimizer.lr=-1"], "optimizer.lr=-1 is not allowed: expected a finite number at least 0."),
    "not a number": (["optimizer.lr=nan"], "optimizer.lr=nan is not allowed: expected a finite number at least 0."),
    "not whole": (["training.epochs=1.5"], "training.epochs=1.5 is not allowed: expected a whole number at least 0."),
    "missing": (["optimizer.lr=???"], "optimizer.lr has no value yet. Set it: optimizer.lr=VALUE"),
    "deleted": (["~seed"], "seed has no value yet. Set it: seed=VALUE"),
    "choice by another name": (
        ["loss=binary_crossentropy"],
        "Unknown choice loss=binary_crossentropy. Did you mean bce?",
    ),
    "null for a group": (["loss=null"], "loss=null is no choice. Known: bce, "),
    "foreign function": (["loss._target_=builtins.open"], "loss._target_=builtins.open is refused: expected a Loss"),
    "no such variable": (["runs_dir=${oc.env:LOSSEXP_NOT_SET}"], "runs_dir cannot be read: "),
    "not a setting at all": (["foo"], "foo is no setting: expected KEY=VALUE, such as loss=mse"),
    "loss and target": (
        ["dataset=diabetes", "loss=bce"],
        "loss=bce needs class labels, but dataset=diabetes has a contin",
    ),
    "list of choices": (["model=[mlp]"], "model is a list of choices: expected one."),
    "option": (["--lr=0.1"], "unknown option --lr=0.1"),
    "a store that cannot be": (
        ["tracker.uri=mlruns"],
        "mlruns is no place where MLflow keeps runs. Expected for tracker.u",
    ),
    "more than fits": (["dataset=moons", "dataset.n_samples=1000000000000000"], "There is not enough memory. "),
    "list without -m": (["loss=mse,bce"], "loss=mse,bce is a list. For a sweep over it add -m"),
    "grid without -m": (
        ["grid=losses_and_rates"],
        "These settings are a sweep over loss, optimizer.lr, seed, not a run. Add -m",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_a_mistake_gets_one_message_and_leaves_nothing(arguments, message, command, folder):
    code, out, err = command(*arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("lossexp: ")
    assert message in err
    assert "Traceback" not in err
    assert left_behind(folder) == []


REFUSED_SWEEPS = {
    "one value of many": (["optimizer.lr=0.1,nan"], "optimizer.lr=nan is not allowed"),
    "one choice of many": (["loss=mse,bcee"], "Unknown choice loss=bcee. Did you mean bce?"),
    "null among choices": (["loss=mse,null"], "loss=null is no choice. Known: bce, "),
    "unknown backend": (["hydra.launcher.backend=ray"], "hydra.launcher.backend=ray is not allowed: expected one of"),
    "too many": (
        ["seed=range(7)", "sweep.max_runs=6"],
        "This sweep has 7 runs, more than sweep.max_runs=6. If you mean",
    ),
    "far too many": (["seed=range(1000)", "optimizer.lr=range(1,10001)"], "This sweep has 10000000 runs, more than"),
    "one setting of some choices": (
        ["loss=bce,focal", "loss.gamma=1,2"],
        "2 of 4 runs do not fit: loss=bce: Unknown setting loss.gamma. It is a setting of loss=focal. Known: ",
    ),
    "one value for some choices": (
        ["optimizer=lbfgs,sgd", "optimizer.lr=10,0.1"],
        "1 of 4 runs do not fit: optimizer=lbfgs: optimizer.lr=10 is not allowed",
    ),
    "one value for all": (["optimizer.lr=[0.1,1]", "seed=1,2"], "lossexp: optimizer.lr=[0.1, 1] is not allowed: "),
    "a tracker that cannot be": (["tracker=mlflow", "tracker.uri=here", "seed=1,2"], "here is no place where MLflow"),
    "none": (["seed=range(0)"], "seed=range(0) has no values, so this sweep has no runs."),
    "an interval": (["optimizer.lr=interval(0,1)"], "optimizer.lr=interval(0,1) has no single values to run."),
    "some do not fit": (["dataset=diabetes", "loss=mse,bce"], "1 of 2 runs do not fit: loss=bce needs class labels"),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED_SWEEPS.values(), ids=REFUSED_SWEEPS)
def test_a_mistake_in_a_sweep_is_found_before_anything_starts(arguments, message, command, folder):
    code, out, err = command("-m", *arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("lossexp: ")
    assert message in err
    assert "Traceback" not in err
    assert left_behind(folder) == []


def test_the_plus_that_hydra_teaches_is_understood(command, folder):
    code, out, _ = command("-m", "+experiment=overfit", "loss=mse,bce", "sweep.dry_run=true")
    assert code == 0
    assert out.startswith("2 runs, 400 epochs")
    code, out, _ = command("-m", "+grid=losses_and_rates", "sweep.dry_run=true")
    assert code == 0
    assert out.startswith("36 runs, ")


def test_settings_may_stand_on_both_sides_of_an_option(command, folder):
    code, out, err = command("seed=1,2", "-m", "loss=mse,bce", "sweep.dry_run=true")
    assert (code, err) == (0, "")
    assert out.startswith("4 runs, ")


def test_all_choices_can_be_listed_and_those_that_do_not_fit_left_out(command, folder):
    code, out, err = command("-m", *SMALL, "loss=glob(*)", "sweep.on_illegal=skip", "sweep.dry_run=true")
    assert (code, err) == (0, "")
    assert "Skipped: 1 of 30 runs do not fit: loss=formula: loss.value has no value yet." in out
    assert re.search(r"^\d+ runs, .* trained in", out, re.M)


def test_a_dry_run_of_a_single_run(command, folder):
    code, out, err = command("sweep.dry_run=true")
    assert (code, err) == (0, "")
    assert out.startswith("1 run, 100 epochs, trained in 1 stack(s) of 1: ")
    assert left_behind(folder) == []


def test_a_dry_run_shows_the_plan_and_leaves_nothing(command, folder):
    code, out, err = command("-m", "loss=mse,bce,cce", "optimizer.lr=0.1,1", "seed=range(3)", "sweep.dry_run=true")
    assert (code, err) == (0, "")
    assert out.startswith("18 runs, 1800 epochs, trained in 2 stack(s) of 6 to 12")
    assert "apart by number of outputs" in out
    assert re.search(r"about \d+ MiB", out)
    assert left_behind(folder) == []


def test_the_runs_of_a_sweep_are_those_of_hydras_own_launcher(command, folder, monkeypatch):
    """With a saved grid and a loss of the user, both from a folder of YAML files, and a setting that overrides one."""
    (folder / "mine" / "grid").mkdir(parents=True)
    (folder / "mine" / "loss").mkdir()
    swept = "hydra: {sweeper: {params: {loss: 'bce,own', optimizer.lr: '0.1,1', seed: range(9)}}}"
    (folder / "mine" / "grid" / "two.yaml").write_text(f"# @package _global_\n{swept}\n")
    (folder / "mine" / "loss" / "own.yaml").write_text("_target_: lossexp.losses.MSE\nlink: logistic\n")
    arguments = ("-m", "--config-dir", "mine", *SMALL, "grid=two", "optimizer.lr=0.5", "seed=7")
    ours, stock = [], []
    monkeypatch.setattr(runner, "sweep", lambda jobs, engine, impossible: ours.extend(jobs) or 0)
    assert command(*arguments)[0] == 0
    monkeypatch.setattr(runner, "run", lambda job: stock.append(job) or 0)
    assert command(*arguments, "hydra/launcher=basic", "hydra/sweeper=basic")[0] == 0
    assert [job.name for job in ours] == [job.name for job in stock]
    assert [(job.tree, job.experiment) for job in ours] == [(job.tree, job.experiment) for job in stock]
    settings = [(job.choices["loss"], job.experiment.optimizer.lr, job.experiment.seed) for job in ours]
    assert settings == [("bce", 0.5, 7), ("own", 0.5, 7)]


def test_one_run(command, folder):
    code, out, err = command(*SMALL)
    assert (code, err) == (0, "")
    assert "Completed after epoch 3." in out
    assert "folder   runs/records/moons/" in out
    assert left_behind(folder) == ["runs"]


def test_a_sweep(command, folder):
    code, out, err = command("-m", *SMALL, "loss=mse,bce", "seed=range(2)")
    assert (code, err) == (0, "")
    assert out.startswith("4 runs, 12 epochs, trained in 1 stack(s) of 4")
    assert left_behind(folder) == ["runs"]


def test_a_diverged_run_is_a_result_with_an_exit_code_of_its_own(command, folder):
    arguments = ("dataset=linear", "loss=mse", "optimizer=gd", "tracker=none", "training.epochs=20")
    code, out, err = command(*arguments, "optimizer.lr=100")
    assert code == 3
    assert "Diverged in epoch" in out
    assert "Traceback" not in err
    code, out, _ = command("-m", *arguments, "optimizer.lr=0.01,100")
    assert code == 3
    assert "1 of 2 runs diverged." in out


def test_interrupted_runs_keep_what_was_measured(command, folder, monkeypatch):
    trained = runner.train

    def interrupted(stack):
        yield next(trained(stack))
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "train", interrupted)
    code, _, err = command(*SMALL)
    assert code == 130
    assert err == "lossexp: interrupted; what was measured is kept.\n"
    assert "Traceback" not in err
    (done,) = folder.glob("runs/records/*/*/done.json")
    assert '"status": "KILLED"' in done.read_text()
    assert (done.parent / "history.csv").read_text().count("\n") == 2


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_closes_the_runs(ending, tmp_path):
    arguments = ("dataset=moons", "tracker=none", "training.epochs=1000000000", "seed=1,2")
    command = [sys.executable, "-m", "lossexp", "-m", *arguments]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as training:
        while not list(tmp_path.glob("runs/records/*/*/history.csv")):
            assert training.poll() is None
            time.sleep(0.05)
        training.send_signal(ending)
        _, err = training.communicate(timeout=60)
    hint = "The same command with sweep.resume=true goes on with the sweep."
    assert (training.returncode, err) == (128 + ending, f"lossexp: interrupted; what was measured is kept. {hint}\n")
    ends = [json.loads(path.read_text()) for path in tmp_path.glob("runs/records/*/*/done.json")]
    assert [(end["status"], end["description"]) for end in ends] == [
        ("KILLED", f"Ended by Terminated: {ending.name}")
    ] * 2


@pytest.mark.parametrize("mode", [[], ["-m"]])
def test_training_goes_on_when_nobody_reads_any_more(mode, tmp_path):
    command = [sys.executable, "-m", "lossexp", *mode, *SMALL]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as training:
        training.stdout.close()
        assert training.stderr.read() == b""
    assert training.returncode == 0
    assert len(list(tmp_path.glob("runs/records/*/*/done.json"))) == 1 + len(mode)


@pytest.mark.parametrize(
    ("mode", "hint"),
    [
        ([], ""),
        (["-m"], " The same command with sweep.resume=true goes on with the sweep."),
        (["--multirun", "sweep.resume=true"], " The same command goes on with the sweep."),
    ],
)
def test_a_disk_that_is_full_ends_with_a_message(mode, hint, command, folder, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(recorder.Recorder, "take", full)
    code, _, err = command(*mode, *SMALL)
    assert code == 2
    assert err == (
        f"lossexp: A file cannot be read or written: No space left on device. What was written before is kept.{hint}\n"
    )


def test_handlers_of_signals_are_put_back(command):
    before = signal.getsignal(signal.SIGTERM)
    assert command(*SMALL)[0] == 0
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_file_in_the_way_of_the_folder(command, folder):
    (folder / "runs").write_text("mine")
    for mode in ([], ["-m"]):
        code, _, err = command(*mode, *SMALL)
        assert code == 2
        assert re.fullmatch(
            r"lossexp: runs_dir=runs cannot be written: .*\. Choose another folder: runs_dir=PATH\n", err
        )
    assert (folder / "runs").read_text() == "mine"
    assert left_behind(folder) == ["runs"]


@pytest.mark.skipif(os.geteuid() == 0, reason="everything can be written by root")
def test_a_folder_that_cannot_be_written(command, folder):
    (folder / "runs").mkdir(mode=0o500)
    code, _, err = command(*SMALL)
    assert code == 2
    assert "runs_dir=runs cannot be written: Permission denied" in err


def test_files_that_cannot_be_read_are_named(command, folder):
    (folder / "mine" / "loss").mkdir(parents=True)
    for name, text in {"twice": "delta: 1\ndelta: 2", "tag": "delta: !!python/object/apply:os.getcwd []"}.items():
        (folder / "mine" / "loss" / f"{name}.yaml").write_text(f"_target_: lossexp.losses.Huber\n{text}\n")
    for mode, typed, wrong in (([], "tag", "tag"), (["-m"], "mse,twice", "twice")):
        code, out, err = command(*mode, "--config-dir", "mine", "dataset=linear", f"loss={typed}")
        assert (code, out) == (2, "")
        assert re.fullmatch(rf'lossexp: A YAML file cannot be read: .* in ".*/loss/{wrong}\.yaml", line \d.*\n', err)
    assert left_behind(folder) == ["mine"]


@pytest.mark.parametrize("swept", ["seed=range(2)", "optimizer={lr: 1},{lr: 2}"])
def test_what_hydra_cannot_read_without_assertions_is_said(swept, tmp_path):
    done = process(tmp_path, "-m", swept, PYTHONOPTIMIZE="1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "lossexp: Hydra reads range(), choice() and mappings by assertions: start Python without -O and "
        "PYTHONOPTIMIZE.\n"
    )


def test_a_secret_is_in_no_file(command, folder, monkeypatch):
    monkeypatch.setenv("LOSSEXP_TEST_SECRET", "0.000987654321")
    setting = 'optimizer.weight_decay="${oc.decode:${oc.env:LOSSEXP_TEST_SECRET}}"'
    for mode in ([], ["-m"]):
        assert command(*mode, *SMALL, setting)[0] == 0
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert len(written) > 10
    for path in written:
        assert b"987654321" not in path.read_bytes()
        assert "987654321" not in str(path)
    configs = [path.read_text() for path in folder.rglob("config.yaml")]
    assert all("${oc.env:LOSSEXP_TEST_SECRET}" in config for config in configs)


@pytest.mark.parametrize("arguments", [["--help"], ["--cfg", "job"], ["--version"]])
def test_questions_are_answered_and_leave_nothing(arguments, command, folder):
    code, out, err = command(*arguments)
    assert (code, err) == (0, "")
    assert out
    assert left_behind(folder) == []


def test_help_shows_choices_settings_and_examples(command):
    _, out, _ = command("--help")
    assert "python -m lossexp -m loss=mse,bce,cce optimizer.lr=0.01,0.1,1" in out
    for shown in (
        "loss: bce, ",
        "dataset: breast_cancer, ",
        "optimizer:",
        "weight_decay: 0.0",
        "patience",
        "--cfg job",
    ):
        assert shown in out
    assert max(map(len, out.splitlines())) < 400


@pytest.mark.parametrize("name", ["a space ünïcode-日本", "#hash 20%20?amp&semi;[brackets]'quote"])
def test_folders_with_awkward_names(name, command, folder, monkeypatch):
    awkward = folder / name
    awkward.mkdir()
    monkeypatch.chdir(awkward)
    code, out, err = command(*SMALL, f'runs_dir="{name}"')
    assert (code, err) == (0, "")
    assert len(list(awkward.glob("*/records/moons/*/done.json"))) == 1
    assert (awkward / name / "records").is_dir()
    assert re.search(rf"^folder   {re.escape(name)}/records/", out, re.M)


def test_a_mistake_as_a_process_ends_with_2_and_no_traceback(tmp_path):
    done = process(tmp_path, "optimizer.lr=-1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "lossexp: optimizer.lr=-1 is not allowed: expected a finite number at least 0.\n"
    assert left_behind(tmp_path) == []


def test_a_traceback_can_be_asked_for(tmp_path):
    done = process(tmp_path, "optimizer.lr=-1", HYDRA_FULL_ERROR="1")
    assert done.returncode == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert done.stderr.endswith("optimizer.lr=-1 is not allowed: expected a finite number at least 0.\n")


def test_output_in_a_pipe_is_plain_and_can_be_ascii(tmp_path):
    done = process(tmp_path, "-m", *SMALL, "loss=mse,bce", "seed=1,2", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, "")
    assert not CONTROL.search(done.stdout)
    assert done.stdout.isascii()


def test_one_run_in_a_pipe_is_plain_and_has_no_colours_even_where_they_are_forced_off(tmp_path):
    done = process(tmp_path, *SMALL, PYTHONIOENCODING="utf-8", TERM="dumb")
    assert (done.returncode, done.stderr) == (0, "")
    assert not CONTROL.search(done.stdout)
    assert "best epoch" in done.stdout


def test_code_of_a_users_own_that_fails_in_training_gets_one_message(command, folder):
    """Named with its line, and the run has failed; a sweep says the same of each."""
    faulty = (*SMALL, "dataset=linear", "loss=mae", "loss._target_=tests.faulty.Faulty", f"loss.fault={RAISES}")
    place = r"ZeroDivisionError: the user's own mistake \(line \d+ of faulty.py, in Faulty.value\)"
    code, _, said = command(*faulty)
    assert code == 3
    assert re.fullmatch(rf"lossexp: Code of your own failed with {place}\. .*\n", said)
    (done,) = (folder / "runs").glob("records/*/*/done.json")
    assert json.loads(done.read_text())["status"] == "FAILED"
    code, out, _ = command("-m", *faulty, "seed=1,2")
    assert code == 3
    assert re.search(place, " ".join(out.split()))


def test_a_divergence_as_a_process_ends_with_3(tmp_path):
    done = process(
        tmp_path,
        "dataset=linear",
        "loss=mse",
        "optimizer=gd",
        "optimizer.lr=100",
        "tracker=none",
        PYTHONIOENCODING="ascii",
    )
    assert (done.returncode, done.stderr) == (3, "")
    assert "Diverged in epoch" in done.stdout
    assert done.stdout.isascii()
