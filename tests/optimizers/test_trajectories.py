"""Trajectories of 100 steps equal those of the published update rules, and of PyTorch where it is installed."""

import itertools

import numpy as np
import pytest

from lossexp.optimizers import GD, SGD
from lossexp.stacking import merge

from . import reference

N_STEPS = 100
SHAPES = [(4, 6), (2, 5)]
"""Two layers of a model, (n_units, fan_in + 1)."""


def schedule(step):
    """Change the learning rate at every step: a velocity must outlive that."""
    return 0.5 + 0.5 * np.cos(step)


def problem(layer, seed=0):
    """Return a start, its bias mask, and the gradient of a convex function that jumps about from step to step."""
    rng = np.random.default_rng((seed, layer))
    shape = SHAPES[layer]
    start, bias = rng.standard_normal(shape), np.zeros(shape)
    bias[:, -1] = 1
    root = rng.standard_normal((start.size, start.size)) / np.sqrt(start.size)
    noise = rng.standard_normal((N_STEPS, *shape))
    return start, bias, lambda w, t: (root @ root.T @ w.ravel()).reshape(shape) + np.tanh(3 * w) + noise[t]


def trajectory(optimizer, n_runs, seeds, rates=schedule):
    """Return the parameters `(n_runs, n_units, fan_in + 1)` of each layer after every step."""
    problems = [[problem(layer, seed) for seed in seeds] for layer in range(len(SHAPES))]
    params = [np.stack([start for start, _, _ in runs], axis=1) for runs in problems]
    state = optimizer.init(params)
    for t in range(N_STEPS):
        lr = optimizer.lr * rates(t)
        gradients = [
            np.stack([gradient(param[:, run], t) for run, (_, _, gradient) in enumerate(runs)], axis=1)
            for param, runs in zip(params, problems, strict=True)
        ]
        factor = optimizer.gradient_factor(lr)
        optimizer.step(params, [gradient * factor for gradient in gradients], state, lr)
        yield [param.swapaxes(0, 1).copy() for param in params]


def published(optimizer, layer, seed):
    """Return w `(n_steps, n_units, fan_in + 1)` of one layer by the rule that the optimizer's fields ask for."""
    start, bias, gradient = problem(layer, seed)
    common = gradient, start, lambda t: optimizer.lr * schedule(t), optimizer.weight_decay, bias
    if isinstance(optimizer, GD) or optimizer.momentum == 0:
        steps = reference.gradient_descent(*common)
    else:
        rule = reference.nesterov if optimizer.nesterov else reference.heavy_ball
        steps = rule(*common, optimizer.momentum)
    return np.array(list(itertools.islice(steps, N_STEPS)))


OPTIMIZERS = [
    GD(lr=0.1),
    GD(lr=0.1, weight_decay=0.3),
    SGD(lr=0.1),
    SGD(lr=0.1, weight_decay=0.3),
    SGD(lr=0.1, momentum=0.9),
    SGD(lr=0.1, momentum=0.9, weight_decay=0.3),
    SGD(lr=0.1, momentum=0.9, nesterov=True),
    SGD(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.3),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_one_run_follows_the_published_rule(optimizer):
    steps = list(trajectory(optimizer, 1, seeds=[0]))
    for layer in range(len(SHAPES)):
        ours = np.array([layers[layer][0] for layers in steps])
        np.testing.assert_allclose(ours, published(optimizer, layer, 0), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("nesterov", [False, True])
def test_runs_with_hyperparameters_of_their_own_follow_their_own_rule(nesterov):
    """Learning rates, momenta and decays as columns, zeros among them."""
    each = [
        SGD(lr=lr, momentum=momentum, weight_decay=decay, nesterov=nesterov)
        for lr, momentum, decay in [(0.1, 0.9, 0.0), (0.02, 0.0, 0.3), (0.05, 0.5, 0.1), (0.0, 0.9, 0.1)]
    ]
    steps = list(trajectory(merge(each, np.dtype(float)), len(each), seeds=range(len(each))))
    for run, layer in itertools.product(range(len(each)), range(len(SHAPES))):
        ours = np.array([layers[layer][run] for layers in steps])
        np.testing.assert_allclose(ours, published(each[run], layer, run), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("optimizer", OPTIMIZERS[2:], ids=str)
def test_one_run_follows_pytorch(optimizer):
    torch = pytest.importorskip("torch")
    steps = list(trajectory(optimizer, 1, seeds=[0]))
    for layer in range(len(SHAPES)):
        start, _, gradient = problem(layer)
        weights, biases = (torch.tensor(part) for part in (start[:, :-1], start[:, -1:]))
        groups = [{"params": [weights], "weight_decay": optimizer.weight_decay}, {"params": [biases]}]
        theirs = torch.optim.SGD(groups, lr=1.0, momentum=optimizer.momentum, nesterov=optimizer.nesterov)
        for t in range(N_STEPS):
            for group in theirs.param_groups:
                group["lr"] = optimizer.lr * schedule(t)
            g = gradient(torch.hstack([weights, biases]).numpy(), t)
            weights.grad, biases.grad = torch.tensor(g[:, :-1]), torch.tensor(g[:, -1:])
            theirs.step()
            w = torch.hstack([weights, biases]).numpy()
            np.testing.assert_allclose(steps[t][layer][0], w, rtol=1e-12, atol=1e-12)
