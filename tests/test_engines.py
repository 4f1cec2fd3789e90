"""Wherever stacks are trained, the results are the same and one that fails takes no other with it."""

import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from lossexp.engines import Engine, Failure
from lossexp.errors import ConfigError
from lossexp.experiment import Training
from lossexp.losses import MSE
from lossexp.optimizers import SGD
from lossexp.stacking import Stack
from lossexp.training import train
from tests.faulty import EXITS, KILLS, RAISES, RAISES_ITS_OWN, SOUND, Faulty
from tests.trainings import REGRESSION, drawn, member

DATA = drawn(REGRESSION)
TRAINING = Training(epochs=3, dtype="float64")
BACKENDS = ["threads", "loky", pytest.param("dask", marks=pytest.mark.cluster)]

each_backend = pytest.mark.parametrize("backend", BACKENDS)


def stack(*faults, marker="", lrs=(0.01,)):
    """Return a stack of runs with these faults, at each learning rate."""
    return Stack(
        [
            member(DATA, Faulty(fault=float(fault), marker=marker), optimizer=SGD(lr=lr), training=TRAINING)
            for fault in faults
            for lr in lrs
        ]
    )


def run(engine, stacks):
    """Return what happened to each stack, in order."""
    events = [[] for _ in stacks]
    for index, event in engine.run(stacks):
        events[index].append(event)
    return events


def numbers(events):
    """Return everything that was measured, without the time."""
    return [
        (
            epoch.number,
            epoch.runs.tolist(),
            {name: values.tolist() for name, values in epoch.metrics.items()},
            [(end.run, end.ending, end.epoch, [param.tolist() for param in end.params]) for end in epoch.finished],
        )
        for epoch in events
    ]


@pytest.fixture
def _dask(backend):
    if backend == "dask":
        pytest.importorskip("distributed")


@each_backend
@pytest.mark.usefixtures("_dask")
def test_results_do_not_depend_on_the_engine(backend):
    stacks = [stack(SOUND, lrs=(0.01 * (1 + number), 0.3)) for number in range(5)]
    events = run(Engine(backend=backend, n_jobs=2), stacks)
    assert [numbers(of_stack) for of_stack in events] == [numbers(train(one)) for one in stacks]


@each_backend
@pytest.mark.usefixtures("_dask")
@pytest.mark.parametrize("fault", [RAISES, EXITS, RAISES_ITS_OWN], ids=["raises", "exits", "raises its own"])
def test_an_error_ends_its_own_stack_only(backend, fault):
    events = run(Engine(backend=backend, n_jobs=2), [stack(SOUND), stack(fault), stack(SOUND, SOUND)])
    (failure,) = events[1]
    assert isinstance(failure, Failure)
    for sound in (events[0], events[2]):
        assert [epoch.number for epoch in sound] == [0, 1, 2, 3]


@pytest.mark.parametrize("backend", BACKENDS[1:])
@pytest.mark.usefixtures("_dask")
def test_what_a_killed_worker_was_doing_is_started_again(backend, tmp_path):
    stacks = [stack(SOUND), stack(KILLS, marker=str(tmp_path / "killed")), *(stack(SOUND) for _ in range(3))]
    events = run(Engine(backend=backend, n_jobs=2), stacks)
    assert (tmp_path / "killed").exists()
    assert [numbers(of_stack) for of_stack in events] == [numbers(train(stacks[0]))] * 5


@pytest.mark.parametrize("backend", ["loky", pytest.param("dask", marks=pytest.mark.cluster)])
@pytest.mark.usefixtures("_dask")
def test_a_stack_that_always_kills_its_worker_fails_alone(backend):
    events = run(Engine(backend=backend, n_jobs=2), [stack(SOUND), stack(KILLS), stack(SOUND)])
    (failure,) = events[1]
    assert isinstance(failure, Failure)
    for sound in (events[0], events[2]):
        assert [epoch.number for epoch in sound] == [0, 1, 2, 3]


def test_worker_processes_end_with_the_process_that_started_them_even_if_it_is_killed(tmp_path):
    """Those that train and those that are idle: they hold the pipe open that they were given with their parent."""
    marker = tmp_path / "training"
    hanging = f"t.stack(faulty.HANGS, marker={str(marker)!r})"
    asked = f"from tests import faulty, test_engines as t; t.run(t.Engine(backend='loky', n_jobs=2), [{hanging}])"
    parent = subprocess.Popen([sys.executable, "-c", asked], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 60
        while not marker.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        parent.kill()
    said, _ = parent.communicate(timeout=20)
    assert marker.exists(), said


def test_threads_yield_epochs_as_they_end():
    endless = Training(epochs=10**9)
    stacks = [Stack([member(DATA, MSE(), optimizer=SGD(lr=0.001 * n), training=endless)]) for n in (1, 2)]
    before = set(threading.enumerate())
    events = Engine(n_jobs=2).run(stacks)
    seen = [next(events) for _ in range(50)]
    assert {index for index, _ in seen} == {0, 1}
    events.close()
    assert set(threading.enumerate()) <= before  # threads of others may have ended meanwhile


def test_stacks_that_have_to_wait_are_not_started_when_all_is_given_up(monkeypatch):
    started = []

    def counted(one):
        started.append(one)
        yield from train(one)

    monkeypatch.setattr("lossexp.engines.train", counted)
    endless = Training(epochs=10**9)
    stacks = [Stack([member(DATA, MSE(), optimizer=SGD(lr=0.001), training=endless)]) for _ in range(5)]
    events = Engine(n_jobs=1).run(stacks)
    next(events)
    events.close()
    assert started == stacks[:1]


def test_nothing_to_train():
    assert list(Engine().run([])) == []


@pytest.mark.parametrize("n_jobs", [0, -2, 1.5])
def test_a_number_of_jobs_that_means_nothing_is_refused(n_jobs):
    with pytest.raises(ConfigError, match=rf"^n_jobs={n_jobs} is not allowed: expected a whole number at least 1"):
        Engine(n_jobs=n_jobs)


@pytest.mark.cluster
def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(distributed, "Client", lambda *_, **__: (_ for _ in ()).throw(OSError("timed out")))
    with pytest.raises(ConfigError, match=r"^hydra\.launcher\.address=tcp://127\.0\.0\.1:1: no Dask scheduler answers"):
        Engine(backend="dask", address="tcp://127.0.0.1:1").check()


def test_an_address_is_that_of_a_scheduler():
    with pytest.raises(ConfigError, match=r"^hydra\.launcher\.address=tcp://a:1 is that of a Dask .*backend=dask$"):
        Engine(address="tcp://a:1").check()


@pytest.mark.parametrize("backend", ["threads", "loky"])
def test_what_is_on_this_machine_needs_no_check(backend):
    Engine(backend=backend).check()


def test_dask_that_is_not_installed_is_said(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(ConfigError, match=r"backend=dask needs Dask.*pip install 'lossexp\[dask\]'"):
        Engine(backend="dask").check()


def test_the_curves_of_a_failed_stack_do_not_count():
    """What a stack yielded before its error is followed by the failure, so that the reader can forget it."""
    late = [np.inf]

    class Late(MSE):
        def value(self, raw, target):
            late[0] -= 1
            if late[0] == 0:
                raise ZeroDivisionError
            return super().value(raw, target)

    late[0] = 6
    broken = Stack([member(DATA, Late(), optimizer=SGD(lr=0.01), training=TRAINING)])
    (events,) = run(Engine(n_jobs=1), [broken])
    assert isinstance(events[-1], Failure)
