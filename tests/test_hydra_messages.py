"""What Hydra says, in words of this program."""

import errno

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException
from omegaconf.errors import ConfigKeyError, InterpolationKeyError

from lossexp import CONFIG_DIR
from lossexp.errors import ConfigError
from lossexp.hydra_messages import readable
from tests.composed import job


def said(error, *arguments):
    return readable(error, CONFIG_DIR, arguments)


def no_such_key(key):
    return ConfigCompositionException(f"Could not override '{key}'.\nTo append to your config use +{key}=1")


def no_such_choice(group, choice, *options):
    listed = "".join(f"\n\t{option}" for option in options)
    return MissingConfigException(f"In 'config': Could not find '{group}/{choice}'\n\nAvailable options:{listed}", "x")


def test_our_own_errors_are_left_alone():
    assert said(ConfigError("two\nlines")) == "two\nlines"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "Could not override 'lss'. No match in the defaults list.",
            "Could not override 'lss'. No match in the defaults",
        ),
        (
            "ConfigKeyError raised while composing config:\nKey 'a' not in 'HydraConf'\n    full_key: b",
            "Key 'a' not in",
        ),
        ("Could not load 'loss/b'.\n\nConfig search path:\n\tprovider=hydra", "Could not load 'loss/b'."),
    ],
)
def test_a_file_that_cannot_be_composed_is_named(text, problem):
    message = said(ConfigCompositionException(f"In 'experiment/mine': {text}"))
    assert message.startswith(f"The YAML file experiment/mine.yaml cannot be used: {problem}")
    assert "\n" not in message


def test_files_that_choose_each_other(tmp_path):
    (tmp_path / "loss").mkdir()
    (tmp_path / "loss" / "a.yaml").write_text("defaults: [b]\n")
    (tmp_path / "loss" / "b.yaml").write_text("defaults: [a]\n")
    with pytest.raises(RecursionError) as error:
        job(f"hydra.searchpath=[file://{tmp_path}]", "loss=a")
    assert said(error.value) == "YAML files choose each other in their defaults lists, in a circle."


def test_a_choice_in_a_file_is_one_like_any_other():
    error = MissingConfigException("In 'experiment/mine': Could not find 'optimizer/gdd'\n", "x")
    assert said(error).startswith("Unknown choice optimizer=gdd. Did you mean gd?")


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


@pytest.mark.parametrize(
    ("typed", "hydra"),
    [
        ("loss=mse,bce", "Ambiguous value for argument 'loss=mse,bce'\n1. To use it as a list ..."),
        ("seed=range(3)", "Sweep parameters 'seed=range(3)' requires --multirun"),
    ],
)
def test_a_list_that_is_no_sweep(typed, hydra):
    message = said(ConfigCompositionException(hydra))
    assert message == f"{typed} is a list. For a sweep over it add -m; for one list as a value: KEY=[...]"


def test_a_key_inside_a_mapping_is_named_in_full():
    error = no_such_key("optimizer")
    error.__cause__ = ConfigKeyError("Key 'lrr' is not in struct\n    full_key: optimizer.lrr\n    object_type=dict")
    message = said(error, "optimizer={lrr: 0.5}")
    assert message.startswith("Unknown override optimizer.lrr. Did you mean optimizer.lr? Known: optimizer.lr, ")


def test_keys_of_a_sweep_are_new():
    message = said(no_such_key("hydra.sweeper.params.seed"))
    assert message == "hydra.sweeper.params.seed is a new key, which takes a plus: +hydra.sweeper.params.seed=..."


@pytest.mark.parametrize(
    ("hydra", "message"),
    [
        (
            "Could not append to config. An item is already at 'optimizer.lr'.\nEither remove",
            "optimizer.lr exists already: set it without the plus, optimizer.lr=VALUE",
        ),
        (
            "In 'experiment/c': Could not override 'loss@experiment.loss'.\nNo match in the defaults list.",
            "A YAML file of the group experiment overrides a choice of its own. To override one of the whole "
            "configuration, begin it with the line # @package _global_",
        ),
        (
            "Error parsing override 'foo'\nmissing EQUAL at '<EOF>'",
            "foo is no setting: expected KEY=VALUE, such as loss=mse",
        ),
        (
            "Error parsing override 'seed=rnage(5)'\n... Unknown function 'rnage'\nAvailable: bool,choice,range\n",
            "There is no function rnage. Did you mean range? Known: bool, choice, range",
        ),
    ],
)
def test_mistakes_in_single_overrides(hydra, message):
    assert said(HydraException(hydra)) == message


@pytest.mark.parametrize("value", ["null", "true", "1", "0.5", "[mse]"])
def test_a_choice_that_is_no_text(value):
    error = ValueError("Config group override must be a string or a list. Got ...")
    message = said(error, "seed=1", f"model={value}")
    assert message == f"model={value} is no choice. Known: linear, mlp"


def test_a_launcher_that_is_not_installed():
    message = said(no_such_choice("hydra/launcher", "joblib", "basic", "stacked"))
    assert message == "Unknown choice hydra/launcher=joblib. Known: basic, stacked"


def test_a_file_is_no_choice_but_nearly():
    message = said(no_such_choice("dataset", "my/data.csv", "csv", "moons"))
    assert (
        message
        == "Unknown choice dataset=my/data.csv. Did you mean dataset=csv dataset.path=my/data.csv? Known: csv, moons"
    )


def test_a_yaml_file_that_cannot_be_read_is_named():
    with pytest.raises(yaml.YAMLError) as broken:
        yaml.safe_load("a: [1\nb: 2")
    message = said(broken.value)
    assert message.startswith("A YAML file cannot be read: while parsing a flow ")
    assert "line 2, column 2" in message
    assert "\n" not in message


def test_a_full_disk():
    error = OSError(errno.ENOSPC, "No space left on device", "runs/history.csv")
    assert said(error) == (
        "A file cannot be read or written: No space left on device (runs/history.csv). What was written before is kept."
    )


def test_too_little_memory():
    assert said(MemoryError("Unable to allocate 3 TiB")) == "There is not enough memory. Unable to allocate 3 TiB"


def test_anything_else_keeps_its_first_line_and_its_cause():
    assert said(InterpolationKeyError("first line\n    full_key: x")) == (
        "The command line cannot be understood: first line"
    )
    error = ConfigCompositionException("Error merging override seed=1")
    error.__cause__ = InterpolationKeyError("because of this\nand that")
    assert said(error) == "The command line cannot be understood: Error merging override seed=1 because of this"
    assert said(ConfigCompositionException()) == "The command line cannot be understood: ConfigCompositionException"
