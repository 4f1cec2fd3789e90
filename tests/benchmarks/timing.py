"""How timings are taken: both sides in turns, on one core, medians compared."""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def one_core() -> Iterator[None]:
    """Pin the process to one core and BLAS to one thread."""
    if not hasattr(os, "sched_setaffinity"):
        with threadpool_limits(1):
            yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        with threadpool_limits(1):
            yield
    finally:
        os.sched_setaffinity(0, before)


def side_by_side(rounds: int = 9, warm_up: bool = True, **contestants: Callable[[], object]) -> dict[str, float]:
    """Return the median seconds of each contestant, run in turns so that a drift of the machine meets all alike."""
    for contestant in contestants.values() if warm_up else ():
        contestant()
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            start = time.perf_counter()
            contestant()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def report(title: str, seconds: dict[str, float], per: int, goals: dict[tuple[str, str], float]) -> None:
    """Print microseconds per step and run, and each ratio beside its goal; fail where a ratio is above its goal."""
    print(f"\n{title}")
    for name, value in seconds.items():
        print(f"  {name:<34} {value / per * 1e6:10.2f} µs")
    missed = []
    for (ours, theirs), goal in goals.items():
        ratio = seconds[ours] / seconds[theirs]
        print(f"  {ours} / {theirs}: {ratio:.3f} (goal {goal:g})")
        if ratio > goal:
            missed.append(f"{ours} / {theirs} = {ratio:.3f} > {goal:g}")
    assert not missed, "; ".join(missed)
