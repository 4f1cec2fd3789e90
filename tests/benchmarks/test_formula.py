"""A loss written as text against its twin written by hand: value and gradient, as training asks for them."""

import numpy as np
import pytest

from lossexp import losses as ours
from lossexp.losses import Loss
from lossexp.losses.formula import formula
from lossexp.targets import Target, Task, encode

from .timing import one_core, report, side_by_side

pytestmark = pytest.mark.benchmark

REPEATS = 20
REGRESSION, BINARY, TEN_CLASSES = Target(Task.REGRESSION), Target(Task.BINARY, 2), Target(Task.MULTICLASS, 10)

M = "(2*target - 1)*raw"
TWINS: list[tuple[Loss, Loss, Target]] = [
    (formula("(raw - target)**2"), ours.MSE(), REGRESSION),
    (formula("abs(raw - target)"), ours.MAE(), REGRESSION),
    (
        formula("where(abs(raw-target) <= d, (raw-target)**2/2, d*(abs(raw-target) - d/2))", d=1),
        ours.Huber(),
        REGRESSION,
    ),
    (
        formula("(raw-target)**2/(2*b) if abs(raw-target) < b else abs(raw-target) - b/2", b=1),
        ours.SmoothL1(),
        REGRESSION,
    ),
    (formula("max(tau*(target - raw), (tau - 1)*(target - raw))", tau=0.3), ours.Pinball(tau=0.3), REGRESSION),
    (formula("max(0, abs(raw - target) - e)", e=0.1), ours.EpsilonInsensitive(), REGRESSION),
    (formula("c**2/6 * (1 - max(0, 1 - ((raw - target)/c)**2)**3)", c=2), ours.Tukey(scale=2), REGRESSION),
    (formula("s**2/2 * log(1 + ((raw - target)/s)**2)", s=2), ours.Cauchy(scale=2), REGRESSION),
    (formula("log(cosh(raw - target))"), ours.LogCosh(), REGRESSION),
    (formula("raw + target*exp(-raw) - log(target) - 1", link="log"), ours.Gamma(), REGRESSION),
    (formula("log(1 + exp(raw)) - target*raw"), ours.BCE(), BINARY),
    (formula(f"max(0, 1 - {M})"), ours.Hinge(), BINARY),
    (formula(f"max(0, 1 - {M})**2"), ours.SquaredHinge(), BINARY),
    (formula(f"where({M} >= -1, max(0, 1 - {M})**2, -4*{M})"), ours.ModifiedHuber(), BINARY),
    (formula(f"exp(-{M})"), ours.Exponential(), BINARY),
    (formula(f"1/(1 + exp(2*{M}))**2"), ours.Savage(), BINARY),
    (formula("-log(p)"), ours.CCE(), TEN_CLASSES),
    (formula("-(1 - p)**gamma * log(p)", gamma=2), ours.Focal(), TEN_CLASSES),
    (formula("(1 - p**q)/q", q=0.7), ours.GCE(), TEN_CLASSES),
    (formula("-log(p) + epsilon*(1 - p)", epsilon=1), ours.Poly1(epsilon=1), TEN_CLASSES),
]


@pytest.mark.parametrize(("n_runs", "n_samples"), [(1, 32), (64, 32), (64, 256), (1, 10_000)])
def test_a_formula_costs_at_most_half_as_much_again_as_its_twin(n_runs, n_samples):
    """Except for one run in small batches, where a microsecond for each call is all that is measured."""
    rng = np.random.default_rng(0)
    seconds, goals = {}, {}
    with one_core(), np.errstate(all="ignore"):
        for text, twin, target in TWINS:
            n_outputs = twin.n_outputs(target)
            y = rng.integers(0, target.n_classes, n_samples) if target.n_classes else rng.exponential(2, n_samples)
            encoded = encode(y, target, n_outputs, np.float32)[:, None]
            raw = rng.normal(0, 2, (n_outputs, n_runs, n_samples)).astype(np.float32)
            weight, out = np.full((n_runs, 1), 1 / n_samples, dtype=np.float32), np.empty_like(raw)

            def work(loss, raw=raw, encoded=encoded, weight=weight, out=out):
                for _ in range(REPEATS):
                    loss.weighted_gradient(raw, encoded, weight, out)
                    loss.value(raw, encoded)

            name = f"{twin.__module__.rpartition('.')[2]}, {target}"
            settled = text.on(target), twin.on(target)
            timed = side_by_side(text=lambda: work(settled[0]), hand=lambda: work(settled[1]))  # noqa: B023
            seconds[f"{name}: text"], seconds[f"{name}: by hand"] = timed["text"], timed["hand"]
            goals[f"{name}: text", f"{name}: by hand"] = 1.5
    report(f"value and gradient of {n_runs} runs, batch {n_samples}", seconds, REPEATS, goals)
