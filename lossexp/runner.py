"""Where everything meets: check, train, record, track, show."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lossexp import compatibility, leftovers, ranking, resuming
from lossexp.config import Job
from lossexp.datasets.base import Data
from lossexp.errors import EXIT_DIVERGED, ConfigError, StorageError, in_words
from lossexp.recorder import Recorder
from lossexp.run import Run
from lossexp.stacking import Member, Stack
from lossexp.training import Epoch, train

if TYPE_CHECKING:
    from lossexp.engines import Engine
    from lossexp.sweeping import Plan


def run(job: Job) -> int:
    """Do one run and show it. Return the exit code of the process.

    Raises:
        LossexpError: The parts do not fit together, or nothing can be written; nothing has been created then.
    """
    from lossexp import progress, terminal
    from lossexp.engines import Engine

    if job.sweep.dry_run:
        return sweep([job], Engine())
    if job.sweep.resume:
        raise ConfigError("sweep.resume=true goes on with a sweep, and this is a single run. Add -m if it is one.")
    data = checked(job)
    terminal.data_cards([data.card])
    with recording(job) as recorder:
        the_run = recorder.open(job, data)
        stack = Stack([Member(job.experiment, data)])
        n_epochs = job.experiment.training.epochs
        with one_blas_thread(), progress.training(1, n_epochs, job.name) as shown, recorder.guard([the_run]):
            for epoch in _epochs(stack):
                recorder.take(epoch, [the_run])
                shown.update(epoch, [the_run])
        with progress.waiting("filling MLflow"):
            tracking = recorder.follower.close()
        terminal.run_summary(the_run, tracking)
    return exit_code([the_run])


def _epochs(stack: Stack) -> Iterator[Epoch]:
    """Train; code of a user's that ends the process has failed, whatever exit code it asks for."""
    try:
        yield from train(stack)
    except SystemExit as error:
        raise RuntimeError(f"The code of a component ended the process: {in_words(error)}") from error


def sweep(jobs: Sequence[Job], engine: Engine, impossible: Mapping[str, int] | None = None) -> int:
    """Do the runs of a sweep together and show them. Return the exit code of the process.

    Args:
        jobs: What is to be run.
        engine: Where it is trained.
        impossible: How many more jobs there were that could not be built, by reason.

    Raises:
        LossexpError: A job is not possible, or nothing can be written; nothing has been created then.
    """
    from lossexp import comparing, progress, terminal
    from lossexp.sweeping import plan

    settings = jobs[0].sweep
    planned = plan(jobs, settings, impossible)
    terminal.data_cards([member.data.card for member in planned.members])
    terminal.plan(planned, engine)
    if settings.dry_run:
        return 0
    engine.check()
    with recording(jobs[0], planned) as recorder:
        runs = train_together(planned, engine, recorder, "sweep")
        datasets = ranking.by_dataset(runs)
        compared = comparing.Compared.of_sweep(datasets)
        for same in datasets.values():
            recorder.sum_up(ranking.rank(same), same, compared)
        with progress.waiting("filling MLflow"):
            tracking = recorder.follower.close()
        terminal.sweep_summary(runs, tracking, compared, recorder.reports)
    return exit_code(runs)


