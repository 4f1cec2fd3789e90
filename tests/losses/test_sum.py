"""A sum of losses: its numbers, its laws, what it takes from its terms, and which terms do not fit together."""

import re
import subprocess
import sys

import numpy as np
import pytest
import yaml

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
            {"near": {"loss": "huber"}, "far": {"loss": "formula", "value": "abs(raw - target)**1.5", "weight": 0.1}},
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


OWN_CLASS = """
from dataclasses import dataclass
from lossexp.components import Positive
from lossexp.losses import Loss

@dataclass(frozen=True, kw_only=True)
class Mine(Loss):
    scale: Positive = 1.0

    def value(self, raw, target):
        return (self.scale * (raw - target) ** 2).sum(axis=0)
"""


@pytest.fixture
def own_folder(tmp_path):
    """A folder with a class and YAML files of the user's: `mine`, `wide` which begins with one of ours, and sums."""
    (tmp_path / "my_losses.py").write_text(OWN_CLASS)
    folder = tmp_path / "my_conf" / "loss"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("_target_: my_losses.Mine\nscale: 7.0\n")
    (folder / "wide.yaml").write_text("defaults: [huber]\ndelta: 5.0\n")
    (folder / "ours.yaml").write_text("_target_: lossexp.losses.Sum\nterms: {mine: 1, wide: 0.5}\n")
    (folder / "endless.yaml").write_text("_target_: lossexp.losses.Sum\nterms: {mse: 1, endless: 1}\n")
    return tmp_path


def command(folder, *arguments):
    """Return what the real command does in a folder."""
    whole = [
        sys.executable,
        "-m",
        "lossexp",
        "--config-dir",
        "my_conf",
        *SMALL[1:],
        "dataset=linear",
        "optimizer.lr=0.001",
    ]
    return subprocess.run([*whole, *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def recorded(folder):
    """Return the settings of the loss of each run."""
    return [yaml.safe_load(path.read_text())["loss"] for path in sorted(folder.glob("runs/records/**/config.yaml"))]


def test_a_name_means_what_it_means_as_the_loss(own_folder):
    terms = "{mine: 2, huber: {weight: 3}, wide: {delta: 4}, ours: 1, mse: 0, " + (
        'text: {loss: formula, value: "abs(raw - target)**a", a: 1.5, weight: 0.5}}'
    )
    done = command(own_folder, "loss=sum", f"loss.terms={terms}")
    assert (done.returncode, done.stderr) == (0, "")
    mine, huber = {"_target_": "my_losses.Mine", "scale": 7.0}, {"_target_": "lossexp.losses.Huber", "delta": 1.0}
    assert recorded(own_folder) == [
        {
            "_target_": "lossexp.losses.Sum",
            "terms": {
                "mine": {**mine, "weight": 2},
                "huber": {**huber, "weight": 3},
                "wide": {**huber, "delta": 4},
                "ours": {
                    "_target_": "lossexp.losses.Sum",
                    "terms": {"mine": {**mine, "weight": 1}, "wide": {**huber, "delta": 5.0, "weight": 0.5}},
                    "weight": 1,
                },
                "mse": {"_target_": "lossexp.losses.MSE", "link": "auto", "weight": 0},
                "text": {
                    "_target_": "lossexp.losses.Formula",
                    "value": "abs(raw - target)**a",
                    "link": "auto",
                    "class_weight": None,
                    "a": 1.5,
                    "weight": 0.5,
                },
            },
        }
    ]


def test_names_of_the_user_in_a_sweep(own_folder):
    done = command(own_folder, "-m", "loss=ours,sum", "loss.terms={mine: {weight: 1}}", "loss.terms.mine.scale=1,2")
    assert (done.returncode, done.stderr) == (0, "")
    terms = [loss["terms"] for loss in recorded(own_folder)]
    mine, wide = {"_target_": "my_losses.Mine", "weight": 1}, {"_target_": "lossexp.losses.Huber", "delta": 5.0}
    for scale in (1, 2):
        assert {"mine": {**mine, "scale": scale}} in terms
        assert {"mine": {**mine, "scale": scale}, "wide": {**wide, "weight": 0.5}} in terms


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["loss=sum", "loss.terms={min: 1}"], "loss.terms.min: Unknown choice loss=min. Did you mean mine? Known: "),
        (["loss=endless"], "loss.terms.endless.terms.endless: the sum loss=endless is a term of itself."),
        (["loss=sum", "loss.terms={formula: 1}"], "loss.terms.formula.value has no value yet. Set it: "),
        (["loss=sum", "loss.terms={mine: {scal: 1}}"], "Unknown setting loss.terms.mine.scal. Did you mean"),
    ],
)
def test_names_that_are_refused_leave_nothing_behind(arguments, message, own_folder):
    done = command(own_folder, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("lossexp: ")
    assert message in done.stderr
    assert not (own_folder / "runs").exists()


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (3, "loss.terms=3 is not allowed: expected losses with their weights, such as loss.terms={mse: 1, mae: 0.5}"),
        ({}, "loss.terms={} is not allowed: expected at least one loss."),
        ({"hubr": 1}, "loss.terms.hubr: Unknown choice loss=hubr. Did you mean huber? Known: bce, brier"),
        ({"a": {"loss": "huberr"}}, "loss.terms.a: Unknown choice loss=huberr. Did you mean huber? Known: bce, brier"),
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
