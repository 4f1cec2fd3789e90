"""Trackers, one per file: where curves go besides the run folder."""

from lossexp.trackers.base import Follower, TrackedRun, Tracker, TrackingSummary
from lossexp.trackers.mlflow import Mlflow
from lossexp.trackers.none import NoTracker

__all__ = ["Follower", "Mlflow", "NoTracker", "TrackedRun", "Tracker", "TrackingSummary"]
