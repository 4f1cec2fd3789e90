"""A `_target_` becomes a component of the wanted kind, or is refused before it is called."""

import re

import pytest

from lossexp import CONFIG_DIR, building
from lossexp.errors import ConfigError
from lossexp.losses import Huber, Loss
from lossexp.losses.mse import MSE
from lossexp.optimizers import SGD, Optimizer

USERS = """
from dataclasses import dataclass

from lossexp.losses.base import Loss


@dataclass(frozen=True, kw_only=True)
class Quartic(Loss):
    scale: float = 1.0

    def value(self, raw, target):
        return self.scale * ((raw - target) ** 4).sum(axis=0)


class Unmarked(Loss):
    scale: float = 1.0

    def value(self, raw, target):
        return self.scale * ((raw - target) ** 4).sum(axis=0)


def make(scale=1.0):
    raise AssertionError("called")
"""


@pytest.fixture
def users_module(tmp_path, monkeypatch):
    (tmp_path / "users_losses.py").write_text(USERS)
    monkeypatch.syspath_prepend(tmp_path)


def test_a_component_is_built_from_plain_values():
    values = {"_target_": "lossexp.optimizers.SGD", "lr": 1, "momentum": 0.5}
    assert building.component("optimizer", values, Optimizer) == SGD(lr=1.0, momentum=0.5)


def test_a_component_of_the_user_is_as_good_as_ours(users_module):
    built = building.component("loss", {"_target_": "users_losses.Quartic", "scale": 2}, Loss)
    assert built.scale == 2.0
    assert isinstance(built, Loss)


@pytest.mark.parametrize(
    "target",
    [
        "builtins.open",
        "builtins.eval",
        "shutil.copyfile",
        "os.system",
        "subprocess.Popen",
        "hydra.utils.instantiate",
        "lossexp.losses.mse",
        "lossexp.losses.Loss",
        "lossexp.optimizers.SGD",
        "users_losses.make",
    ],
)
def test_what_is_not_a_component_of_the_kind_is_refused_and_not_called(target, users_module, monkeypatch):
    monkeypatch.setattr("builtins.eval", lambda *_: pytest.fail("called"))
    with pytest.raises(ConfigError, match=rf"^loss\._target_={re.escape(target)} is refused: expected a Loss, such as"):
        building.component("loss", {"_target_": target}, Loss)


@pytest.mark.parametrize("target", ["nowhere.Loss", "lossexp.losses.Nothing", "MSE", "", ".x", "a..b", 1, None])
def test_what_does_not_exist_is_said(target):
    with pytest.raises(ConfigError, match=rf"^loss\._target_={target} cannot be found: .*current folder"):
        building.component("loss", {"_target_": target}, Loss)


def test_what_a_class_lacks_is_said():
    with pytest.raises(ConfigError, match=r"Loss is refused: expected a Loss, such as .*\. It has no method value\.$"):
        building.component("loss", {"_target_": "lossexp.losses.Loss"}, Loss)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "@dataclass\nclass Mine(Loss):\n    scale: float = 1.0",
            r"with TypeError: cannot inherit non-froz.* \(line 4 of broken_losses.py\)\.",
        ),
        ("x = 1 / 0", r"with ZeroDivisionError: .* \(line 4 of broken_losses.py\)\."),
        ("class Mine(Loss)", r"with SyntaxError: .*\(broken_losses.py, line 4\)"),
    ],
)
def test_a_file_that_cannot_be_read_is_the_mistake_of_who_wrote_it(text, words, tmp_path, monkeypatch):
    head = "from dataclasses import dataclass\nfrom lossexp.losses import Loss\n\n"
    (tmp_path / "broken_losses.py").write_text(head + text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match=f"broken_losses.Mine cannot be read: .*{words}.*dataclass.frozen=True"):
        building.component("loss", {"_target_": "broken_losses.Mine"}, Loss)


@pytest.mark.parametrize("values", [None, "mse", {}, {"link": "identity"}, 3])
def test_what_has_no_target_is_refused(values):
    with pytest.raises(ConfigError, match=r"^loss has no _target_: expected a choice, such as loss=NAME"):
        building.component("loss", values, Loss)


def test_a_setting_that_the_class_does_not_have_is_refused():
    with pytest.raises(ConfigError, match=r"^Unknown setting optimizer\.moment\. Did you mean optimizer\.momentum\?"):
        building.component("optimizer", {"_target_": "lossexp.optimizers.SGD", "moment": 0.9}, Optimizer)


def test_a_class_that_is_no_dataclass_is_told_what_its_settings_need(users_module):
    with pytest.raises(ConfigError, match=r"^Unknown setting loss\.scale\. Unmarked is not marked @dataclass\(frozen"):
        building.component("loss", {"_target_": "users_losses.Unmarked", "scale": 2}, Loss)


def test_a_class_may_be_named_by_its_module():
    assert building.component_class("lossexp.losses.mse.MSE", "loss._target_", Loss) is MSE


def test_choices_are_our_components_by_name():
    """Every loss has a YAML of its name; the interface is no choice."""
    assert building.choices(Loss).keys() == {path.stem for path in (CONFIG_DIR / "loss").glob("*.yaml")}
    assert building.choices(Loss)["huber"] is Huber
