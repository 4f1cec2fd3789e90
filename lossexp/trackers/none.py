"""No tracker: the run folder is all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lossexp.trackers.base import Follower, Tracker, TrackingSummary


@dataclass(frozen=True, kw_only=True)
class NoTracker(Tracker):
    """Tracks nothing. `python -m lossexp.sync` can fill a store from the run folders later."""

    def start(self, root: Path) -> Follower:
        """Return a follower that ignores all news."""
        return _Ignoring()


class _Ignoring(Follower):
    def changed(self, record: Path) -> None:
        pass

    def close(self, timeout: float | None = None) -> TrackingSummary:
        return TrackingSummary()
