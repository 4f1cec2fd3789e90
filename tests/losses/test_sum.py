"""A sum of losses: its numbers, its laws, what it takes from its terms, and which terms do not fit together."""

import re

import numpy as np
import pytest

from lossexp import compatibility, losses
from lossexp.errors import ConfigError, IncompatibleError
from lossexp.experiment import Training
from lossexp.losses import Sum
from lossexp.losses.formula import formula
from lossexp.losses.sum import Term
from lossexp.stacking import Stack, arrange
from lossexp.testing import loss_checks

from ..composed import SMALL, jobs, small
from ..trainings import BINARY, REGRESSION, THREE_CLASSES, drawn, member, trained

TRAINING = Training(epochs=5, dtype="float64")


def made(terms):
    return Sum.from_settings({"terms": terms}, "loss")


def test_value_and_gradient_are_the_weighted_sums():
    """By hand, residual 2: 4 + 0.5 · 2 + 3 · 1.5 = 9.5, and 4 + 0.5 + 3 = 7.5."""
    loss = made({"mse": 1, "mae": 0.5, "huber": {"weight": 3, "delta": 1}}).on(REGRESSION)
    raw, target, out = np.full((1, 1, 1), 3.0), np.ones((1, 1, 1)), np.empty((1, 1, 1))
    assert loss.value(raw, target) == 9.5
    loss.gradient(raw, target, out)
    assert out == 7.5


@pytest.mark.parametrize(
    "check",
    [
        check
        for terms in (
            {"mse": 1, "mae": 0.5},
            {"huber": {"weight": 0.5, "delta": 2}},
            {"bce": {"pos_weight": 2}, "exponential": 0.2},
            {"cce": 1, "gce": {"weight": 2, "q": 0.5}, "kl": 0},
            {"mse": {"outputs": [0, 1]}, "pinball": {"outputs": [1, 2], "tau": 0.9}},
            {"gaussian_nll": 1},
            {"poisson": 1, "gamma": {"weight": 0.1}},
            {"formula": {"value": "-log(p) * a", "a": 2}, "focal": {"gamma": 1, "weight": 0.1}},
            {"inner": {"_target_": "lossexp.losses.Sum", "terms": {"mse": 1, "mae": 1}}, "log_cosh": 1},
        )
        for check in loss_checks(made(terms))
    ],
    ids=lambda check: f"{check.law.__name__}-{getattr(check.subject, 'loss', check.subject).formula}-{check.context}",
)
def test_the_laws_of_losses_hold(check):
    check.run()


def test_facts_are_those_of_the_terms():
    loss = made({"mae": 1, "cauchy": 0.5})
    assert loss.formula == "1.0 · mae + 0.5 · cauchy"
    assert loss.accepts == losses.MAE.accepts
    assert not loss.convex
    assert made({"mae": 1, "huber": 0.5}).convex
    assert made({"mse": 1, "cce": 1}).accepts == losses.CCE.accepts
    assert loss.infimum(REGRESSION) == 0
    assert made({"gaussian_nll": 1}).infimum(REGRESSION) == -np.inf
    assert made({"gaussian_nll": 0}).infimum(REGRESSION) == 0
    assert str(made({"poisson": 1, "gamma": 1, "mse": 1}).target_domain) == "above 0"
    assert made({"gaussian_nll": 1}).n_outputs(REGRESSION) == 2
    assert made({"cce": 1, "gce": 1}).n_outputs(THREE_CLASSES) == 3
    assert made({"cce": 1}).link_name(BINARY) == "softmax"


def test_terms_in_python_are_those_in_yaml():
    assert made({"mse": 2, "huber": {"delta": 3}}) == Sum(
        terms=(
            Term(name="mse", loss=losses.MSE(), weight=2),
            Term(name="huber", loss=losses.Huber(delta=3)),
        )
    )
    assert made({"formula": {"value": "raw**2 * a", "a": 1}}).terms[0].loss == formula("raw**2 * a", a=1)


def test_one_term_of_weight_1_trains_as_the_loss_itself():
    data = drawn(BINARY)
    alone, summed = trained(
        member(data, losses.BCE(), training=TRAINING), member(data, made({"bce": 1}), training=TRAINING)
    )
    np.testing.assert_array_equal(alone.params[0], summed.params[0])
    np.testing.assert_array_equal(alone.curves["val/loss"], summed.curves["val/loss"])


def test_terms_on_outputs_of_their_own_train_as_models_of_their_own():
    """A linear model has a row of weights per output, 0 at first; the metrics read the first term's."""
    data = drawn(REGRESSION)
    both, mse, pinball = (
        trained(member(data, loss, training=TRAINING))[0]
        for loss in (
            made({"mse": {"outputs": [0, 1]}, "pinball": {"outputs": [1, 2], "tau": 0.9}}),
            losses.MSE(),
            losses.Pinball(tau=0.9),
        )
    )
    np.testing.assert_allclose(both.params[0], np.concatenate([mse.params[0], pinball.params[0]]), rtol=1e-12)
    np.testing.assert_allclose(both.curves["val/rmse"], mse.curves["val/rmse"], rtol=1e-12)
    total = mse.curves["train/loss"] + pinball.curves["train/loss"]
    np.testing.assert_allclose(both.curves["train/loss"], total, rtol=1e-12)


