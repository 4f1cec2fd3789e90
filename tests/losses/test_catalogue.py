"""Facts that each loss states about itself, names by which it is found, and how metrics read it."""

import importlib
import inspect

import numpy as np
import pytest

from lossexp import losses as ours
from lossexp import metrics, synonyms
from lossexp.components import InvalidValueError
from lossexp.errors import ConfigError
from lossexp.experiment import Training
from lossexp.losses import Loss
from lossexp.optimizers import LBFGS, Optimizer
from lossexp.targets import encode
from tests.trainings import sums

from ..testing import broken
from ..trainings import BINARY, REGRESSION, THREE_CLASSES, drawn, given, member, trained

FREE = (ours.Formula, ours.Sum)
"""What they are is up to the user."""

ALL = [loss for loss in vars(ours).values() if inspect.isclass(loss) and loss not in (Loss, *FREE)]


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.__name__)
def test_facts_are_stated(loss):
    assert loss.__doc__.strip()
    assert loss.formula
    assert loss.estimates


def test_a_name_of_another_library_is_the_name_of_one_of_ours():
    """No name leads to two of them."""
    for interface in (Loss, Optimizer):
        names = synonyms.synonyms(interface)
        package = inspect.getmodule(interface).__name__.rpartition(".")[0]
        classes = {value for value in vars(importlib.import_module(package)).values() if inspect.isclass(value)}
        given = [name for component in classes if issubclass(component, interface) for name in component.other_names]
        assert len(given) == len(set(given))
        plain = {synonyms._plain(name) for name in given}
        stems = {component.__module__.rpartition(".")[2] for component in classes if issubclass(component, interface)}
        assert not {name for name in plain if name in stems and names[name] != name}


@pytest.mark.parametrize(
    ("loss", "kind", "link_name", "n_outputs", "metric"),
    [
        (ours.Huber(), REGRESSION, "identity", 1, None),
        (ours.Poisson(), REGRESSION, "log", 1, None),
        (ours.GaussianNLL(), REGRESSION, "identity", 2, None),
        (ours.Hinge(), BINARY, "logistic", 1, None),
        (ours.Hinge(), THREE_CLASSES, "logistic", 3, None),
        (ours.Focal(), BINARY, "logistic", 1, None),
        (ours.Focal(), THREE_CLASSES, "softmax", 3, None),
        (ours.GCE(), BINARY, "softmax", 2, None),
        (ours.Squentropy(), THREE_CLASSES, "softmax", 3, None),
        (ours.CrammerSinger(), BINARY, "softmax", 2, None),
        (ours.KL(), BINARY, "softmax", 2, "log_loss"),
        (ours.Brier(), BINARY, "logistic", 1, "brier"),
        (ours.Brier(), THREE_CLASSES, "softmax", 3, "brier"),
        (ours.BCE(), BINARY, "logistic", 1, "log_loss"),
        (ours.BCE(pos_weight=2), BINARY, "logistic", 1, None),
        (ours.BCE(label_smoothing=0.1), BINARY, "logistic", 1, None),
        (ours.CCE(label_smoothing=0.1), BINARY, "softmax", 2, None),
    ],
    ids=str,
)
def test_links_outputs_and_metrics(loss, kind, link_name, n_outputs, metric):
    assert loss.link_name(kind) == link_name
    assert loss.n_outputs(kind) == n_outputs
    assert loss.as_metric(kind) == metric


