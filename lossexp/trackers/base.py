"""The contract of a tracker: run folders in, a projection of them somewhere else out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from lossexp.components import Component

Curve = Literal["loss", "gap", "accuracy", "log_loss", "brier", "rmse", "mae", "r2"]


@dataclass(frozen=True)
class TrackedRun:
    """Where a tracker keeps a run; `link` is None where nobody serves pages yet."""

    experiment_id: str
    run_id: str
    link: str | None = None


@dataclass(frozen=True)
class TrackingSummary:
    """What became of the run folders: where they are tracked, what shows them, and what went wrong, in one message."""

    runs: Mapping[Path, TrackedRun] = field(default_factory=dict)
    problem: str | None = None
    command: str | None = None


class Follower(ABC):
    """Follows the run folders of one command. Training never waits for it and never fails because of it."""

    @abstractmethod
    def changed(self, record: Path) -> None:
        """Take note that a run folder has news. Neither blocks nor raises."""

    @abstractmethod
    def close(self, timeout: float | None = None) -> TrackingSummary:
        """Wait until all that was noted is projected, at most `timeout` seconds. May be called again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Let go without waiting: what was noted is still projected."""
        self.close(timeout=0)


@dataclass(frozen=True, kw_only=True)
class Tracker(Component, ABC):
    """Projects run folders, which are the source of truth, to where they can be compared.

    Attributes:
        curves: Metrics whose curves are tracked, such as loss and accuracy, on both splits; None for all. The run
            folder has all of them.
    """

    curves: tuple[Curve, ...] | None = None

    def check(self) -> None:
        """Look for what is known to fail, before anything is made.

        Raises:
            StorageError: Tracking cannot work as it is set up.
        """
        return

    @abstractmethod
    def start(self, root: Path) -> Follower:
        """Begin to follow.

        Args:
            root: The output folder, absolute; run folders lie below `root / "records"`.

        Raises:
            StorageError: Following cannot begin.
        """
