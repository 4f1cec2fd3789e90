"""Where everything meets: check, train, record, track, show."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lossexp import compatibility, ranking
from lossexp.config import Job
from lossexp.datasets.base import Data
from lossexp.errors import EXIT_DIVERGED, StorageError
from lossexp.recorder import Recorder
from lossexp.run import Run
from lossexp.stacking import Member, Stack
from lossexp.training import train

if TYPE_CHECKING:
    from lossexp.engines import Engine
    from lossexp.sweeping import Plan


def run(job: Job) -> int:
    """Do one run and show it. Return the exit code of the process.

    Raises:
        LossexpError: The parts do not fit together, or nothing can be written; nothing has been created then.
    """
    from lossexp import progress, terminal

    data = checked(job)
    terminal.data_cards([data.card])
    root = writable_folder(job.runs_dir)
    with job.tracker.start(root) as follower:
        recorder = Recorder(root, follower)
        the_run = recorder.open(job, data)
        stack = Stack([Member(job.experiment, data)])
        n_epochs = job.experiment.training.epochs
        with one_blas_thread(), progress.training(1, n_epochs, job.name) as shown, recorder.guard([the_run]):
            for epoch in train(stack):
                recorder.take(epoch, [the_run])
                shown.update(epoch, [the_run])
        with progress.waiting("filling MLflow"):
            tracking = follower.close()
        terminal.run_summary(the_run, tracking)
    return exit_code([the_run])


def sweep(jobs: Sequence[Job], engine: Engine) -> int:
    """Do the runs of a sweep together and show them. Return the exit code of the process.

    Raises:
        LossexpError: A job is not possible, or nothing can be written; nothing has been created then.
    """
    from lossexp import comparing, progress, terminal
    from lossexp.sweeping import plan

    settings = jobs[0].sweep
    planned = plan(jobs, settings)
    terminal.data_cards([member.data.card for member in planned.members])
    terminal.plan(planned, engine)
    if settings.dry_run:
        return 0
    with recording(jobs[0]) as recorder:
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
def recording(job: Job) -> Iterator[Recorder]:
    """Open the output folder and the tracker for the runs of one sweep, all like `job` in these; they share a tag."""
    root = writable_folder(job.runs_dir)
    with job.tracker.start(root) as follower:
        yield Recorder(root, follower, {"sweep": f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"})


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
    from lossexp import progress
    from lossexp.engines import Failure

    runs = [recorder.open(job, member.data, tags) for job, member in zip(planned.jobs, planned.members, strict=True)]
    todo = planned.stacks
    with one_blas_thread(), progress.training(len(runs), planned.n_epochs, label) as shown, recorder.guard(runs):
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


def one_blas_thread() -> AbstractContextManager[object]:
    """Return a context in which a matrix multiply keeps to one thread.

    The matrices are small: threads cost more than they give, and the cores are for other stacks. It also makes curves
    independent of the number of cores.
    """
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits


def exit_code(runs: Sequence[Run]) -> int:
    """Return 0 where every run ended well."""
    return 0 if all(run.problem is None for run in runs) else EXIT_DIVERGED


def checked(job: Job) -> Data:
    """Load the data of a job and refuse parts that do not fit together."""
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
