"""Trajectories of 100 steps of the optimizers that keep averages, against PyTorch and against the published rules."""

import itertools

import numpy as np
import pytest

from lossexp.early_stopping import Patience
from lossexp.experiment import Training
from lossexp.losses import BCE, CCE, GCE, CrammerSinger, Focal, Hinge, Squentropy
from lossexp.optimizers import SGD, Adagrad, Adam, AdamW, Lion, Nadam, RMSprop, Rprop
from lossexp.stacking import merge

from ..trainings import THREE_CLASSES, drawn, member, trained
from .test_trajectories import N_STEPS, SHAPES, problem, schedule, trajectory


def adagrad(torch, o, groups):
    return torch.optim.Adagrad(groups, lr=o.lr, eps=o.epsilon)


def rmsprop(torch, o, groups):
    return torch.optim.RMSprop(groups, lr=o.lr, alpha=o.decay, eps=o.epsilon)


def adam(torch, o, groups):
    return torch.optim.Adam(groups, lr=o.lr, betas=(o.beta1, o.beta2), eps=o.epsilon)


def adamw(torch, o, groups):
    return torch.optim.AdamW(groups, lr=o.lr, betas=(o.beta1, o.beta2), eps=o.epsilon, weight_decay=0)


def nadam(torch, o, groups):
    return torch.optim.NAdam(groups, lr=o.lr, betas=(o.beta1, o.beta2), eps=o.epsilon, momentum_decay=o.momentum_decay)


def rprop(torch, o, groups):
    for group in groups:
        group.pop("weight_decay", None)
    return torch.optim.Rprop(groups, lr=o.lr, etas=(o.decrease, o.increase), step_sizes=(o.min_step, o.max_step))


PYTORCH = [
    (Adagrad(lr=0.1), adagrad),
    (Adagrad(lr=0.1, weight_decay=0.3), adagrad),
    (RMSprop(lr=0.02), rmsprop),
    (RMSprop(lr=0.02, decay=0.9, weight_decay=0.3), rmsprop),
    (Adam(lr=0.1), adam),
    (Adam(lr=0.1, beta1=0.5, beta2=0.9, epsilon=0.01, weight_decay=0.3), adam),
    (AdamW(lr=0.1), adamw),
    (AdamW(lr=0.1, weight_decay=0.3), adamw),
    (Nadam(lr=0.1), nadam),
    (Nadam(lr=0.1, momentum_decay=0.1, weight_decay=0.3), nadam),
    (Rprop(lr=0.1), rprop),
    (Rprop(lr=0.1, increase=1.5, decrease=0.3, min_step=0.01, max_step=0.2), rprop),
]


