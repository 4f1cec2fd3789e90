"""Whole commands, start-up and MLflow included."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .timing import report, side_by_side

pytestmark = pytest.mark.benchmark

BARE_MLFLOW = """
import os, time
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
from mlflow import MlflowClient
from mlflow.entities import Metric

client = MlflowClient("sqlite:///" + os.path.abspath("runs/mlflow.db"))
run = client.create_run(client.get_experiment_by_name("breast_cancer").experiment_id)
names = ["gap", *(f"{s}/{m}" for s in ("train", "val") for m in ("loss", "accuracy", "log_loss", "brier"))]
points = [Metric(name, 0.5, int(time.time() * 1000), epoch) for epoch in range(101) for name in names]
for start in range(0, len(points), 1000):
    client.log_batch(run.info.run_id, points[start : start + 1000])
client.set_terminated(run.info.run_id)
"""


def test_one_run_costs_little_more_than_mlflow_alone(tmp_path):
    def command(*arguments):
        subprocess.run([sys.executable, *arguments], cwd=tmp_path, check=True, capture_output=True)

    command("-m", "lossexp")
    seconds = side_by_side(
        rounds=5, lossexp=lambda: command("-m", "lossexp"), mlflow=lambda: command("-c", BARE_MLFLOW)
    )
    report("the default command, second use of a store", seconds, 1, {("lossexp", "mlflow"): 1.5})


SWEEP = ["loss=mse,cce", "optimizer.lr=0.001,0.003,0.01,0.03,0.1,0.3,1,3", "seed=range(4)"]
"""64 runs of 100 epochs on digits, with four curves each in MLflow."""

OURS = ["-m", "lossexp", "-m", "dataset=digits", "dataset.test_fraction=0", "tracker.curves=[loss,accuracy]"]


def test_a_sweep_against_the_usual_way(tmp_path):
    usual = Path(__file__).with_name("usual_way.py")
    overrides = [override.removeprefix("optimizer.") for override in SWEEP]

    def ours():
        subprocess.run([sys.executable, *OURS, *SWEEP], cwd=tmp_path, check=True, capture_output=True)

    def theirs():
        environment = {**os.environ, "STORE": str(tmp_path / "usual.db")}
        command = [sys.executable, str(usual), "-m", *overrides]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, env=environment)

    seconds = side_by_side(rounds=1, warm_up=False, lossexp=ours, usual_way=theirs)
    report("64 runs, whole process", seconds, 64, {("lossexp", "usual_way"): 1 / 15})


def test_cost_grows_with_the_number_of_runs(tmp_path):
    counts = (10, 30, 100, 300, 1000)
    seconds, peaks = {}, {}
    for count in counts:
        sweep = [*OURS, "loss=mse,cce", "optimizer.lr=0.01,0.03,0.1,0.3,1", f"seed=range({count // 10})"]
        start = time.perf_counter()
        child = subprocess.Popen([sys.executable, *sweep], cwd=tmp_path, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        assert status == 0
        seconds[count], peaks[count] = time.perf_counter() - start, usage.ru_maxrss / 2**20
    print("\nruns   seconds   seconds per run   peak GiB")
    for count in counts:
        print(f"{count:>4} {seconds[count]:9.1f} {seconds[count] / count:17.3f} {peaks[count]:10.2f}")
    assert seconds[1000] < 60
    assert peaks[1000] < 1.5
    assert (seconds[1000] - seconds[300]) / 700 < 1.5 * (seconds[300] - seconds[30]) / 270
