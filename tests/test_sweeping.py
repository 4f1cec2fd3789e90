"""A sweep before it starts: every job checked, each different one once, grouped into stacks."""

import dataclasses
import importlib
import itertools
import re
import tracemalloc

import numpy as np
import pytest
from scipy.sparse import random_array

from lossexp.datasets import Split
from lossexp.errors import ConfigError, IncompatibleError
from lossexp.experiment import Training
from lossexp.losses import BCE
from lossexp.optimizers import GD, SGD
from lossexp.rows import FileRows
from lossexp.stacking import Stack
from lossexp.sweeping import Plan, plan
from lossexp.training import train
from tests.composed import SMALL, jobs, small_jobs
from tests.trainings import BINARY, drawn, member


def planned(*arguments):
    """Return the plan of a sweep of small runs."""
    listed = small_jobs(*arguments)
    return plan(listed, listed[0].sweep)


def names(of_plan, stack):
    """Return loss, learning rate and seed of each run of a stack."""
    experiments = [of_plan.jobs[index].experiment for index in stack]
    return [(type(one.loss).__name__, one.optimizer.lr, one.seed) for one in experiments]


def test_everything_that_may_differ_goes_into_one_stack():
    of_losses = planned("loss=mse,bce,squared_hinge", "optimizer.lr=0.01,0.1", "seed=range(3)")
    (stack,) = of_losses.stacks
    assert sorted(stack) == list(range(18))
    assert of_losses.reason == "all alike but for what may differ in a stack"
    settings = (
        "optimizer.momentum=0,0.9",
        "optimizer.weight_decay=0,0.1",
        "schedule=constant,cosine",
        "loss.link=logistic",
    )
    of_settings = planned("loss=mse", *settings, "early_stopping=never,patience", "dataset.noise_seed=1,2")
    assert len(of_settings.stacks) == 1
    assert len(of_settings.jobs) == 32


def test_the_run_axis_has_equal_losses_and_seeds_beside_each_other():
    of_losses = planned("seed=range(2)", "loss=mse,bce", "optimizer.lr=0.01,0.1")
    (stack,) = of_losses.stacks
    assert names(of_losses, stack) == [
        (loss, lr, seed) for loss in ("MSE", "BCE") for seed in (0, 1) for lr in (0.01, 0.1)
    ]


@pytest.mark.parametrize(
    ("arguments", "n_stacks", "reason"),
    [
        (["loss=bce,cce"], 2, "apart by number of outputs"),
        (["model=linear,mlp"], 2, "apart by model"),
        (["model=mlp", "model.hidden=[4],[8],[4,4]"], 3, "apart by model"),
        (["training.epochs=1,2"], 2, "apart by training"),
        (["training.dtype=float32,float64"], 2, "apart by training"),
        (["optimizer.batch_size=8,16"], 2, "apart by batch size"),
        (["optimizer=gd,sgd"], 2, "apart by batch size"),
        (["dataset.n_samples=50,60"], 2, "apart by dataset"),
        (["loss=bce,cce", "model=linear,mlp", "seed=1,2"], 4, "apart by model, number of outputs"),
    ],
)
def test_what_cannot_be_in_one_stack_is_kept_apart_and_said(arguments, n_stacks, reason):
    of_jobs = planned(*arguments)
    assert len(of_jobs.stacks) == n_stacks
    assert of_jobs.reason == reason


def test_datasets_of_another_task_are_kept_apart():
    listed = [*small_jobs("loss=mse"), *jobs(*SMALL[2:], "dataset=linear", "loss=mse")]
    of_jobs = plan(listed, listed[0].sweep)
    assert of_jobs.stacks == [[0], [1]]
    assert "dataset" in of_jobs.reason


def test_groups_that_are_too_large_are_cut_evenly():
    of_seeds = planned("loss=bce", "seed=range(10)", "training.max_stack=4")
    assert sorted(len(stack) for stack in of_seeds.stacks) == [3, 3, 4]
    assert sorted(sum(of_seeds.stacks, [])) == list(range(10))
    assert of_seeds.reason == "all alike but for what may differ in a stack; cut at training.max_stack"
    assert [len(stack) for stack in planned("seed=range(8)", "training.max_stack=4").stacks] == [4, 4]


@pytest.mark.parametrize(
    ("n_seeds", "limit", "sizes"), [(4, 6, [6, 6]), (4, 7, [6, 6]), (3, 5, [3, 3, 3]), (1, 2, [2, 1])]
)
def test_runs_that_see_the_same_examples_are_not_cut_apart(n_seeds, limit, sizes):
    cut = planned(f"seed=range({n_seeds})", "optimizer.lr=0.1,0.2,0.3", f"training.max_stack={limit}")
    assert [len(stack) for stack in cut.stacks] == sizes
    seeds = [{cut.jobs[index].experiment.seed for index in stack} for stack in cut.stacks]
    assert n_seeds == 1 or not any(one & other for one, other in itertools.pairwise(seeds))


def test_what_is_asked_for_twice_is_run_once():
    doubled = planned("loss=mse,mse,bce", "optimizer.lr=1,1.0,1e0", "seed=1,1")
    assert [(job.choices["loss"], job.experiment.seed) for job in doubled.jobs] == [("mse", 1), ("bce", 1)]
    assert doubled.skipped == ["16 of 18 runs repeat others."]


def test_the_data_of_a_seed_is_loaded_once():
    of_losses = planned("loss=mse,bce", "seed=range(3)")
    assert len({id(member.data) for member in of_losses.members}) == 3