@contextmanager
def recording(job: Job, planned: Plan | None = None) -> Iterator[Recorder]:
    """Open the output folder and the tracker for the runs of one command, all like `job` in these.

    Those of a sweep, which is planned, share a tag: a new one, or that of a sweep that was cut off. Runs that a killed
    command left open are closed.

    Raises:
        StorageError: Nothing can be written there, or the sweep to go on with is still running.
    """
    from lossexp import terminal

    root = writable_folder(job.runs_dir)
    with leftovers.running(root) as left, job.tracker.start(root) as follower:
        if left:
            goes_on = any("sweep" in record.sheet.tags for record in left) and not job.sweep.resume
            hint = " Its command with sweep.resume=true goes on with a sweep." if goes_on else ""
            terminal.say(f"Closed {len(left)} run(s) that a killed command had left open.{hint}")
        asked = {name: value for name, value in job.params().items() if name in ("tracker", "tracker.uri")}
        for record in left:
            if asked.items() <= record.sheet.params.items():
                follower.changed(record.path)
        if not planned:
            yield Recorder(root, follower)
            return
        new_tag = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
        with resuming.sweep_of(root, planned, new_tag) as (tag, begun):
            if job.sweep.resume and not begun:
                same = "with the same settings, data, code of your own and version"
                terminal.say(f"No sweep here has any of these runs, {same}: all are trained.")
            yield Recorder(root, follower, {"sweep": tag}, begun)


def train_together(
    planned: Plan, engine: Engine, recorder: Recorder, label: str, tags: Mapping[str, str] | None = None
) -> list[Run]:
    """Train what was planned, and return the runs in the order of its jobs.

    Args:
        planned: The jobs, grouped into stacks.
        engine: Where the stacks are trained.
        recorder: Keeps the records.
        label: What progress is shown under.
        tags: Tags of these runs, besides those of the recorder.
    """
    from lossexp import progress, terminal
    from lossexp.engines import Failure

    runs: list[Run] = []
    with one_blas_thread(), recorder.guard(runs):
        for job, member in zip(planned.jobs, planned.members, strict=True):
            runs.append(recorder.open(job, member.data, tags))
        # A stack is trained as it was planned, whoever of it has ended before: every number is that of the whole sweep.
        todo = [stack for stack in planned.stacks if not all(runs[index].is_closed for index in stack)]
        trained = [runs[index] for stack in todo for index in stack]
        if recorder.begun:
            terminal.say(_ended_before(runs, trained))
        n_epochs = sum(run.job.experiment.training.epochs for run in trained)
        with progress.training(len(trained), n_epochs, label) as shown:
            while todo:
                stacks = [Stack([planned.members[index] for index in stack]) for stack in todo]
                again: list[list[int]] = []
                for number, event in engine.run(stacks):
                    members = [runs[index] for index in todo[number]]
                    if isinstance(event, Failure):
                        again += recorder.failed(event.reason, todo[number], members)
                    else:
                        recorder.take(event, members)
                        shown.update(event, members)
                todo = again
    recorder.settle(runs)
    return runs


def _ended_before(runs: Sequence[Run], trained: Sequence[Run]) -> str:
    """Say what of a sweep that goes on there is already, and why a part of that is trained nevertheless."""
    said = f"{sum(run.is_closed for run in runs)} of {len(runs)} runs have ended before."
    if any(run.is_closed for run in trained):
        said += f" {len(trained)} are trained: the others, and what shares a stack with them, which stays as it is."
    return said


def one_blas_thread() -> AbstractContextManager[object]:
    """Return a context in which a matrix multiply keeps to one thread.

    The matrices are small: threads cost more than they give, and the cores are for other stacks. It also makes curves
    and verdicts independent of the number of cores.
    """
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits


def exit_code(runs: Sequence[Run]) -> int:
    """Return 0 where every run ended well."""
    return 0 if all(run.problem is None for run in runs) else EXIT_DIVERGED


def checked(job: Job) -> Data:
    """Load the data of a job and refuse parts that do not fit together."""
    job.tracker.check()
    data = job.experiment.dataset.load(job.experiment.seed)
    compatibility.check(job.experiment, data, job.choices)
    return data


def writable_folder(runs_dir: str) -> Path:
    """Return the absolute path of the output folder, made if it is missing.

    Raises:
        StorageError: It cannot be made or written.
    """
    root = Path(runs_dir).expanduser().absolute()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as error:
        raise StorageError(
            f"runs_dir={runs_dir} cannot be written: {error.strerror} ({root}). Choose another folder: runs_dir=PATH"
        ) from error
    return root
