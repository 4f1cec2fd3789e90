"""What is timed: our kernel, its bare matrix multiplies, PyTorch and JAX, on the same shapes."""

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from lossexp import randomness
from lossexp.datasets import Data, Digits, Split
from lossexp.evaluation import Evaluator
from lossexp.experiment import Experiment, Training
from lossexp.losses import CCE, Loss
from lossexp.models import MLP, Linear
from lossexp.optimizers import SGD
from lossexp.stacking import Member, Stack, arrange
from lossexp.stepping import Stepper
from lossexp.targets import Target, Task

DIGITS = Digits(val_fraction=0.2, test_fraction=0.0)
BATCH = 32
STEPS = 45
"""An epoch of 1437 digits in batches of 32."""


def model_of(sizes: Sequence[int]) -> Linear | MLP:
    return MLP(hidden=tuple(sizes[1:-1])) if len(sizes) > 2 else Linear()


def stack_of(
    n_runs: int, sizes: Sequence[int], losses: Sequence[Loss] = (CCE(),), n_seeds: int = 1, max_stack: int = 1000
) -> Stack:
    """Return a stack of runs on digits whose learning rates all differ."""
    data = {seed: DIGITS.load(seed) for seed in range(n_seeds)}
    members = [
        Member(
            Experiment(
                dataset=DIGITS,
                loss=losses[run % len(losses)],
                model=model_of(sizes),
                optimizer=SGD(lr=0.01 * (1 + run / n_runs), batch_size=BATCH),
                seed=run % n_seeds,
            ),
            data[run % n_seeds],
        )
        for run in range(n_runs)
    ]
    return Stack([members[run] for run in arrange(members)])


def training_epoch(stack: Stack) -> Callable[[], None]:
    """Return what takes one epoch of steps."""
    stepper = Stepper(stack, _params(stack), {m.stream: randomness.stream(0, "order") for m in stack.streams})

    def epoch() -> None:
        with np.errstate(all="ignore"):
            stepper.run_epoch(1)

    return epoch


def evaluation(stack: Stack) -> Callable[[], None]:
    """Return what measures loss and metrics of both splits."""
    evaluators = Evaluator(stack, stack.train, "train"), Evaluator(stack, stack.val, "val")
    params = _params(stack)

    def evaluate() -> None:
        for evaluator in evaluators:
            evaluator.measure(params)

    return evaluate


def _params(stack: Stack) -> list[np.ndarray]:
    """Return parameters as in the middle of a training, where no two scores are equal."""
    rngs = [randomness.stream(run, "init") for run in range(stack.n_runs)]
    params = stack.model.initial_params(stack.n_features, stack.n_outputs, rngs, stack.dtype)
    rng = np.random.default_rng(0)
    for param in params:
        param += 0.1 * rng.standard_normal(param.shape).astype(stack.dtype)
    return params


def multiplies(n_runs: int, sizes: Sequence[int], batch: int = BATCH, steps: int = STEPS) -> Callable[[], None]:
    """Return the matrix multiplies of an epoch and nothing else: the floor under any implementation with this BLAS."""
    rng = np.random.default_rng(0)

    def random(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32)

    products = []
    for layer, (fan_in, n_units) in enumerate(itertools.pairwise(sizes)):
        if layer == 0:
            weights, X, summed = (
                random(n_runs * n_units, fan_in + 1),
                random(batch, fan_in + 1),
                random(n_runs * n_units, batch),
            )
            products += [(weights, X.T, summed.copy()), (summed, X, weights.copy())]
        else:
            weights, active, raw = (
                random(n_runs, n_units, fan_in + 1),
                random(n_runs, fan_in + 1, batch),
                random(n_runs, n_units, batch),
            )
            backward = weights[:, :, :-1].swapaxes(1, 2)
            products += [
                (weights, active, raw.copy()),
                (raw, active.swapaxes(1, 2), weights.copy()),
                (backward, raw, random(n_runs, fan_in, batch)),
            ]

    def epoch() -> None:
        for _ in range(steps):
            for a, b, out in products:
                np.matmul(a, b, out=out)

    return epoch


def torch_epoch(sizes: Sequence[int], batch: int = BATCH, steps: int = STEPS) -> Callable[[], None]:
    """Return an epoch of one run in PyTorch, eager, on one thread."""
    import pytest

    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    layers = [layer for a, b in itertools.pairwise(sizes) for layer in (torch.nn.Linear(a, b), torch.nn.ReLU())]
    net = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    criterion = torch.nn.CrossEntropyLoss()
    X, y = torch.randn(batch * steps, sizes[0]), torch.randint(0, sizes[-1], (batch * steps,))

    def epoch() -> None:
        order = torch.randperm(len(X))
        shuffled_X, shuffled_y = X[order], y[order]
        for start in range(0, len(X), batch):
            optimizer.zero_grad()
            criterion(net(shuffled_X[start : start + batch]), shuffled_y[start : start + batch]).backward()
            optimizer.step()

    return epoch


def jax_epoch(n_runs: int, sizes: Sequence[int]) -> Callable[[], None]:
    """Return an epoch of all runs in JAX: vmap over runs, scan over steps, compiled before it is timed."""
    import pytest

    jax = pytest.importorskip("jax")
    jnp = jax.numpy
    rng = np.random.default_rng(0)
    X = jnp.asarray(rng.standard_normal((STEPS, BATCH, sizes[0])).astype(np.float32))
    y = jnp.asarray(rng.integers(sizes[-1], size=(STEPS, BATCH)))

    def loss(params, X, y):
        active = X
        for weights, bias in params[:-1]:
            active = jax.nn.relu(active @ weights + bias)
        raw = active @ params[-1][0] + params[-1][1]
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(raw), y[:, None], 1))

    def one_run(params, lr):
        def step(params, batch):
            gradients = jax.grad(loss)(params, *batch)
            return jax.tree.map(lambda p, g: p - lr * g, params, gradients), None

        return jax.lax.scan(step, params, (X, y))[0]

    compiled = jax.jit(jax.vmap(one_run))
    params = [
        (jnp.asarray(0.1 * rng.standard_normal((n_runs, a, b)).astype(np.float32)), jnp.zeros((n_runs, b)))
        for a, b in itertools.pairwise(sizes)
    ]
    lrs = jnp.linspace(0.01, 0.02, n_runs)
    return lambda: jax.block_until_ready(compiled(params, lrs))


def wide_stack(sizes: Sequence[int], batch: int, n_examples: int) -> Stack:
    """Return one run on random data of any size, for networks larger than digits needs."""
    rng = np.random.default_rng(0)
    split = Split(rng.standard_normal((n_examples, sizes[0])), rng.integers(sizes[-1], size=n_examples))
    target = Target(Task.MULTICLASS, sizes[-1])
    names = tuple(map(str, range(sizes[-1])))
    data = Data("random", target, split, split, split, names, tuple(map(str, range(sizes[0]))), "")
    experiment = Experiment(
        dataset=DIGITS, loss=CCE(), model=model_of(sizes), optimizer=SGD(batch_size=batch), training=Training(epochs=1)
    )
    return Stack([Member(experiment, data)])
