"""A loss in one line of text is as good as a class written by hand: same numbers, same laws, same stacks."""

import copy
import json
import pickle
import subprocess
import sys

import mpmath
import numpy as np
import pytest

from lossexp import losses
from lossexp.components import InvalidValueError
from lossexp.errors import ConfigError
from lossexp.experiment import Training
from lossexp.losses.formula import Formula, ProbabilityFormula, formula
from lossexp.optimizers import SGD
from lossexp.stacking import Member, Stack, arrange
from lossexp.symbolic import functions
from lossexp.symbolic.grammar import FormulaError
from lossexp.testing import loss_checks
from lossexp.verdict import judge

from ..composed import SMALL, jobs, small
from ..trainings import BINARY, REGRESSION, THREE_CLASSES, drawn, member, trained

CAUCHY = "log(1 + ((raw - target)/scale)**2)"
HUBER = "where(abs(raw - target) < d, (raw - target)**2/2, d*(abs(raw - target) - d/2))"
M = "(2*target - 1)*raw"

TWINS = [
    ("(raw - target)**2", {}, losses.MSE(), REGRESSION),
    ("abs(raw - target)", {}, losses.MAE(), REGRESSION),
    (f"scale**2/2 * {CAUCHY}", {"scale": 1.3}, losses.Cauchy(scale=1.3), REGRESSION),
    (HUBER, {"d": 0.8}, losses.Huber(delta=0.8), REGRESSION),
    (f"({HUBER})/d", {"d": 0.8}, losses.SmoothL1(beta=0.8), REGRESSION),
    ("where(abs(raw - target) < 1, 0.5*(raw - target)**2, abs(raw - target) - 0.5)", {}, losses.SmoothL1(), REGRESSION),
    ("c**2/6 * (1 - max(0, 1 - ((raw - target)/c)**2)**3)", {"c": 2}, losses.Tukey(scale=2), REGRESSION),
    ("max(tau*(target - raw), (tau - 1)*(target - raw))", {"tau": 0.3}, losses.Pinball(tau=0.3), REGRESSION),
    ("where(raw > target, (1 - t)*(raw - target), t*(target - raw))", {"t": 0.8}, losses.Pinball(tau=0.8), REGRESSION),
    ("log(cosh(raw - target))", {}, losses.LogCosh(), REGRESSION),
    ("max(0, abs(raw - target) - e)", {"e": 0.2}, losses.EpsilonInsensitive(epsilon=0.2), REGRESSION),
    ("raw + target*exp(-raw) - log(target) - 1", {"link": "log"}, losses.Gamma(), REGRESSION),
    ("log(1 + exp(raw)) - target*raw", {}, losses.BCE(), BINARY),
    ("log(1 + exp((1 - 2*target)*raw))", {}, losses.BCE(), THREE_CLASSES),
    ("max(0, 1 - (2*target - 1)*raw)", {}, losses.Hinge(), BINARY),
    ("max(0, 1 - (2*target - 1)*raw)**2", {}, losses.SquaredHinge(), THREE_CLASSES),
    (f"where({M} >= -1, max(0, 1 - {M})**2, -4*{M})", {}, losses.ModifiedHuber(), BINARY),
    ("exp((1 - 2*target)*raw)", {}, losses.Exponential(), BINARY),
    ("1/(1 + exp(2*(2*target - 1)*raw))**2", {}, losses.Savage(), BINARY),
    ("-log(p)", {}, losses.CCE(), THREE_CLASSES),
    ("-log(p)", {}, losses.BCE(), BINARY),
    ("-(1 - p)**gamma * log(p)", {"gamma": 2}, losses.Focal(), BINARY),
    ("-(1 - p)**gamma * log(p)", {"gamma": 0.7}, losses.Focal(gamma=0.7), THREE_CLASSES),
    ("(1 - p**q)/q", {"q": 0.7, "link": "softmax"}, losses.GCE(), BINARY),
    ("(1 - p**q)/q", {"q": 0.7}, losses.GCE(), THREE_CLASSES),
    ("-log(p) + epsilon*(1 - p)", {"epsilon": 1.5}, losses.Poly1(epsilon=1.5), THREE_CLASSES),
    ("-log(p)", {"class_weight": (1, 2, 5)}, losses.CCE(class_weight=(1, 2, 5)), THREE_CLASSES),
]  # fmt: skip


