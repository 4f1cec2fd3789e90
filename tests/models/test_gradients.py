"""Every parameter of every model: the backward pass against four-point differences of the forward pass."""

import numpy as np
import pytest

from lossexp.models import MLP, Linear, Size
from lossexp.sharing import Sharing

from ..losses.contract import four_point

MODELS = [
    Linear(scale=1),
    *(MLP(hidden=(5,), activation=activation, init="normal") for activation in ("relu", "tanh", "sigmoid")),
    *(MLP(hidden=(4, 3), activation=activation, init="glorot") for activation in ("relu", "tanh", "sigmoid")),
]
PATTERNS = {
    "one run": [0],
    "three runs": [0, 0, 0],
    "a stream each": [0, 1, 2],
    "two streams of three": [0, 0, 0, 1, 1, 1],
    "three times two streams": [0, 1, 0, 1, 0, 1],
    "twice two streams of two": [0, 0, 1, 1, 0, 0, 1, 1],
    "no pattern": [0, 0, 1, 2, 2, 2, 0],
}
N_FEATURES = 3


class Case:
    """A model in the middle of its training: parameters, features and workspace for a pattern of streams."""

    def __init__(self, model, stream_of_run, n_outputs=3, dtype=np.float64, seed=0, n_samples=6):
        rng = np.random.default_rng(seed)
        self.model, self.sharing = model, Sharing(stream_of_run)
        n_runs = len(stream_of_run)
        self.params = model.initial_params(N_FEATURES, n_outputs, rng.spawn(n_runs), dtype)
        for param in self.params:
            param[..., -1] = rng.normal(size=param.shape[:2])
        self.X = rng.standard_normal((self.sharing.n_streams, n_samples, N_FEATURES + 1)).astype(dtype)
        self.X[..., -1] = 1
        self.workspace = model.workspace(Size(N_FEATURES, n_outputs, n_runs, n_samples, dtype))
        self.raw_gradient = rng.standard_normal((n_outputs, n_runs, n_samples)).astype(dtype)

    def forward(self, params=None):
        return self.model.forward(params or self.params, self.X, self.sharing, self.workspace)

    def backward(self):
        """Return the gradients; as in training, those by the outputs stand in the buffer of the outputs."""
        raw = self.forward()
        np.copyto(raw, self.raw_gradient)
        out = [np.full_like(param, np.nan) for param in self.params]
        self.model.backward(self.params, self.X, self.sharing, self.workspace, raw, out)
        return out


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
@pytest.mark.parametrize("model", MODELS, ids=str)
def test_gradients_of_all_parameters(model, pattern):
    """Of sum(c · raw) for random c, each run on its own; the step is too short to reach a kink of relu."""
    case = Case(model, pattern)
    gradients = case.backward()
    for layer, gradient in enumerate(gradients):
        for unit, column in np.ndindex(gradient.shape[0], gradient.shape[2]):

            def objective(move, layer=layer, unit=unit, column=column):
                moved = [param.copy("K") for param in case.params]
                moved[layer][unit, :, column] += move
                return (case.raw_gradient * case.forward(moved)).sum(axis=(0, 2))

            numeric = four_point(objective, 0.0, step=1e-4)
            np.testing.assert_allclose(gradient[unit, :, column], numeric, rtol=5e-6, atol=1e-10)


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("model", MODELS, ids=str)
def test_a_stack_computes_what_each_run_computes_alone(model, n_outputs, pattern):
    case = Case(model, pattern, n_outputs)
    raw, gradients = case.forward().copy(), case.backward()
    for run, stream in enumerate(pattern):
        alone = Case(model, [0], n_outputs)
        alone.params = [np.ascontiguousarray(param[:, [run]]) for param in case.params]
        alone.X, alone.raw_gradient = case.X[[stream]], case.raw_gradient[:, [run]]
        np.testing.assert_allclose(alone.forward()[:, 0], raw[:, run], rtol=1e-13, atol=1e-14)
        for ours, theirs in zip(alone.backward(), gradients, strict=True):
            np.testing.assert_allclose(ours[:, 0], theirs[:, run], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_forward_is_the_formula(model):
    case = Case(model, [0], n_samples=500)
    a = case.X[0, :, :-1].T
    activations = {"relu": lambda s: np.maximum(s, 0), "tanh": np.tanh, "sigmoid": lambda s: 1 / (1 + np.exp(-s))}
    for param in case.params[:-1]:
        a = activations[model.activation](param[:, 0, :-1] @ a + param[:, 0, -1:])
    expected = case.params[-1][:, 0, :-1] @ a + case.params[-1][:, 0, -1:]
    np.testing.assert_allclose(case.forward()[:, 0], expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_passes_can_be_repeated_and_leave_their_inputs(model):
    """A workspace is used for every batch: what an earlier pass left in it must not matter."""
    case = Case(model, PATTERNS["no pattern"])
    case.X.setflags(write=False)
    before = [param.copy() for param in case.params]
    raw, gradients = case.forward().copy(), case.backward()
    np.testing.assert_array_equal(case.forward(), raw)
    for first, second in zip(gradients, case.backward(), strict=True):
        np.testing.assert_array_equal(first, second)
    for param, kept in zip(case.params, before, strict=True):
        np.testing.assert_array_equal(param, kept)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_a_diverged_run_does_not_touch_its_neighbours(model):
    case = Case(model, PATTERNS["two streams of three"])
    raw, gradients = case.forward().copy(), case.backward()
    for param in case.params:
        param[:, 1] = np.nan
    case.raw_gradient[:, 1] = np.inf
    others = [0, 2, 3, 4, 5]
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(case.forward()[:, others], raw[:, others])
        for spoilt, gradient in zip(case.backward(), gradients, strict=True):
            np.testing.assert_array_equal(spoilt[:, others], gradient[:, others])


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_precision_is_kept(model):
    single, double = Case(model, [0, 0], dtype=np.float32), Case(model, [0, 0])
    assert single.forward().dtype == np.float32
    np.testing.assert_allclose(single.forward(), double.forward(), rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(single.backward(), double.backward(), strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_hidden_units_far_out_stay_finite(activation):
    case = Case(MLP(hidden=(5,), activation=activation), [0])
    case.params[0] *= 1e4
    with np.errstate(all="raise", under="ignore"):
        assert np.isfinite(case.forward()).all()
        assert all(np.isfinite(gradient).all() for gradient in case.backward())
