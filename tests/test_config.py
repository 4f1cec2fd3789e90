"""From a composed tree to a job: every value checked, every name the one that the user typed."""

import re

import pytest
from omegaconf import OmegaConf

from lossexp.config import build, unknown_key
from lossexp.errors import ConfigError
from lossexp.losses import BCE
from lossexp.models import MLP
from tests.composed import job


def test_the_default_job():
    default = job()
    assert default.choices["dataset"] == "breast_cancer"
    assert default.experiment.loss == BCE()
    assert default.experiment.seed == 0
    assert default.runs_dir == "runs"
    assert default.name == "bce lr=0.1 seed=0"


def test_values_have_the_types_of_the_class():
    experiment = job("model=mlp", "model.hidden=[8,4]", "optimizer.lr=1", "training.epochs=7").experiment
    assert experiment.model == MLP(hidden=(8, 4))
    assert isinstance(experiment.optimizer.lr, float)
    assert experiment.training.epochs == 7


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("optimizer.lr=-1", "optimizer.lr=-1 is not allowed: expected a finite number at least 0."),
        ("optimizer.lr=nan", "optimizer.lr=nan is not allowed: expected a finite number at least 0."),
        ("optimizer.lr=inf", "optimizer.lr=inf is not allowed: expected a finite number at least 0."),
        ("optimizer.lr=true", "optimizer.lr=true is not allowed: expected a finite number at least 0."),
        ("optimizer.lr=null", "optimizer.lr=null is not allowed: expected a finite number at least 0."),
        (
            "optimizer.lr='0.1'",
            "optimizer.lr=0.1 is not allowed: expected a finite number at least 0. This is text: a number has no "
            "quotes, and no zeros before it.",
        ),
        (
            "optimizer.lr=[0.1,1]",
            "optimizer.lr=[0.1, 1] is not allowed: expected a finite number at least 0. For a sweep over these values, "
            "with -m: optimizer.lr=0.1,1",
        ),
        (
            "training.epochs=99999999999999999999",
            "training.epochs=99999999999999999999 is not allowed: expected a whole number at least 0.",
        ),
        (
            "optimizer.momentum=1",
            "optimizer.momentum=1 is not allowed: expected a finite number at least 0 and below 1.",
        ),
        ("training.epochs=1.5", "training.epochs=1.5 is not allowed: expected a whole number at least 0."),
        ("training.epochs=-1", "training.epochs=-1 is not allowed: expected a whole number at least 0."),
        ("training.dtype=float16", "training.dtype=float16 is not allowed: expected one of float32, float64."),
        ("optimizer.batch_size=0", "optimizer.batch_size=0 is not allowed: expected a whole number at least 1."),
        ("optimizer.nesterov=1", "optimizer.nesterov=1 is not allowed: expected true or false."),
        ("seed=-1", "seed=-1 is not allowed: expected a whole number at least 0."),
        ("seed=1.5", "seed=1.5 is not allowed: expected a whole number at least 0."),
        ("seed=true", "seed=true is not allowed: expected a whole number at least 0."),
        ("seed=null", "seed has no value yet. Set it: seed=VALUE"),
        ("runs_dir=null", "runs_dir has no value yet. Set it: runs_dir=VALUE"),
        ("runs_dir=", "runs_dir has no value yet. Set it: runs_dir=VALUE"),
        ("runs_dir=[a]", "runs_dir=['a'] is not allowed: expected a folder."),
        ("loss=formula", "loss=formula: loss.value has no value yet. Set it: loss.value=VALUE"),
        ("seed=abc", "seed=abc is not allowed: expected a whole number at least 0."),
        ("seed=???", "seed has no value yet. Set it: seed=VALUE"),
        ("optimizer.lr=???", "optimizer.lr has no value yet. Set it: optimizer.lr=VALUE"),
        ("sweep.on_illegal=ignore", "sweep.on_illegal=ignore is not allowed: expected one of error, skip."),
    ],
)
def test_a_value_out_of_range_is_refused_as_it_was_typed(override, message):
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        job(override)


