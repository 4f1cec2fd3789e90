"""Engines: where the stacks of a sweep are trained, on threads, processes or a cluster.

An engine yields what happens to each stack in the order in which it becomes known. It decides neither what is in a
stack nor what is computed, so results do not depend on it.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from lossexp.components import Component, PositiveCount
from lossexp.errors import ConfigError, in_words
from lossexp.stacking import Stack
from lossexp.training import Epoch, train

ATTEMPTS = 3
"""How often stacks are started in all when workers die under them."""

_SECONDS_TO_ANSWER = 10
"""How long a Dask scheduler may take to answer."""

_SECONDS_WITHOUT_PARENT = 1
"""How long a worker process may outlive the one that started it."""


@dataclass(frozen=True)
class Failure:
    """A stack ended with an error; what it yielded before does not count.

    Attributes:
        reason: The error in words: an error of a user's own may not survive the way from another process.
    """

    reason: str


Event = tuple[int, Epoch | Failure]
"""Index of a stack, and what happened to it."""


@dataclass(frozen=True, kw_only=True)
class Engine(Component):
    """Where stacks are trained.

    Attributes:
        backend: threads share memory, and NumPy lets them run at once; loky starts processes; dask uses a cluster.
        n_jobs: Stacks at once; -1 for one per core.
        address: Address of a running Dask scheduler; None starts workers on this machine.
    """

    backend: Literal["threads", "loky", "dask"] = "threads"
    n_jobs: PositiveCount | Literal[-1] = -1
    address: str | None = None

    def check(self) -> None:
        """Look whether stacks can be trained there, before anything is made.

        Raises:
            ConfigError: There is no Dask, or no scheduler at the address.
        """
        if self.address and self.backend != "dask":
            raise ConfigError(
                f"hydra.launcher.address={self.address} is that of a Dask scheduler, but hydra.launcher.backend="
                f"{self.backend}. Add hydra.launcher.backend=dask"
            )
        if self.backend == "dask":
            _import_dask()
        if self.address:
            with _client(self.address, self.n_jobs):
                pass

    def run(self, stacks: Sequence[Stack]) -> Iterator[Event]:
        """Train all stacks.

        Yields:
            Epochs as they end with threads, all epochs of a stack at its end with processes and clusters.
        """
        if self.backend == "threads":
            yield from self._on_threads(stacks)
        elif self.backend == "loky":
            yield from _on_processes(stacks, self.n_jobs)
        else:
            yield from _on_cluster(stacks, self.address, self.n_jobs)

    def _on_threads(self, stacks: Sequence[Stack]) -> Iterator[Event]:
        from joblib import effective_n_jobs

        events: queue.SimpleQueue[tuple[int, Epoch | Failure | None]] = queue.SimpleQueue()
        abandoned = threading.Event()

        def work(index: int) -> None:
            try:
                for epoch in train(stacks[index]):
                    if abandoned.is_set():
                        return
                    events.put((index, epoch))
            except BaseException as error:
                events.put((index, Failure(in_words(error))))
            finally:
                events.put((index, None))

        pool = ThreadPoolExecutor(effective_n_jobs(self.n_jobs))
        try:
            for index in range(len(stacks)):
                pool.submit(work, index)
            n_open = len(stacks)
            while n_open:
                index, event = events.get()
                if event is None:
                    n_open -= 1
                else:
                    yield index, event
        finally:
            abandoned.set()
            pool.shutdown(cancel_futures=True)


def _on_processes(stacks: Sequence[Stack], n_jobs: int) -> Iterator[Event]:
    """Train in processes of this machine; what a process that died was doing is started again in another."""
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    pending = dict(enumerate(stacks))
    for attempt in range(1, ATTEMPTS + 1):
        # The last attempt goes one by one, so that a stack that kills its worker takes no other one with it.
        batches = [list(pending)] if attempt < ATTEMPTS else [[index] for index in pending]
        for batch in batches:
            with parallel_config("loky", n_jobs=n_jobs, initializer=_end_with, initargs=(os.getpid(),)):
                parallel = Parallel(batch_size=1, return_as="generator_unordered")
            try:
                for index, outcome in parallel(delayed(_train_fully)(index, pending[index]) for index in batch):
                    del pending[index]
                    yield from ((index, event) for event in outcome)
            except TerminatedWorkerError as error:
                if attempt == ATTEMPTS:
                    yield batch[0], Failure(in_words(error))
        if not pending:
            return


def _end_with(parent: int) -> None:
    """Run first in a worker: see to it that it ends with the process that started it, which may be killed any time."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_SECONDS_WITHOUT_PARENT)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _on_cluster(stacks: Sequence[Stack], address: str | None, n_jobs: int) -> Iterator[Event]:
    """Train on a Dask cluster, which itself starts again elsewhere what a worker that died was doing."""
    with _client(address, n_jobs) as client:
        from distributed import KilledWorker, as_completed

        futures = {client.submit(_train_fully, index, stack, pure=False): index for index, stack in enumerate(stacks)}
        for future in as_completed(list(futures)):
            try:
                index, outcome = future.result()
                yield from ((index, event) for event in outcome)
            except KilledWorker as error:
                yield futures[future], Failure(in_words(error))
            future.release()


def _train_fully(index: int, stack: Stack) -> tuple[int, list[Epoch | Failure]]:
    """Run in a worker: train a stack to its end, with one BLAS thread as everywhere."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        try:
            return index, list(train(stack))
        except (Exception, SystemExit) as error:
            return index, [Failure(in_words(error))]


def _client(address: str | None, n_jobs: int) -> Any:
    """Return a client of a Dask cluster, one with workers of its own where there is no address."""
    from joblib import effective_n_jobs

    dask = _import_dask()
    try:
        if address:
            return dask.Client(address, timeout=_SECONDS_TO_ANSWER)
        return dask.Client(n_workers=effective_n_jobs(n_jobs), threads_per_worker=1, dashboard_address=None)
    except (OSError, ValueError) as error:
        raise ConfigError(f"hydra.launcher.address={address}: no Dask scheduler answers there ({error}).") from error


def _import_dask() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise ConfigError(
            "hydra.launcher.backend=dask needs Dask, which is not installed. Install it: pip install 'lossexp[dask]'"
        ) from error
    return distributed