def test_weights_and_settings_of_the_terms_that_differ_are_columns():
    data = drawn(REGRESSION)
    members = [
        member(data, made({"mse": weight, "huber": {"delta": delta, "weight": 1}}), training=TRAINING)
        for weight, delta in ((1, 1), (0.5, 1), (0.5, 3))
    ]
    members.append(member(data, made({"mae": 1}), training=TRAINING))
    stack = Stack([members[place] for place in arrange(members)])
    merged, other = (part.component for part in stack.losses)
    assert merged.terms[0].weight.tolist() == [[1], [0.5], [0.5]]
    assert merged.terms[1].loss.delta.tolist() == [[1], [1], [3]]
    assert (merged.terms[1].weight, other.terms[0].weight) == (1.0, 1.0)
    for together, alone in zip(trained(*members), [trained(one)[0] for one in members], strict=True):
        np.testing.assert_allclose(together.params[0], alone.params[0], rtol=1e-12)


def test_on_the_command_line():
    job = small("dataset=linear", "loss=sum", "loss.terms={mse: 1, huber: {weight: 0.5, delta: 2}}")
    assert job.experiment.loss == made({"mse": 1, "huber": {"weight": 0.5, "delta": 2}})
    assert job.params()["loss.terms.huber.delta"] == "2"
    swept = jobs(*SMALL, "loss=sum", "loss.terms={mse: 1, bce: 1}", "loss.terms.mse=0.1,1")
    assert [float(job.experiment.loss.terms[0].weight) for job in swept] == [0.1, 1]


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (3, "loss.terms=3 is not allowed: expected losses with their weights, such as loss.terms={mse: 1, mae: 0.5}"),
        ({}, "loss.terms={} is not allowed: expected at least one loss."),
        ({"hubr": 1}, "Unknown loss loss.terms.hubr. Did you mean huber? Known: bce, brier"),
        ({"mse": "x"}, "loss.terms.mse.weight=x is not allowed: expected a finite number at least 0."),
        ({"mse": -1}, "loss.terms.mse.weight=-1 is not allowed: expected a finite number at least 0."),
        ({"mse": None}, "loss.terms.mse.weight=null is not allowed"),
        ({"huber": {"delta": 0}}, "loss.terms.huber.delta=0 is not allowed: expected a finite number above 0."),
        ({"huber": {"dleta": 1}}, "Unknown setting loss.terms.huber.dleta. Did you mean loss.terms.huber.delta?"),
        (
            {"mse": {"outputs": [1]}},
            "loss.terms.mse.outputs=(1,) is not allowed: expected the first and the one behind",
        ),
        ({"mse": {"outputs": [2, 1]}}, "loss.terms.mse.outputs=(2, 1) is not allowed"),
        ({"mse": {"outputs": [-1, 1]}}, "loss.terms.mse.outputs=[-1, 1] is not allowed"),
        ({"mine": {"_target_": "os.system"}}, "loss.terms.mine._target_=os.system is refused: expected a Loss"),
        ({"formula": {"value": "raw +"}}, "loss.terms.formula.value cannot be used: it is not a formula"),
        (
            {"mae": 1, "cce": 1},
            "No target fits all terms of the sum: mae is for regression; cce is for binary or multi",
        ),
    ],
)
def test_settings_that_are_refused(terms, message):
    with pytest.raises(ConfigError, match="^" + re.escape(message)):
        made(terms)


@pytest.mark.parametrize(
    ("terms", "target", "message"),
    [
        ({"mse": 1, "cce": 1}, BINARY, "on two classes the link of the one is logistic, that of the other softmax"),
        ({"mse": 1, "poisson": 1}, REGRESSION, "link of the one is identity, that of the other log"),
        (
            {"mse": {"outputs": [0, 1]}, "poisson": {"outputs": [0, 1]}},
            REGRESSION,
            "loss.terms.mse and loss.terms.poisson see the same outputs",
        ),
        (
            {"mse": 1, "gaussian_nll": 1},
            REGRESSION,
            r"mse sees 2 of 2 outputs, but on a continuous target it needs 1. Say which: mse: {outputs: \[0, 1\]}",
        ),
        (
            {"gaussian_nll": {"outputs": [0, 3]}},
            REGRESSION,
            "sees 3 of 3 outputs, but on a continuous target it needs 2",
        ),
        ({"bce": {"outputs": [0, 1]}}, BINARY, r"outputs=\[0, 1\] cannot be used with two classes"),
    ],
)
def test_terms_that_do_not_fit_are_refused_before_any_training(terms, target, message):
    data = drawn(target)
    with pytest.raises(IncompatibleError, match=message):
        compatibility.check(member(data, made(terms)).experiment, data, {"loss": "sum", "dataset": "drawn"})


def test_weights_of_classes_inside_a_sum_are_one_per_class():
    data = drawn(THREE_CLASSES)
    experiment = member(data, made({"cce": {"class_weight": [1, 2]}, "gce": 1})).experiment
    with pytest.raises(IncompatibleError, match="loss.class_weight has 2 numbers, but dataset=drawn has 3 classes"):
        compatibility.check(experiment, data, {"loss": "sum", "dataset": "drawn"})