@pytest.fixture
def torch():
    """PyTorch in float64: it keeps the product of Nadam's momenta in its default precision."""
    torch = pytest.importorskip("torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(before)


@pytest.mark.parametrize(("optimizer", "make"), PYTORCH, ids=[str(row[0]) for row in PYTORCH])
def test_one_run_follows_pytorch(optimizer, make, torch):
    """Rprop of PyTorch knows no schedule: its learning rate stays."""
    rates = schedule if make is not rprop else (lambda t: 1.0)
    steps = list(trajectory(optimizer, 1, seeds=[0], rates=rates))
    for layer in range(len(SHAPES)):
        start, _, gradient = problem(layer)
        weights, biases = (torch.tensor(part) for part in (start[:, :-1], start[:, -1:]))
        theirs = make(
            torch, optimizer, [{"params": [weights], "weight_decay": optimizer.weight_decay}, {"params": [biases]}]
        )
        for t in range(N_STEPS):
            for group in theirs.param_groups:
                group["lr"] = optimizer.lr * rates(t)
            g = gradient(torch.hstack([weights, biases]).numpy(), t)
            weights.grad, biases.grad = torch.tensor(g[:, :-1]), torch.tensor(g[:, -1:])
            theirs.step()
            w = torch.hstack([weights, biases]).numpy()
            np.testing.assert_allclose(steps[t][layer][0], w, rtol=1e-12, atol=1e-12)


def published_lion(optimizer, layer, seed):
    """Yield w by Algorithm 2 of Chen et al. (2023), biases without decay."""
    w, bias, gradient = problem(layer, seed)
    m = 0 * w
    for t in range(N_STEPS):
        g, lr = gradient(w, t), optimizer.lr * schedule(t)
        c = optimizer.beta1 * m + (1 - optimizer.beta1) * g
        w = w - lr * (np.sign(c) + optimizer.weight_decay * w * (1 - bias))
        m = optimizer.beta2 * m + (1 - optimizer.beta2) * g
        yield w


@pytest.mark.parametrize("optimizer", [Lion(lr=0.01), Lion(lr=0.01, beta1=0.5, beta2=0.8, weight_decay=0.3)], ids=str)
def test_lion_follows_its_algorithm(optimizer):
    steps = list(trajectory(optimizer, 1, seeds=[0]))
    for layer in range(len(SHAPES)):
        ours = np.array([layers[layer][0] for layers in steps])
        np.testing.assert_allclose(ours, list(published_lion(optimizer, layer, 0)), rtol=1e-12, atol=1e-12)


STACKS = [
    [Adam(lr=0.1), Adam(lr=0.02, beta1=0.5, weight_decay=0.3), Adam(lr=0.05, beta2=0.9, epsilon=0.1)],
    [AdamW(lr=0.1), AdamW(lr=0.02, beta1=0.5, weight_decay=0.3), AdamW(lr=0.05, beta2=0.9, epsilon=0.1)],
    [Nadam(lr=0.1), Nadam(lr=0.02, beta1=0.5, weight_decay=0.3), Nadam(lr=0.05, momentum_decay=0.1)],
    [RMSprop(lr=0.1), RMSprop(lr=0.02, decay=0.5, weight_decay=0.3), RMSprop(lr=0.05, epsilon=0.1)],
    [Adagrad(lr=0.1), Adagrad(lr=0.02, weight_decay=0.3), Adagrad(lr=0.05, epsilon=0.1)],
    [Lion(lr=0.1), Lion(lr=0.02, beta1=0.5, weight_decay=0.3), Lion(lr=0.05, beta2=0.5)],
    [Rprop(lr=0.1), Rprop(lr=0.02, increase=1.5, weight_decay=0.3), Rprop(lr=0.05, max_step=0.1)],
]


@pytest.mark.parametrize("each", STACKS, ids=lambda each: type(each[0]).__name__)
def test_runs_with_hyperparameters_of_their_own_go_as_they_go_alone(each):
    together = list(trajectory(merge(each, np.dtype(float)), len(each), seeds=range(len(each))))
    for run, optimizer in enumerate(each):
        alone = list(trajectory(optimizer, 1, seeds=[run]))
        for t, layer in itertools.product(range(N_STEPS), range(len(SHAPES))):
            np.testing.assert_allclose(together[t][layer][run], alone[t][layer][0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("optimizer", [Adam(lr=0.1), AdamW(lr=0.1), Lion(lr=0.1), Rprop(lr=0.1)], ids=str)
def test_the_first_step_is_the_learning_rate_whatever_the_gradient(optimizer):
    params = [np.zeros((1, 1, 4))]
    state = optimizer.init(params)
    optimizer.step(params, [np.array([[[1e-3, -1e-3, 1e3, -1e3]]])], state, 0.1)
    np.testing.assert_allclose(params[0][0, 0], [-0.1, 0.1, -0.1, 0.1], rtol=1e-4)


def test_in_training_a_run_is_what_it_is_alone_though_others_leave_the_stack():
    """One diverges in its first epochs and one stops early; the averages and counts of the others go on."""
    data = drawn(THREE_CLASSES)
    training, patience = Training(epochs=30, dtype="float64"), Patience(patience=1, min_delta=0.05)
    runs = [
        member(data, loss, optimizer=optimizer, training=training, **rest)
        for loss, optimizer, rest in (
            (CCE(), SGD(lr=1e9, batch_size=8), {}),
            (CCE(), Adam(lr=0.1, batch_size=8), {}),
            (CCE(), Adam(lr=0.2, beta1=0.5, batch_size=8), {"early_stopping": patience}),
            (GCE(), Adam(lr=0.2, beta2=0.9, batch_size=8), {}),
            (GCE(q=0.3), Nadam(lr=0.1, batch_size=8), {}),
            (Focal(), Nadam(lr=0.1, beta1=0.5, batch_size=8), {"early_stopping": patience}),
            (Squentropy(), RMSprop(lr=0.1, batch_size=8), {}),
            (CrammerSinger(), Adagrad(lr=0.1, batch_size=8), {}),
            (Hinge(), Lion(lr=0.01, batch_size=8), {}),
            (BCE(pos_weight=2), AdamW(lr=0.1, batch_size=8), {}),
        )
    ]
    together = trained(*runs)
    assert together[0].ending == "diverged"
    assert {run.ending for run in together} == {"diverged", "stopped early", "completed"}
    for run, ours in zip(runs, together, strict=True):
        (alone,) = trained(run)
        assert ours.epochs == alone.epochs
        np.testing.assert_allclose(ours.params[0], alone.params[0], rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(ours.curves["val/loss"], alone.curves["val/loss"], rtol=1e-10)