@pytest.mark.parametrize(("text", "settings", "twin", "target"), TWINS, ids=lambda value: str(value)[:40])
def test_numbers_are_those_of_the_class_written_by_hand(text, settings, twin, target):
    """Value and weighted gradient, at targets themselves as well, in both precisions."""
    loss, twin = formula(text, **settings).on(target), twin.on(target)
    assert loss.link_name(target) == twin.link_name(target)
    rng = np.random.default_rng(0)
    raw = rng.normal(0, 3, (twin.n_outputs(target), 2, 300))
    encoded = np.exp(rng.normal(0, 1, (1, 1, 300)))
    if target.task.is_classes:
        labels = rng.integers(0, target.n_classes, 300)
        encoded = labels[None, None] * 1.0 if len(raw) == 1 else np.eye(target.n_classes)[labels].T[:, None]
    weight = np.array([[0.5], [3.0]])
    for dtype, tolerance in ((np.float64, 1e-13), (np.float32, 2e-5)):
        x, y = raw.astype(dtype), encoded.astype(dtype)
        np.testing.assert_allclose(loss.value(x, y), twin.value(x, y), rtol=tolerance, atol=tolerance)
        got, expected = np.empty_like(x), np.empty_like(x)
        loss.weighted_gradient(x, y, weight.astype(dtype), got)
        twin.weighted_gradient(x, y, weight.astype(dtype), expected)
        np.testing.assert_allclose(got, expected, rtol=10 * tolerance, atol=10 * tolerance)
        assert got.dtype == loss.value(x, y).dtype == dtype


KEEPERS_OF_THE_LAWS = [
    formula(CAUCHY, scale=2),
    formula("raw"),
    formula("log(1 + exp(-(2*target - 1)*raw*a))", a=1.5),
    formula("raw*log(target + 1) - raw + exp(raw)", link="log"),
    formula("1 - exp(-((raw - target)/c)**2/2)", c=2),
    formula("where(target == 1, softplus(-raw), softplus(raw)*w)", w=2),
    formula("-(1 - p)**gamma * log(p)", gamma=0.5),
    formula("-log(max(p, 0.001))"),
    formula("log(p)**2", class_weight=(1, 3)),
    formula("where(p < m, -log(m) + (m - p)/m, -log(p))", m=0.01),
]


@pytest.mark.parametrize(
    "check",
    [check for loss in KEEPERS_OF_THE_LAWS for check in loss_checks(loss)],
    ids=lambda check: (
        f"{check.law.__name__}-{getattr(check.subject, 'loss', check.subject).formula[:20]}-{check.context}"
    ),
)
def test_the_laws_of_losses_hold(check):
    check.run()


def test_far_tails_keep_their_digits():
    """-log p and (1 - p)^2 against mpmath, by relative tolerance alone."""
    z = np.array([37.0, 232.8, 700.0, -37.0, -1e4])
    raw, target = z[None, None], np.ones((1, 1, len(z)))
    with mpmath.workdps(50):
        log_p = [mpmath.log1p(mpmath.exp(-mpmath.mpf(x))) for x in z]
        squares = [float((1 / (1 + mpmath.exp(mpmath.mpf(x)))) ** 2) for x in z]
    np.testing.assert_allclose(formula("-log(p)").value(raw, target)[0], np.array(log_p, float), rtol=1e-14)
    np.testing.assert_allclose(formula("(1 - p)**2").value(raw[..., :2], target[..., :2])[0], squares[:2], rtol=1e-13)


def test_what_it_is_for_follows_from_the_text():
    over_raw, over_p = formula(CAUCHY, scale=1), formula("-log(p)")
    assert isinstance(over_raw, Formula)
    assert isinstance(over_p, ProbabilityFormula)
    assert over_raw.accepts == losses.MSE.accepts
    assert over_p.accepts == losses.CCE.accepts
    assert over_raw.formula == CAUCHY
    assert str(formula("raw*log(target)").target_domain) == "above 0"
    assert str(formula("raw*sqrt(target)").target_domain) == "at least 0"
    assert formula("raw*target").target_domain == losses.MSE().target_domain


