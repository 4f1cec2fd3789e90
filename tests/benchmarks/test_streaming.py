"""Tables larger than memory: speed against rows in memory, memory of the whole process, growth with the rows."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from lossexp.datasets import Data, Split
from lossexp.experiment import Experiment, Training
from lossexp.losses import BCE
from lossexp.optimizers import SGD
from lossexp.rows import FileRows
from lossexp.stacking import Member, Stack
from lossexp.targets import Target, Task
from lossexp.training import train

from .timing import report, side_by_side

pytestmark = pytest.mark.benchmark

N_ROWS, N_FEATURES = 11_000_000, 28
"""As many as the HIGGS data (Baldi, Sadowski and Whiteson, 2014) has."""
PIECE = 500_000


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    """Rows of random numbers as an NPY file, and labels that depend on them in another."""
    folder = tmp_path_factory.mktemp("large")
    rng = np.random.default_rng(0)
    weights = rng.standard_normal(N_FEATURES)
    X = np.lib.format.open_memmap(folder / "X.npy", "w+", np.float32, (N_ROWS, N_FEATURES))
    y = np.lib.format.open_memmap(folder / "y.npy", "w+", np.int8, (N_ROWS,))
    for start in range(0, N_ROWS, PIECE):
        X[start : start + PIECE] = piece = rng.standard_normal((PIECE, N_FEATURES), dtype=np.float32)
        y[start : start + PIECE] = piece @ weights + 3 * rng.standard_normal(PIECE) > 0
    return folder


def stack_on(folder: Path, n_rows: int, *, in_memory: bool, n_runs: int = 1) -> Stack:
    """Return runs on the first rows of the table, a tenth of which validate as well."""
    offset = (folder / "X.npy").stat().st_size - N_ROWS * N_FEATURES * 4
    labels = np.load(folder / "y.npy", mmap_mode="r")

    def split(n: int) -> Split:
        rows = FileRows(folder / "X.npy", offset, (n, N_FEATURES), np.dtype(np.float32))
        return Split(rows[:] if in_memory else rows, labels[:n].astype(np.int64))

    names = tuple(map(str, range(N_FEATURES)))
    splits = split(n_rows), split(n_rows // 10), split(0)
    data = Data("large", Target(Task.BINARY, 2), *splits, ("0", "1"), names, "")
    experiments = [
        Experiment(None, BCE(), optimizer=SGD(lr=0.01 * (1 + run), batch_size=1024), training=Training(epochs=1))
        for run in range(n_runs)
    ]
    return Stack([Member(experiment, data) for experiment in experiments])


def epoch(stack: Stack) -> None:
    """Train for one epoch and measure before and after it."""
    for _ in train(stack):
        pass


@pytest.mark.parametrize("n_runs", [1, 16])
def test_a_file_is_nearly_as_fast_as_memory(table, n_runs):
    n_rows = N_ROWS if n_runs == 1 else N_ROWS // 10
    on_disk, in_memory = (stack_on(table, n_rows, in_memory=where, n_runs=n_runs) for where in (False, True))
    with threadpool_limits(1):
        seconds = side_by_side(rounds=3, streamed=lambda: epoch(on_disk), in_memory=lambda: epoch(in_memory))
    title = f"{n_rows} rows of {N_FEATURES}, {n_runs} runs, per row and run"
    report(title, seconds, n_rows * n_runs, {("streamed", "in_memory"): 1 / 0.7})


def test_memory_does_not_grow_with_the_file(table, tmp_path):
    """The whole command, first time: the table is read, checked, prepared, written to the cache and trained on."""
    command = [sys.executable, "-m", "lossexp", "tracker=none", "loss=bce", "dataset=npy", "training.epochs=1"]
    files = [f"dataset.path={table / 'X.npy'}", f"dataset.target_path={table / 'y.npy'}"]
    batches = ["optimizer.batch_size=1024", "optimizer.lr=0.01"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    start, peak = time.perf_counter(), 0.0
    arguments = [*command, *files, *batches]
    with subprocess.Popen(arguments, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL) as run:
        while run.poll() is None:
            peak = max(peak, peak_gib(run.pid))
            time.sleep(0.05)
    size, seconds = (table / "X.npy").stat().st_size / 2**30, time.perf_counter() - start
    print(f"\n{size:.2f} GiB of features: peak memory {peak:.2f} GiB, {seconds:.0f} s with one epoch")
    assert run.returncode == 0
    assert peak < 1


def peak_gib(pid: int) -> float:
    """Return the peak memory of a process; `getrusage` would count that of its parent before it started."""
    with contextlib.suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0]) / 2**20
    return 0.0


def test_cost_grows_linearly_with_the_rows(table):
    print("\nrows        s per epoch   ns per row")
    per_row = []
    for n_rows in (10_000, 100_000, 1_000_000, 10_000_000):
        stack = stack_on(table, n_rows, in_memory=False)
        with threadpool_limits(1):
            seconds = side_by_side(rounds=3, epoch=lambda stack=stack: epoch(stack))["epoch"]
        per_row.append(seconds / n_rows * 1e9)
        print(f"{n_rows:<11} {seconds:11.3f} {per_row[-1]:12.0f}")
    assert per_row[-1] < 1.5 * per_row[1]
