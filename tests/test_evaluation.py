"""Measuring a stack: in blocks of any size, for every mixture of losses, runs and streams."""

import numpy as np
import pytest

from lossexp import evaluation, metrics
from lossexp.evaluation import Evaluator
from lossexp.experiment import Training
from lossexp.losses import BCE, CCE, MSE
from lossexp.models import MLP, Linear
from lossexp.randomness import stream
from lossexp.stacking import Stack, arrange
from lossexp.targets import encode
from tests.trainings import sums

from .trainings import BINARY, REGRESSION, THREE_CLASSES, drawn, given, member

MIXTURES = {
    "one run": (BINARY, [(BCE(), 0)]),
    "two classes": (BINARY, [(BCE(), 0), (MSE(), 0), (MSE(link="identity"), 1), (BCE(), 1)]),
    "two outputs for two classes": (BINARY, [(CCE(), 0), (MSE(link="softmax"), 0), (CCE(), 1)]),
    "three classes": (
        THREE_CLASSES,
        [(loss, data) for loss in (CCE(), BCE(), MSE(), MSE(link="logistic"), MSE(link="identity")) for data in (0, 1)],
    ),
    "real numbers": (REGRESSION, [(MSE(), 0), (MSE(), 1), (MSE(), 0)]),
}


def stack_of(name, model=None, dtype="float64"):
    target, runs = MIXTURES[name]
    data = [drawn(target, n=100, seed=seed) for seed in range(2)]
    training = Training(dtype=dtype)
    members = [
        member(data[which], loss, seed=which, model=model or Linear(scale=1), training=training) for loss, which in runs
    ]
    return Stack([members[place] for place in arrange(members)])


def initial_params(stack):
    """Return parameters that are different in every run."""
    rngs = [stream(run, "init") for run in range(stack.n_runs)]
    return stack.model.initial_params(stack.n_features, stack.n_outputs, rngs, stack.dtype)


def expected(stack, params, run, split, name):
    """Return the measures of one run of a linear model, each loss and panel by its own formula on all examples."""
    one, target = stack.members[run], stack.target
    raw = (params[0][:, run, :-1] @ split.X.T + params[0][:, run, -1:])[:, None]
    encoded = encode(split.y, target, len(raw), float)[:, None]
    values = {f"{name}/loss": one.loss.value(raw, encoded).mean()}
    total = sums(raw.copy(), encoded, one.loss.link_name(target), target)
    panel = metrics.panel(total / len(split), target, np.var(split.y)[None])
    return values | {f"{name}/{key}": value[0] for key, value in panel.items()}


@pytest.mark.parametrize("cache_bytes", [1, 3000, 2**18])
@pytest.mark.parametrize("name", MIXTURES)
def test_measures_are_those_of_the_formulas_whatever_the_blocks(monkeypatch, name, cache_bytes):
    """100 and 10 examples in blocks of at least 16: whole blocks, a partial last one, and a split below one block."""
    monkeypatch.setattr(evaluation, "CACHE_BYTES", cache_bytes)
    stack = stack_of(name)
    params = initial_params(stack)
    for split in ("train", "val"):
        measured = Evaluator(stack, getattr(stack, split), split).measure(params)
        for run, one in enumerate(stack.members):
            ours = {key: values[run] for key, values in measured.items()}
            assert ours == pytest.approx(expected(stack, params, run, getattr(one.data, split), split), rel=1e-12)


@pytest.mark.parametrize("name", MIXTURES)
def test_the_blocks_of_a_network_do_not_matter(monkeypatch, name):
    stack = stack_of(name, MLP(hidden=(6, 5)))
    params = initial_params(stack)
    whole = Evaluator(stack, stack.train, "train").measure(params)
    monkeypatch.setattr(evaluation, "CACHE_BYTES", 1)
    evaluator = Evaluator(stack, stack.train, "train")
    assert evaluator.block == 16
    for key, values in evaluator.measure(params).items():
        np.testing.assert_allclose(values, whole[key], rtol=1e-12)


def test_measuring_twice_gives_the_same_and_changes_nothing():
    stack = stack_of("three classes", dtype="float32")
    params = initial_params(stack)
    kept, encoded = params[0].copy(), stack.train.whole.encoded.copy()
    evaluator = Evaluator(stack, stack.train, "train")
    first = evaluator.measure(params)
    for key, values in evaluator.measure(params).items():
        np.testing.assert_array_equal(values, first[key])
    np.testing.assert_array_equal(params[0], kept)
    np.testing.assert_array_equal(stack.train.whole.encoded, encoded)


def test_sums_are_taken_in_double_precision():
    """A million times log 2, in blocks: only its rounding to float32, 3e-9, is left in the mean."""
    n = 2**20
    data = given(np.zeros((n, 1), dtype=np.float32), np.arange(n) % 2, BINARY)
    stack = Stack([member(data, BCE())])
    measured = Evaluator(stack, stack.train, "train").measure(initial_params(stack))
    assert measured["train/loss"][0] == pytest.approx(np.log(2), rel=1e-8)


@pytest.mark.parametrize("name", ["two classes", "two outputs for two classes"])
@pytest.mark.parametrize("cache_bytes", [1, 2**18])
def test_ranking_is_that_of_scikit_learn(monkeypatch, name, cache_bytes):
    from sklearn.metrics import roc_auc_score

    monkeypatch.setattr(evaluation, "CACHE_BYTES", cache_bytes)
    stack = stack_of(name)
    params = initial_params(stack)
    auc = Evaluator(stack, stack.train, "train").measure_ranking(params)["train/auc"]
    for run, one in enumerate(stack.members):
        raw = params[0][:, run, :-1] @ one.data.train.X.T + params[0][:, run, -1:]
        score = raw[0] if len(raw) == 1 else raw[1] - raw[0]
        assert auc[run] == pytest.approx(roc_auc_score(one.data.train.y, score), rel=1e-12)


def test_ranking_is_for_two_classes_and_some_examples():
    stack = stack_of("three classes")
    assert Evaluator(stack, stack.train, "train").measure_ranking(initial_params(stack)) == {}
    data = given(np.eye(4), [0, 1, 0, 1], BINARY)
    stack = Stack([member(data, BCE())])
    assert Evaluator(stack, stack.test, "test").measure_ranking(initial_params(stack)) == {}


def test_a_diverged_run_does_not_touch_the_measures_of_its_neighbours():
    stack = stack_of("three classes")
    params = initial_params(stack)
    evaluator = Evaluator(stack, stack.train, "train")
    healthy = evaluator.measure(params)
    params[0][:, 3] = np.nan
    others = [run for run in range(stack.n_runs) if run != 3]
    with np.errstate(all="ignore"):
        spoilt = evaluator.measure(params)
    assert np.isnan(spoilt["train/loss"][3])
    for key, values in healthy.items():
        np.testing.assert_allclose(spoilt[key][others], values[others], rtol=1e-12)
