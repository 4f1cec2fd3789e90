"""A run on files of one's own, whose test rows are known: what it reported and what it predicts can be compared."""

from pathlib import Path

import numpy as np
import pandas as pd

from lossexp import runner
from lossexp.record import Record
from tests.composed import job


def flowers(n, seed):
    """Return rows with a number, a category, some missing values, and classes that depend on all of them."""
    rng = np.random.default_rng(seed)
    length, colour = rng.normal(size=n), rng.choice(["blue", "red", "white"], n)
    score = length + (colour == "red") - (colour == "blue") + 0.3 * rng.normal(size=n)
    return pd.DataFrame(
        {
            "length": np.where(rng.random(n) < 0.1, np.nan, length),
            "colour": colour,
            "kind": np.where(score > 0, "rose", "aster"),
            "species": np.array(["aster", "rose", "tulip"])[np.digitize(score, [-0.5, 0.5])],
            "price": 1000 + 50 * score,
            "count": rng.poisson(np.exp(score / 2)),
        }
    )


def write_files(folder, target, form="csv"):
    """Write rows for training, validation and testing, which have no other target than this one."""
    for name, n, seed in (("train", 200, 0), ("val", 50, 1), ("test", 60, 2)):
        rows = flowers(n, seed)[["length", "colour", target]]
        if form == "csv":
            rows.to_csv(folder / f"{name}.csv", index=False)
        else:
            rows.to_parquet(folder / f"{name}.parquet", index=False)


def run(target, *overrides, form="csv"):
    """Train in the current folder, which has no run yet, and return the record."""
    paths = ("dataset.path=train", "dataset.val_path=val", "dataset.test_path=test")
    given = (f"dataset={form}", *(f"{path}.{form}" for path in paths), f"dataset.target={target}")
    runner.run(job(*given, "training.epochs=20", "training.dtype=float64", "tracker=none", *overrides))
    (done,) = Path("runs").glob("records/*/*/done.json")
    return Record(done.parent)
