"""From plain values to a component: the class that a `_target_` names, checked before it is called.

`hydra.utils.instantiate` would call whatever is named. Here it must be a component of the kind that is wanted.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from collections.abc import Mapping
from typing import Any, TypeVar

from lossexp.components import Component, UnknownSettingError
from lossexp.errors import ConfigError, in_words

C = TypeVar("C", bound=Component)


def component(key: str, values: Any, interface: type[C]) -> C:
    """Build a component.

    Args:
        key: Where it stands in the configuration, such as `loss`.
        values: A mapping with a `_target_` and the settings of that class.
        interface: What it must be.

    Raises:
        ConfigError: There is no `_target_`, it is something else, or the settings do not fit it.
    """
    if not isinstance(values, Mapping) or "_target_" not in values:
        raise ConfigError(
            f"{key} has no _target_: expected a choice, such as {key}=NAME, or a mapping with a _target_."
        )
    settings = {str(name): value for name, value in values.items() if name != "_target_"}
    found = component_class(str(values["_target_"]), f"{key}._target_", interface)
    try:
        return found.from_settings(settings, key)
    except UnknownSettingError as error:
        if "__dataclass_fields__" not in vars(found):
            hint = f" {found.__name__} is not marked @dataclass(frozen=True, kw_only=True), which its settings need."
            raise UnknownSettingError(error.prefix, error.name, error.known, hint) from error
        owners = elsewhere(key, interface)
        if error.name not in owners:
            raise
        raise UnknownSettingError(error.prefix, error.name, error.known, owners[error.name]) from error


def elsewhere(key: str, interface: type[Component]) -> dict[str, str]:
    """Say of each setting of our components of a kind which of them have it."""
    owners: dict[str, list[str]] = {}
    for choice, found in choices(interface).items():
        for field in dataclasses.fields(found):
            owners.setdefault(field.name, []).append(f"{key}={choice}")
    return {name: f" It is a setting of {', '.join(those)}." for name, those in owners.items()}


def choices(interface: type[C]) -> dict[str, type[C]]:
    """Return our components of a kind by name: the class of `losses/huber.py` is `huber`."""
    package = importlib.import_module(interface.__module__.rpartition(".")[0])
    classes = [value for value in vars(package).values() if inspect.isclass(value) and issubclass(value, interface)]
    return {found.__module__.rpartition(".")[2]: found for found in classes if not inspect.isabstract(found)}


def component_class(target: str, key: str, interface: type[C]) -> type[C]:
    """Return the class that a dotted path names, if it is a component of the right kind.

    Raises:
        ConfigError: There is no such class, or it is something else.
    """
    module_name, _, class_name = target.rpartition(".")
    wanted = f"expected a {interface.__name__}, such as one of {interface.__module__.rpartition('.')[0]}"
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"{key}={target} cannot be found: {error}. "
            "Modules are looked for in the current folder and in what is installed."
        ) from error
    except (Exception, SystemExit) as error:  # whatever a user's file may raise while it is read
        raise ConfigError(
            f"{key}={target} cannot be read: its module fails with {in_words(error)}. "
            "A component is a class marked @dataclass(frozen=True, kw_only=True)."
        ) from error
    if not (inspect.isclass(found) and issubclass(found, interface)):
        raise ConfigError(f"{key}={target} is refused: {wanted}.")
    if inspect.isabstract(found):
        missing = ", ".join(sorted(found.__abstractmethods__))  # type: ignore[attr-defined]
        raise ConfigError(f"{key}={target} is refused: {wanted}. It has no method {missing}.")
    return found
