"""Initial parameters: their distribution, their shapes, and that each run draws its own."""

import numpy as np
import pytest

from lossexp.components import InvalidValueError
from lossexp.models import MLP, Linear
from lossexp.randomness import stream

N_FEATURES, N_OUTPUTS = 300, 150


def drawn(model, seeds=(0,), dtype=np.float64):
    return model.initial_params(N_FEATURES, N_OUTPUTS, [stream(seed, "init") for seed in seeds], dtype)


def about(sample, mean, variance):
    """Tell whether mean and variance are within 5 standard errors, taking the fourth moment of a normal number."""
    n = sample.size
    right_mean = abs(sample.mean() - mean) < 5 * np.sqrt(variance / n)
    return right_mean and abs(sample.var() / variance - 1) < 5 * np.sqrt(2 / n)


def test_linear_starts_from_zero_or_from_a_normal_with_zero_biases():
    assert not drawn(Linear())[0].any()
    weights = drawn(Linear(scale=0.3))[0]
    assert about(weights[..., :-1], 0, 0.09)
    assert not weights[..., -1].any()


def test_he_has_variance_2_over_fan_in():
    for param, fan_in in zip(drawn(MLP(hidden=(400, 200))), (300, 400, 200), strict=True):
        assert about(param[..., :-1], 0, 2 / fan_in)
        assert not param[..., -1].any()


def test_glorot_is_uniform_with_variance_2_over_both_fans():
    layers = drawn(MLP(hidden=(400, 200), init="glorot"))
    for param, fans in zip(layers, (300 + 400, 400 + 200, 200 + 150), strict=True):
        weights = param[..., :-1]
        assert about(weights, 0, 2 / fans)
        bound = np.sqrt(6 / fans)
        assert 0.999 * bound < np.abs(weights).max() <= bound
        assert not param[..., -1].any()


def test_normal_has_variance_1_biases_included():
    for param in drawn(MLP(hidden=(400,), init="normal")):
        assert about(param[..., :-1], 0, 1)
        assert about(param[..., -1], 0, 1)


@pytest.mark.parametrize("init", ["he", "glorot", "normal"])
def test_scale_multiplies(init):
    ones, threes = drawn(MLP(init=init)), drawn(MLP(init=init, scale=3))
    for one, three in zip(ones, threes, strict=True):
        np.testing.assert_array_equal(3 * one, three)


@pytest.mark.parametrize("model", [Linear(scale=1), MLP(hidden=(8, 4))], ids=str)
def test_each_run_draws_from_its_own_generator(model):
    together = drawn(model, seeds=(5, 6, 5))
    for run, seed in enumerate((5, 6, 5)):
        for param, alone in zip(together, drawn(model, seeds=(seed,)), strict=True):
            np.testing.assert_array_equal(param[:, run], alone[:, 0])
    assert not np.array_equal(together[0][:, 0], together[0][:, 1])


@pytest.mark.parametrize("model", [Linear(scale=1), MLP(hidden=(8, 4))], ids=str)
def test_shapes_and_precision(model):
    sizes = model.layer_sizes(N_FEATURES, N_OUTPUTS)
    params, double = drawn(model, (0, 1), np.float32), drawn(model, (0, 1))
    assert [param.shape for param in params] == [(n_units, 2, fan_in + 1) for n_units, fan_in in sizes]
    for ours, theirs in zip(params, double, strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_array_equal(ours, theirs.astype(np.float32))


def test_layer_sizes():
    assert Linear().layer_sizes(7, 3) == [(3, 7)]
    assert MLP(hidden=(5, 4)).layer_sizes(7, 3) == [(5, 7), (4, 5), (3, 4)]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"hidden": ()}, "hidden=.. is not allowed: expected at least one hidden layer"),
        ({"hidden": (0,)}, "expected a list of items, each a whole number at least 1"),
        ({"hidden": 64}, "hidden=64 is not allowed"),
        ({"activation": "gelu"}, "activation='gelu' is not allowed: expected one of relu, tanh, sigmoid"),
        ({"init": "xavier"}, "init='xavier' is not allowed: expected one of he, glorot, normal"),
        ({"scale": -1}, "scale=-1 is not allowed"),
    ],
)
def test_values_out_of_range_are_refused(bad, message):
    with pytest.raises(InvalidValueError, match=message):
        MLP(**bad)