def test_a_setting_that_was_added_is_refused():
    with pytest.raises(ConfigError, match=r"^Unknown setting optimizer\.foo\. Known: lr, weight_decay, "):
        job("+optimizer.foo=1")
    with pytest.raises(ConfigError, match=r"^Unknown setting sed\. Did you mean seed\? Known: dataset, "):
        job("+sed=1")


@pytest.mark.parametrize(
    ("key", "closest"),
    [
        ("optimizer.learningrate", "optimizer.lr"),
        ("optimizer.learning_rate", "optimizer.lr"),
        ("lr", "optimizer.lr"),
        ("optimiser.lr", "optimizer.lr"),
        ("training.epoch", "training.epochs"),
        ("epochs", "training.epochs"),
        ("batch_size", "optimizer.batch_size"),
        ("momentum", "optimizer.momentum"),
        ("sead", "seed"),
        ("losses", "loss"),
        ("runsdir", "runs_dir"),
    ],
)
def test_the_closest_key_is_offered(key, closest):
    assert f"Unknown override {key}. Did you mean {closest}? " in str(unknown_key(key, job().tree))


@pytest.mark.parametrize(
    ("key", "owners"),
    [
        ("model.hidden", "model=mlp"),
        ("optimizer.momentum", "optimizer=sgd"),
        ("early_stopping.patience", "early_stopping=patience"),
        ("dataset.n_samples", "dataset=linear, dataset=moons"),
    ],
)
def test_a_setting_of_another_choice_is_said_to_be_one(key, owners):
    tree = job("optimizer=adam").tree
    assert f"Unknown override {key}. It is a setting of {owners}. Known: " in str(unknown_key(key, tree))
    with pytest.raises(ConfigError, match=r"^optimizer=adam: Unknown setting optimizer\.momentum\. It is a setting of"):
        job("optimizer=adam", "++optimizer.momentum=0.9")


def test_known_settings_are_those_at_the_same_place():
    assert str(unknown_key("training.epoch", job().tree)).endswith("training.max_stack, training.measure_test")
    assert str(unknown_key("model.scale.x", job().tree)).endswith("Known: model.scale")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (
            "optimizer.lr=${oc.env:LOSSEXP_TEST_SECRET}",
            r"^optimizer\.lr=\$\{oc\.env:LOSSEXP_TEST_SECRET\} is not allowed: .* It gives text; a number: ",
        ),
        ("seed=${oc.env:LOSSEXP_TEST_SECRET}", r"^seed=\$\{oc\.env:LOSSEXP_TEST_SECRET\} is not allowed: "),
        (
            "model.scale=[${oc.env:LOSSEXP_TEST_SECRET}]",
            r"^model\.scale=\['\$\{oc\.env:LOSSEXP_TEST_SECRET\}'\] is not",
        ),
    ],
)
def test_what_an_interpolation_stands_for_is_not_repeated_in_a_message(written, message, monkeypatch):
    monkeypatch.setenv("LOSSEXP_TEST_SECRET", "hunter2")
    with pytest.raises(ConfigError, match=message) as refused:
        job(written)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("group", ["experiment", "grid"])
def test_a_file_about_the_whole_configuration_that_does_not_say_so(group):
    with pytest.raises(ConfigError, match=f"^{group} is no setting. .* # @package _global_$"):
        build({**job().tree, group: {"seed": 1}}, job().choices)


def test_a_list_of_choices_is_refused():
    choices = {group: choice for group, choice in job().choices.items() if group != "model"}
    with pytest.raises(ConfigError, match="^model is a list of choices: expected one."):
        build(job().tree, choices)


