"""What Hydra says, in words of this program."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException
from omegaconf.errors import InterpolationKeyError

from lossexp import CONFIG_DIR
from lossexp.errors import ConfigError
from lossexp.hydra_messages import readable


def said(error, *arguments):
    return readable(error, CONFIG_DIR, arguments)


def no_such_key(key):
    return ConfigCompositionException(f"Could not override '{key}'.\nTo append to your config use +{key}=1")


def no_such_choice(group, choice, *options):
    listed = "".join(f"\n\t{option}" for option in options)
    return MissingConfigException(f"In 'config': Could not find '{group}/{choice}'\n\nAvailable options:{listed}", "x")


def test_our_own_errors_are_left_alone():
    assert said(ConfigError("two\nlines")) == "two\nlines"


def test_a_key_is_compared_with_those_of_the_choices_on_the_command_line():
    assert said(no_such_key("optimizer.moment"), "optimizer=sgd") == (
        "Unknown override optimizer.moment. Did you mean optimizer.momentum? "
        "Known: optimizer.lr, optimizer.weight_decay, optimizer.batch_size, optimizer.momentum, optimizer.nesterov"
    )
    assert said(no_such_key("optimizer.moment"), "optimizer=gd").endswith("Known: optimizer.lr, optimizer.weight_decay")
    assert "Did you mean model.hidden?" in said(no_such_key("model.hiden"), "model=mlp")


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        ("dataset.path=a=b.csv", "'dataset.path=\"a=b.csv\"'"),
        ("dataset.target=größe", "'dataset.target=\"größe\"'"),
        ('dataset.group=<a "b">', '\'dataset.group="<a \\"b\\">"\''),
    ],
)
def test_special_characters_are_quoted_for_the_user(typed, right):
    error = HydraException("mismatched input '='")
    assert said(error, "loss=bce", typed).endswith(f"\nText with special characters is quoted twice: {right}")
    (parsed,) = OverridesParser.create().parse_overrides([right.strip("'")])
    assert parsed.value() == typed.partition("=")[2]


def test_a_list_of_choices_names_no_choice():
    assert "optimizer.momentum" in said(no_such_key("optimizer.moment"), "optimizer=gd,sgd", "-m")


def test_settings_of_hydra_are_compared_with_settings_of_hydra():
    assert "Did you mean hydra.launcher.n_jobs?" in said(no_such_key("hydra.launcher.njobs"))
    assert "hydra" not in said(no_such_key("nothing.like.it"))


def test_other_mistakes_on_the_command_line_do_not_hide_this_one():
    assert said(no_such_key("sed"), "loss=nothing").startswith("Unknown override sed.")


@pytest.mark.parametrize(
    ("group", "typed", "meant"),
    [
        ("loss", "bcee", "bce"),
        ("loss", "binary_crossentropy", "bce"),
        ("loss", "CrossEntropyLoss", "cce"),
        ("loss", "L1Loss", "mae"),
        ("loss", "mean_squared_error", "mse"),
        ("dataset", "breast-cancer", "breast_cancer"),
        ("model", "linar", "linear"),
    ],
)
def test_an_unknown_choice_gets_the_closest_one(group, typed, meant):
    message = said(no_such_choice(group, typed))
    assert message.startswith(f"Unknown choice {group}={typed}. Did you mean {meant}? Known: ")


def test_choices_of_the_user_count_too():
    message = said(no_such_choice("loss", "my_onw", "bce", "mse", "my_own"))
    assert message == "Unknown choice loss=my_onw. Did you mean my_own? Known: bce, mse, my_own"


def test_a_list_that_is_no_sweep():
    error = ConfigCompositionException("Ambiguous value for argument 'loss=mse,bce'\n1. To use it as a list ...")
    assert said(error) == "loss=mse,bce is a list. For a sweep over it add -m; for one list as a value: KEY=[...]"


def test_anything_else_keeps_its_first_line_and_its_cause():
    assert said(InterpolationKeyError("first line\n    full_key: x")) == (
        "The command line cannot be understood: first line"
    )
    error = ConfigCompositionException("Error merging override seed=1")
    error.__cause__ = InterpolationKeyError("because of this\nand that")
    assert said(error) == "The command line cannot be understood: Error merging override seed=1 because of this"
    assert said(ConfigCompositionException()) == "The command line cannot be understood: ConfigCompositionException"