@pytest.mark.parametrize(
    ("text", "settings", "target", "link_name"),
    [
        ("(raw - target)**2", {}, REGRESSION, "identity"),
        ("exp(raw) - target*raw", {"link": "log"}, REGRESSION, "log"),
        ("(raw - target)**2", {}, BINARY, "identity"),
        ("abs(raw - target)**g", {"g": 1.5}, THREE_CLASSES, "identity"),
        ("max(0, 1 - (2*target - 1)*raw)", {}, BINARY, "logistic"),
        ("max(0, 1 - (2*target - 1)*raw)", {}, THREE_CLASSES, "logistic"),
        ("(raw - target)**2", {"link": "softmax"}, BINARY, "softmax"),
        ("-log(p)", {}, BINARY, "logistic"),
        ("-log(p)", {"link": "softmax"}, BINARY, "softmax"),
        ("-log(p)", {}, THREE_CLASSES, "softmax"),
    ],
)
def test_the_link_is_the_one_that_the_metrics_need(text, settings, target, link_name):
    loss = formula(text, **settings)
    assert loss.link_name(target) == loss.on(target).link_name(target) == link_name
    assert loss.on(target).on(target) == loss.on(target)


def test_it_can_be_sent_to_another_process_and_compared():
    loss = formula(CAUCHY, scale=2)
    for other in (pickle.loads(pickle.dumps(loss)), copy.deepcopy(loss), formula(CAUCHY, scale=2.0)):
        assert other == loss
        assert hash(other) == hash(loss)
        assert type(other) is type(loss)
    assert loss != formula(CAUCHY, scale=3)
    assert formula("(raw - target)**2") != formula("(raw - target)**4")


def test_parameters_that_differ_are_columns_and_texts_that_differ_are_parts():
    data = drawn(REGRESSION)
    members = [member(data, formula(CAUCHY, scale=scale)) for scale in (1, 2, 3)]
    members += [member(data, losses.MSE()), member(data, formula("abs(raw - target)**g", g=1.5))]
    stack = Stack([members[place] for place in arrange(members)])
    assert [part.runs.stop - part.runs.start for part in stack.losses] == [3, 1, 1]
    assert stack.losses[0].component.scale.tolist() == [[1], [2], [3]]


def test_a_stack_trains_as_each_run_alone():
    data, training = drawn(REGRESSION), Training(epochs=5, dtype="float64")
    members = [member(data, formula(CAUCHY, scale=scale), training=training) for scale in (1, 2)]
    members.append(member(data, losses.Cauchy(scale=1), training=training))
    for together, alone in zip(trained(*members), [trained(one)[0] for one in members], strict=True):
        np.testing.assert_allclose(together.params[0], alone.params[0], rtol=1e-12)


@pytest.mark.parametrize("given", ["loss.scale=2", "++loss.scale=2"])
def test_settings_of_the_command_line(given):
    job = small("loss=formula", f'loss.value="{CAUCHY}"', given)
    assert job.experiment.loss == formula(CAUCHY, scale=2)
    assert job.params()["loss.scale"] == "2"


def test_swept_on_the_command_line():
    swept = jobs(*SMALL, "loss=formula", f'loss.value="{CAUCHY}","(raw-target)**2*scale"', "loss.scale=1,2,3")
    assert [(job.experiment.loss.formula[0], job.experiment.loss.scale) for job in swept] == [
        (first, scale) for first in "l(" for scale in (1, 2, 3)
    ]


