"""From plain values to a component: the class that a `_target_` names, checked before it is called.

`hydra.utils.instantiate` would call whatever is named. Here it must be a component of the kind that is wanted.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any, TypeVar

from lossexp.components import Component
from lossexp.errors import ConfigError

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
    return component_class(str(values["_target_"]), f"{key}._target_", interface).from_settings(settings, key)


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
    if not (inspect.isclass(found) and issubclass(found, interface)) or inspect.isabstract(found):
        raise ConfigError(f"{key}={target} is refused: {wanted}.")
    return found
