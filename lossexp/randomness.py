"""Random streams: one per run and purpose, so that no run and no purpose disturbs another."""

from __future__ import annotations

from typing import Literal

import numpy as np

Purpose = Literal["sample", "split", "noise", "init", "order"]
_STREAMS: dict[Purpose, int] = {"sample": 0, "split": 1, "noise": 2, "init": 3, "order": 4}


def stream(seed: int, purpose: Purpose) -> np.random.Generator:
    """Return the generator of one purpose of the run with this seed.

    Two runs with the same seed draw the same data, split, initial weights and order, whatever else differs: that is
    what makes losses comparable pair by pair.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAMS[purpose],)))