@pytest.mark.parametrize("given", ["loss.scale=2", "+loss.scale=2"])
def test_a_parameter_needs_no_plus_in_the_command(given, tmp_path):
    command = [sys.executable, "-m", "lossexp", *SMALL, "loss=formula", f'loss.value="{CAUCHY}"', given]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    (sheet,) = tmp_path.glob("runs/records/*/*/run.json")
    assert json.loads(sheet.read_text())["params"]["loss.scale"] == "2"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "loss.value=null is not allowed: expected text over raw and target"),
        ({"value": 3}, "loss.value=3 is not allowed: expected text"),
        ({"value": "raw*scale"}, "loss.value cannot be used: scale has no value"),
        ({"value": "raw*scale", "scale": "x"}, "loss.scale=x is not allowed: expected a finite number"),
        ({"value": "raw*scale", "scale": True}, "loss.scale=true is not allowed: expected a finite number"),
        ({"value": "raw*scale", "scal": 1, "scale": 1}, "loss.value cannot be used: scal is given but not in it"),
        ({"value": "raw", "link": "probit"}, "loss.link=probit is not allowed: expected one of auto, identity"),
        ({"value": "-log(p)", "link": "identity"}, "loss.link=identity is not allowed: expected one of auto, softmax"),
        ({"value": "raw", "class_weight": [1, 2]}, r"loss.class_weight=\[1, 2\] is not allowed: expected null"),
        ({"value": "raw*gradient", "gradient": 1}, "gradient already means something in a loss"),
        ({"value": "raw*value*2"}, "value has no value"),
    ],
)
def test_settings_that_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        Formula.from_settings(settings, "loss")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("log(raw)", "its value is nan at raw="),
        ("1/(raw - target)", "its value is inf at raw="),
        ("sqrt(abs(raw - target))", "its derivative is nan at raw="),
        ("sign(raw - target)", "its derivative is 0 everywhere, so nothing can be learnt"),
        ("exp(raw**4)", "its value is inf at raw="),
        ("1/(1 - p)**2", "its derivative is"),
    ],
)
def test_a_formula_without_value_or_derivative_is_refused_with_the_place(text, problem):
    with pytest.raises(FormulaError, match=f"^{problem}"):
        formula(text)


@pytest.mark.parametrize(
    ("factor", "wrong"),
    [
        (2, lambda self, argindex=1: functions.Sigmoid(2 * self.args[0])),
        (3, lambda self, argindex=1: 1.01 * functions.Sigmoid(self.args[0])),
        (4, lambda self, argindex=1: functions.Sign(self.args[0])),
    ],
)
def test_a_wrong_derivative_is_found_before_training(factor, wrong, monkeypatch):
    monkeypatch.setattr(functions.Softplus, "fdiff", wrong)
    with pytest.raises(FormulaError, match=r"^its derivative is .*, but its value grows by .* at raw="):
        formula(f"{factor} * softplus(raw)")


@pytest.mark.parametrize(
    "text", ["max(raw, -raw)", "abs(raw)**3", "where(raw > 0.123, raw, 0)", "min(max(raw, -1), 1) + raw/9"]
)
def test_kinks_are_no_reason_to_refuse(text):
    formula(text)


def test_class_weights_are_for_formulas_over_p_only():
    with pytest.raises(InvalidValueError, match="only a formula over p has weights for classes"):
        formula("raw", class_weight=[1, 2])


def test_balanced_class_weights_are_settled_by_the_training_split():
    loss = formula("-log(p)", class_weight="balanced")
    assert loss.fitted(np.array([10, 30])) == formula("-log(p)", class_weight=(2.0, 2 / 3))


def test_a_run_is_judged_as_one_of_its_twin():
    """Twice Cauchy's, so half the learning rate; of both the least loss that is possible is known."""
    data, training = drawn(REGRESSION, n_held_out=60), Training(epochs=60, dtype="float64")
    ours = member(data, losses.Cauchy(scale=1), training=training, optimizer=SGD(lr=0.02))
    text = member(data, formula(CAUCHY, scale=1), training=training, optimizer=SGD(lr=0.01))
    ours, text = (judge(run.finished.evidence) for run in trained(ours, text))
    assert (text.name, text.best_epoch) == (ours.name, ours.best_epoch)
    assert text.val_skill == pytest.approx(ours.val_skill, rel=1e-6)
    assert text.train_skill == pytest.approx(ours.train_skill, rel=1e-6)
    assert text.headroom == pytest.approx(2 * ours.headroom, rel=1e-6)


def test_members_of_a_stack_are_hashable_with_their_losses():
    experiment = small("loss=formula", "loss.value='-log(p)'").experiment
    assert hash(experiment) == hash(small("loss=formula", "loss.value='-log(p)'").experiment)
    assert Member(experiment, drawn(BINARY)).loss == formula("-log(p)").on(BINARY)