def test_a_key_like_none_gets_no_wrong_offer():
    message = str(unknown_key("zzz.qqq", job().tree))
    assert "Did you mean" not in message
    assert message.endswith("seed, runs_dir")


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ((), "bce lr=0.1 seed=0"),
        (("loss=mse", "optimizer.lr=0.001", "seed=3"), "mse lr=0.001 seed=3"),
        (("model=mlp", "optimizer=gd"), "bce mlp gd lr=0.1 seed=0"),
        (("schedule=cosine", "early_stopping=patience"), "bce cosine patience lr=0.1 seed=0"),
        (("optimizer.momentum=0.9", "training.epochs=5"), "bce lr=0.1 seed=0 optimizer.momentum=0.9 training.epochs=5"),
        (("tracker=none", "runs_dir=elsewhere", "sweep.on_illegal=skip", "training.max_stack=4"), "bce lr=0.1 seed=0"),
        (("dataset=moons", "grid=losses_and_rates"), "bce lr=0.1 seed=0"),
        (("++optimizer.lr=0.2",), "bce lr=0.2 seed=0"),
        (
            ("training.epochs=5", "optimizer.momentum=0", "training.epochs=7"),
            "bce lr=0.1 seed=0 training.epochs=7 optimizer.momentum=0",
        ),
    ],
)
def test_the_name_says_what_was_chosen_in_the_order_typed(overrides, name):
    assert job(*overrides).name == name


def test_the_yaml_is_the_tree():
    composed = job("model=mlp", "dataset.train_size=null", "optimizer.lr=1e-7", "early_stopping=patience")
    assert OmegaConf.to_container(OmegaConf.create(composed.yaml)) == composed.tree


def test_params_are_flat_text():
    params = job("model=mlp", "dataset.train_size=0.5").params()
    assert params["loss"] == "bce"
    assert params["model"] == "mlp"
    assert params["model.hidden"] == "[64]"
    assert params["optimizer.lr"] == "0.1"
    assert params["dataset.train_size"] == "0.5"
    assert all(isinstance(value, str) for value in params.values())
    assert not any("_target_" in name or "hydra" in name for name in params)


def test_a_secret_is_used_but_written_nowhere(monkeypatch):
    monkeypatch.setenv("LOSSEXP_TEST_STORE", "http://user:hunter2@nowhere")
    asked = job("tracker.uri=${oc.env:LOSSEXP_TEST_STORE}")
    assert asked.tracker.uri == "http://user:hunter2@nowhere"
    for written in (asked.yaml, asked.name, str(asked.params()), str(asked.tree), str(asked.overrides)):
        assert "hunter2" not in written
    assert asked.params()["tracker.uri"] == "${oc.env:LOSSEXP_TEST_STORE}"


def test_one_setting_may_refer_to_another():
    assert job("dataset.split_seed=${seed}", "seed=7").experiment.dataset.split_seed == 7


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("runs_dir=${oc.env:LOSSEXP_NOT_SET}", r"^runs_dir cannot be read: .*LOSSEXP_NOT_SET"),
        ("optimizer.lr=${foo.bar}", r"^optimizer\.lr cannot be read: Interpolation key 'foo\.bar' not found\.$"),
        ("optimizer.lr=${nothing:1}", r"^optimizer\.lr cannot be read: Unsupported interpolation type nothing\.$"),
    ],
)
def test_what_cannot_be_resolved_is_said(override, message):
    with pytest.raises(ConfigError, match=message):
        job(override)


def test_what_was_built_is_built_once():
    known = {}
    first, second = (build(job(f"seed={seed}").tree, job().choices, (), known) for seed in (1, 2))
    assert first.experiment.dataset is second.experiment.dataset
    assert first.experiment.seed != second.experiment.seed


def test_a_tree_without_a_group_is_refused():
    tree = {key: value for key, value in job().tree.items() if key != "loss"}
    with pytest.raises(ConfigError, match=r"^loss has no _target_"):
        build(tree, job().choices)


@pytest.mark.parametrize("key", ["seed", "runs_dir"])
def test_a_tree_without_a_value_is_refused(key):
    tree = {name: value for name, value in job().tree.items() if name != key}
    with pytest.raises(ConfigError, match=rf"^{key} has no value yet"):
        build(tree, job().choices)
