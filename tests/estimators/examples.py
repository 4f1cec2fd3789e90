"""Rows to fit."""

from tests.trainings import drawn


def rows(target, n=60, d=3):
    """Return random features and targets that can be learnt in part."""
    split = drawn(target, n=n, d=d).train
    return split.X, split.y