def test_runs_that_do_not_fit_are_listed_with_those_that_would():
    with pytest.raises(IncompatibleError) as refused:
        planned("loss=mse,mae,pinball", "seed=range(2)")
    lines = str(refused.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "2 of 6 runs do not fit",
        "2 of 6 runs do not fit",
        "Losses for two classes",
        "To run only the others",
    ]
    assert "loss=mae needs a continuous target, but dataset=moons has two classes" in lines[0]
    assert "loss=pinball" in lines[1]
    assert re.search(r"\bbce, .*\bcce, .*\bmse\b", lines[2])
    assert lines[-1] == "To run only the others: sweep.on_illegal=skip"


def test_runs_that_do_not_fit_can_be_skipped():
    of_losses = planned("loss=mse,mae,bce", "seed=range(2)", "sweep.on_illegal=skip")
    assert {job.choices["loss"] for job in of_losses.jobs} == {"mse", "bce"}
    assert len(of_losses.jobs) == 4
    (skipped,) = of_losses.skipped
    assert skipped.startswith("2 of 6 runs do not fit: loss=mae needs a continuous target")


def test_jobs_that_could_not_be_built_are_listed_with_those_that_do_not_fit():
    listed = jobs(*SMALL, "loss=mse,mae")
    with pytest.raises(IncompatibleError) as refused:
        plan(listed, listed[0].sweep, {"optimizer=lbfgs: optimizer.lr=5 is not allowed": 2})
    lines = str(refused.value).splitlines()
    assert lines[0] == "2 of 4 runs do not fit: optimizer=lbfgs: optimizer.lr=5 is not allowed"
    assert lines[1].startswith("1 of 4 runs do not fit: loss=mae")


def test_a_sweep_of_which_nothing_fits_is_refused():
    with pytest.raises(IncompatibleError, match=r"2 of 2 runs do not fit: loss=mae(?s:.)*(?<!skip)$"):
        planned("loss=mae", "seed=1,2", "sweep.on_illegal=skip")


def test_only_the_first_of_many_problems_are_shown():
    with pytest.raises(IncompatibleError) as refused:
        planned("loss=mae,huber,pinball,log_cosh,smooth_l1,cauchy,tukey")
    lines = str(refused.value).splitlines()
    assert ["runs do not fit: loss=" in line for line in lines] == [True] * 5 + [False] * 3
    assert lines[5] == "... and 2 more such reasons."
    assert lines[6].startswith("Losses for two classes: ")


@pytest.mark.parametrize("arguments", [["runs_dir=a,b"], ["tracker=none,mlflow"], ["sweep.on_illegal=error,skip"]])
def test_runs_of_a_sweep_are_written_to_one_place(arguments):
    listed = jobs(*SMALL[:-1], *arguments)
    with pytest.raises(ConfigError, match=r"^(runs_dir|tracker|sweep) is not the same for all runs of this sweep\."):
        plan(listed, listed[0].sweep)


def test_epochs_are_counted():
    assert planned("training.epochs=2,5", "seed=range(3)").n_epochs == 21


@pytest.mark.parametrize("model", ["linear", "mlp"])
def test_the_memory_that_is_announced_is_about_what_is_taken(model):
    """Within a factor of two either way, measured by NumPy's own accounts."""
    arguments = "dataset=moons", "dataset.n_samples=20000", "training.epochs=1", "tracker=none", f"model={model}"
    listed = jobs(*arguments, "loss=mse,bce", "seed=range(8)", "optimizer.batch_size=512")
    of_jobs = plan(listed, listed[0].sweep)
    assert 0.5 < announced_of_taken(of_jobs.members) < 2


def announced_of_taken(members):
    """Return the memory that is announced for a stack by the most that NumPy accounts for while it is trained."""
    importlib.import_module("scipy.optimize")  # whose code would count
    tracemalloc.start()
    for _ in train(Stack(members)):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return Plan([], members, [], "", []).stack_bytes(range(len(members))) / peak


def in_file(X, path):
    """Return features as rows of a file."""
    X.tofile(path)
    return FileRows(path, 0, X.shape, X.dtype)


READ_IN_PIECES = {
    "file": ((40_000, 200), lambda shape, path: in_file(np.ones(shape, dtype=np.float32), path)),
    "sparse": ((10_000, 5000), lambda shape, path: random_array(shape, density=0.002, format="csr", rng=0)),
}


@pytest.mark.parametrize("optimizer", [SGD(), GD()], ids=["batches", "all at once"])
@pytest.mark.parametrize(("shape", "rows"), READ_IN_PIECES.values(), ids=READ_IN_PIECES)
def test_the_memory_of_what_is_read_in_pieces_is_that_of_the_pieces(shape, rows, optimizer, tmp_path):
    split = Split(rows(shape, tmp_path / "rows"), np.arange(shape[0]) % 2)
    data = dataclasses.replace(drawn(BINARY), train=split, val=split)
    training = Training(epochs=1, measure_test=False)
    rates = (dataclasses.replace(optimizer, lr=lr) for lr in (0.1, 0.2))
    members = [member(data, BCE(), optimizer=rate, training=training) for rate in rates]
    assert 0.5 < announced_of_taken(members) < 2


def test_the_memory_grows_with_the_stack():
    of_seeds = planned("seed=range(8)", "model=mlp")
    sizes = np.array([of_seeds.stack_bytes(range(n)) for n in (1, 2, 4, 8)])
    growth = np.diff(sizes)
    assert growth[2] == 2 * growth[1] == 4 * growth[0] > 0