def test_the_squared_error_is_convex_in_raw_outputs_and_not_through_a_probability():
    assert ours.MSE().on(REGRESSION).convex
    assert ours.MSE(link="identity").on(BINARY).convex
    assert not ours.MSE().on(BINARY).convex
    assert not ours.MSE().on(THREE_CLASSES).convex


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (broken.ReturnsGradient(), "ReturnsGradient.gradient returns something, which nobody reads"),
        (broken.OneNumber(), r"OneNumber.value has the shape \(1,\) for raw .*: expected one number per example"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_loss_that_gives_nothing_to_train_with_is_refused_in_words(loss, message):
    """Without that, what stands in the place of the gradient is the raw prediction."""
    with pytest.raises(ConfigError, match=message):
        trained(member(drawn(REGRESSION), loss, training=Training(epochs=1)))


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.__name__)
def test_a_loss_that_is_a_metric_of_the_panel_has_its_value(loss):
    for kind in (BINARY, THREE_CLASSES):
        if kind.task not in loss.accepts or loss().as_metric(kind) is None:
            continue
        settled = loss().on(kind)
        rng = np.random.default_rng(0)
        n_outputs = settled.n_outputs(kind)
        encoded = encode(rng.integers(0, kind.n_classes, 50), kind, n_outputs, np.float64)[:, None]
        raw = rng.normal(0, 2, (n_outputs, 3, 50))
        total = sums(raw.copy(), encoded, settled.link_name(kind), kind)
        panel = metrics.panel(total / 50, kind, np.ones(3))
        np.testing.assert_allclose(panel[settled.as_metric(kind)], settled.value(raw, encoded).mean(axis=1), rtol=1e-12)


def test_metrics_read_the_mean_of_a_gaussian():
    """Its second output is the log variance, and no prediction of the target."""
    data = drawn(REGRESSION, n=200)
    training = Training(epochs=300, dtype="float64")
    run = trained(member(data, ours.GaussianNLL(), training=training))[0]
    mse = trained(member(data, ours.MSE(), training=training))[0]
    assert run.params[0].shape[0] == 2
    predicted = data.train.X @ run.params[0][0, :-1] + run.params[0][0, -1]
    assert run.curves["train/rmse"][-1] == pytest.approx(np.sqrt(np.mean((predicted - data.train.y) ** 2)))
    assert run.curves["train/rmse"][-1] < 1.05 * mse.curves["train/rmse"][-1]
    assert run.curves["train/r2"][-1] > 0.5


@pytest.mark.parametrize("loss", [ours.Poisson(), ours.Gamma(), ours.Tweedie()], ids=str)
def test_metrics_read_a_log_link_as_a_mean(loss):
    """On targets exp(2x + 0.3) without noise the mean is found, and in its own units."""
    x = np.linspace(-1, 1, 50)[:, None]
    data = given(x, np.exp(2 * x[:, 0] + 0.3), REGRESSION)
    run = trained(member(data, loss, optimizer=LBFGS(), training=Training(epochs=5, dtype="float64")))[0]
    np.testing.assert_allclose(run.params[0][0], [2, 0.3], atol=1e-6)
    assert run.curves["train/rmse"][-1] < 1e-6


@pytest.mark.parametrize(
    ("loss", "settings", "message"),
    [
        (ours.Huber, {"delta": 0}, "delta=0 is not allowed: expected a finite number above 0"),
        (ours.Pinball, {"tau": 1}, "tau=1 is not allowed: expected a finite number above 0 and below 1"),
        (ours.Tweedie, {"power": 2}, "power=2 is not allowed: expected a finite number above 1 and below 2"),
        (ours.GCE, {"q": 0}, "q=0 is not allowed: expected a finite number above 0 and at most 1"),
        (ours.BCE, {"label_smoothing": 1}, "label_smoothing=1 is not allowed"),
        (ours.BCE, {"pos_weight": -1}, "pos_weight=-1 is not allowed"),
        (ours.SCE, {"log_zero": 1}, "log_zero=1 is not allowed: expected a finite number at most 0"),
        (
            ours.CCE,
            {"class_weight": [1, -1]},
            "class_weight=.* is not allowed: expected a list of items, each a finite",
        ),
        (ours.Poly1, {"epsilon": -2}, "epsilon=-2 is not allowed: expected a finite number at least -1"),
    ],
)
def test_settings_out_of_range_are_refused(loss, settings, message):
    with pytest.raises(InvalidValueError, match=message):
        loss(**settings)
