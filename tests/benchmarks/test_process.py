"""Whole commands, start-up and MLflow included."""

import os
import subprocess
import sys

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

    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    assert environment
    command("-m", "lossexp")
    seconds = side_by_side(
        rounds=5, lossexp=lambda: command("-m", "lossexp"), mlflow=lambda: command("-c", BARE_MLFLOW)
    )
    report("the default command, second use of a store", seconds, 1, {("lossexp", "mlflow"): 1.5})
