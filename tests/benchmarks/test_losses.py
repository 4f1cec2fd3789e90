"""The gradient of every loss against the passes over memory that its formula needs: microseconds per batch."""

import numpy as np
import pytest

from lossexp import losses as ours
from lossexp.losses import Loss
from lossexp.targets import Target, Task, encode

from .timing import one_core, report, side_by_side

pytestmark = pytest.mark.benchmark

N_RUNS, N_SAMPLES, REPEATS = 64, 128, 50
REGRESSION, BINARY, TEN_CLASSES = Target(Task.REGRESSION), Target(Task.BINARY, 2), Target(Task.MULTICLASS, 10)

SIGMOID = "negative exp add reciprocal"
SIGMOIDS = "negative exp minimum add reciprocal multiply"
"""Of both classes."""
SOFTMAX = "minimum.reduce maximum.reduce exp add.reduce divide"
TRUE_CLASS = "multiply add.reduce log* add*"
"""Its raw score, and from that the surprisal."""

PASSES: list[tuple[Loss, Target, str]] = [
    (ours.MSE(), REGRESSION, "subtract multiply"),
    (ours.MAE(), REGRESSION, "subtract sign multiply"),
    (ours.Huber(), REGRESSION, "subtract maximum minimum multiply"),
    (ours.SmoothL1(), REGRESSION, "subtract divide maximum minimum multiply"),
    (ours.LogCosh(), REGRESSION, "subtract tanh multiply"),
    (ours.Pinball(), REGRESSION, "subtract greater subtract multiply"),
    (ours.EpsilonInsensitive(), REGRESSION, "subtract absolute greater sign multiply multiply"),
    (ours.Cauchy(), REGRESSION, "subtract divide square add divide multiply"),
    (ours.Tukey(), REGRESSION, "subtract absolute divide minimum square subtract square multiply multiply"),
    (ours.Poisson(), REGRESSION, "exp subtract multiply"),
    (ours.Gamma(), REGRESSION, "negative exp minimum multiply subtract multiply"),
    (ours.Tweedie(), REGRESSION, "multiply exp multiply exp minimum multiply subtract multiply"),
    (
        ours.GaussianNLL(),
        REGRESSION,
        "subtract* negative* exp* minimum* multiply* multiply* subtract* divide* multiply",
    ),
    (ours.BCE(), BINARY, f"{SIGMOID} subtract multiply"),
    (ours.Hinge(), BINARY, "multiply less negative multiply multiply"),
    (ours.SquaredHinge(), BINARY, "multiply minimum subtract multiply multiply multiply"),
    (ours.ModifiedHuber(), BINARY, "multiply maximum minimum subtract multiply multiply multiply"),
    (ours.Exponential(), BINARY, "multiply negative exp negative multiply multiply"),
    (ours.Savage(), BINARY, f"multiply multiply {SIGMOIDS} multiply square multiply multiply multiply"),
    (ours.Brier(), BINARY, f"{SIGMOIDS} multiply multiply subtract multiply multiply multiply"),
    (
        ours.Focal(),
        BINARY,
        f"{SIGMOID} subtract absolute exp add log maximum multiply subtract add negative exp subtract "
        "maximum divide multiply minimum multiply add square multiply multiply multiply",
    ),
    (ours.CCE(), TEN_CLASSES, f"{SOFTMAX} multiply subtract"),
    (ours.KL(), TEN_CLASSES, f"{SOFTMAX} multiply subtract"),
    (ours.Brier(), TEN_CLASSES, f"{SOFTMAX} subtract multiply multiply add.reduce subtract multiply"),
    (ours.Focal(), TEN_CLASSES, f"{TRUE_CLASS} {SOFTMAX} subtract multiply exp* subtract* divide* multiply* square*"),
    (ours.Poly1(), TEN_CLASSES, f"{TRUE_CLASS} {SOFTMAX} subtract multiply exp* multiply* add*"),
    (ours.GCE(), TEN_CLASSES, f"{TRUE_CLASS} {SOFTMAX} subtract multiply multiply* exp*"),
    (ours.SCE(), TEN_CLASSES, f"{TRUE_CLASS} {SOFTMAX} subtract multiply exp* multiply* subtract*"),
    (ours.Squentropy(), TEN_CLASSES, f"{SOFTMAX} subtract multiply multiply multiply add"),
    (
        ours.CrammerSinger(),
        TEN_CLASSES,
        "multiply add.reduce add maximum.reduce equal add.reduce divide subtract multiply",
    ),
    (ours.Hinge(), TEN_CLASSES, "multiply less negative multiply multiply"),
]
"""Loss, kind of target, and what its gradient needs; * marks a pass over one output only."""


def passes(names: str, raw: np.ndarray, target: np.ndarray):
    """Return the passes with nothing around them; differences and products are with the targets of all runs."""
    out, ufuncs = np.empty_like(raw), []
    for name in names.split():
        size = slice(0, 1) if name.endswith("*") else slice(None)
        ufunc, _, reduce = name.rstrip("*").partition(".")
        other = target[size] if ufunc in ("subtract", "multiply") else 0.5
        ufuncs.append((getattr(np, ufunc), bool(reduce), raw[size], other, out[size]))

    def run():
        for ufunc, reduces, source, other, result in ufuncs:
            if reduces:
                ufunc.reduce(source, axis=0)
            elif ufunc.nin == 1:
                ufunc(source, out=result)
            else:
                ufunc(source, other, out=result)

    return run


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_cost_their_passes(dtype):
    rng = np.random.default_rng(0)
    seconds, goals = {}, {}
    with one_core(), np.errstate(all="ignore"):
        for loss, target, names in PASSES:
            settled = loss.on(target)
            n_outputs = settled.n_outputs(target)
            y = rng.integers(0, target.n_classes, N_SAMPLES) if target.n_classes else rng.gamma(2, 1, N_SAMPLES)
            encoded = encode(y, target, n_outputs, dtype)[:, None]
            raw = np.abs(rng.normal(0, 2, (n_outputs, N_RUNS, N_SAMPLES))).astype(dtype)
            weight, out = np.full((N_RUNS, 1), 1 / N_SAMPLES, dtype=dtype), np.empty_like(raw)

            def gradient(settled=settled, raw=raw, encoded=encoded, weight=weight, out=out):
                for _ in range(REPEATS):
                    settled.weighted_gradient(raw, encoded, weight, out)

            bare = passes(names, raw, encoded)
            name = f"{loss.__module__.rpartition('.')[2]}, {target}"
            timed = side_by_side(gradient=gradient, passes=lambda bare=bare: [bare() for _ in range(REPEATS)])
            seconds[name], seconds[f"{name}: passes"] = timed["gradient"], timed["passes"]
            goals[name, f"{name}: passes"] = 2.0
    report(f"gradient of 64 runs, batch {N_SAMPLES}, {dtype}", seconds, REPEATS, goals)
