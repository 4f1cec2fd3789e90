"""The YAML files and the classes that they describe say the same."""

import dataclasses
import importlib
import inspect

import pytest
from omegaconf import OmegaConf

from lossexp import CONFIG_DIR, building, runner, sweeping
from lossexp.config import GROUPS, VALUES
from lossexp.errors import ConfigError
from tests.composed import combinations, job

CHOICES = [(group, path) for group in GROUPS for path in sorted((CONFIG_DIR / group).glob("*.yaml"))]
EXPERIMENTS = sorted((CONFIG_DIR / "experiment").glob("*.yaml"))
GRIDS = sorted((CONFIG_DIR / "grid").glob("*.yaml"))


def read(path):
    return OmegaConf.to_container(OmegaConf.load(path), resolve=False)


UNFINISHED = [(group, path.stem) for group, path in CHOICES if "???" in read(path).values()]
"""Choices that are the user's to complete: a formula, a sum of losses, a file of rows."""

each_choice = pytest.mark.parametrize(
    ("group", "path"),
    [
        pytest.param(group, path, id=f"{group}={path.stem}")
        for group, path in CHOICES
        if (group, path.stem) not in UNFINISHED
    ],
)


@pytest.mark.parametrize(("group", "name"), UNFINISHED)
def test_what_is_to_be_completed_says_so(group, name):
    with pytest.raises(ConfigError, match=rf"{group}\.(value|terms|path|id) has no value yet\. Set it: {group}\."):
        job(f"{group}={name}")


def described(group, path):
    """Return the class that a YAML file describes."""
    return building.component_class(read(path)["_target_"], f"{group}._target_", GROUPS[group])


@each_choice
def test_the_target_comes_first_and_every_setting_of_the_class_is_there(group, path):
    target, *settings = read(path)
    assert target == "_target_"
    assert sorted(settings) == sorted(field.name for field in dataclasses.fields(described(group, path)))


@each_choice
def test_the_values_are_the_defaults_of_the_class(group, path):
    component = described(group, path)
    built = building.component(group, read(path), GROUPS[group])
    without_default = [
        f for f in dataclasses.fields(component) if f.default is f.default_factory is dataclasses.MISSING
    ]
    required = {f.name: getattr(built, f.name) for f in without_default}
    assert built == component(**required)


@each_choice
def test_the_file_is_named_like_the_module(group, path):
    """`conf/loss/huber.yaml` is `lossexp/losses/huber.py`; training and sweep have one class each and no package."""
    module = described(group, path).__module__
    assert module == (
        "lossexp.experiment" if path.stem == "default" else f"{GROUPS[group].__module__.rpartition('.')[0]}.{path.stem}"
    )


@pytest.mark.parametrize("group", [group for group in GROUPS if group not in ("training", "sweep")])
def test_every_class_of_a_package_can_be_chosen(group):
    package = importlib.import_module(GROUPS[group].__module__.rpartition(".")[0])
    offered = [getattr(package, name) for name in package.__all__]
    concrete = {
        found.__module__.rpartition(".")[2]
        for found in offered
        if inspect.isclass(found) and issubclass(found, GROUPS[group]) and not inspect.isabstract(found)
    }
    assert concrete == {path.stem for of_group, path in CHOICES if of_group == group}


def test_folders_are_groups():
    folders = {path.name for path in CONFIG_DIR.iterdir() if path.is_dir()}
    assert folders == {*GROUPS, "experiment", "grid"}


def test_the_defaults_list_names_every_group_and_puts_experiments_last():
    config = read(CONFIG_DIR / "config.yaml")
    plain = [
        entry for entry in config["defaults"] if entry != "_self_" and not next(iter(entry)).startswith("override")
    ]
    names = [name for entry in plain for name in entry]
    assert names == [*GROUPS, "experiment", "grid"]
    assert config["defaults"].index("_self_") == len(GROUPS)
    assert {key for key in config if key not in ("defaults", "hydra")} == set(VALUES)
    for entry in plain[: len(GROUPS)]:
        ((group, choice),) = entry.items()
        assert (CONFIG_DIR / group / f"{choice}.yaml").exists()


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_experiment_composes_and_runs(path, tmp_path, monkeypatch, capsys, request):
    monkeypatch.chdir(tmp_path)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# @package _global_\n# ")
    shorter = ["training.epochs=1", "tracker=none"]
    if "/dataset: mnist" in text:  # nothing is downloaded
        shorter += [f"dataset.root={request.getfixturevalue('shared_data') / 'mnist'}", "optimizer.iterations=1"]
    composed = job(f"experiment={path.stem}", *shorter)
    assert runner.run(composed) == 0
    assert len(list(tmp_path.glob("runs/records/*/*/done.json"))) == 1
    assert "after epoch 1" in capsys.readouterr().out


@pytest.mark.parametrize("path", GRIDS, ids=lambda path: path.stem)
def test_every_grid_is_a_sweep_of_runs_that_fit(path):
    assert path.read_text(encoding="utf-8").startswith("# @package _global_\n# ")
    params = read(path)["hydra"]["sweeper"]["params"]
    composed = [job(*overrides) for overrides in combinations([f"{key}={value}" for key, value in params.items()])]
    assert len(sweeping.plan(composed, composed[0].sweep).jobs) == len(composed) > 1
