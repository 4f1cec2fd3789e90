"""The command line before Hydra reads it: what people type in good faith and Hydra would refuse."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from lossexp import own_yaml
from lossexp.errors import ConfigError


def readable_by_hydra(arguments: Sequence[str]) -> list[str]:
    """Return arguments of the same meaning that Hydra reads.

    Raises:
        ConfigError: There is an option that does not exist or has a wrong value, or a YAML file that is too large.
    """
    # Elsewhere these groups are often not in the defaults list and want a plus; people type it.
    plain = [argument[1:] if argument.startswith(("+experiment=", "+grid=")) else argument for argument in arguments]
    return _opened(_in_order(plain))


def _in_order(arguments: Sequence[str]) -> list[str]:
    """Return overrides before options: Hydra refuses overrides on both sides of an option."""
    from hydra._internal.utils import get_args_parser

    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign]
    parsed, others = parser.parse_known_args(arguments)
    if parsed.config_dir:
        own_yaml.refuse_huge(Path(parsed.config_dir))
    unknown = next((argument for argument in others if argument.startswith("-")), None)
    if unknown:
        _refuse(f"unknown option {unknown}")
    overrides = [*parsed.overrides, *others]
    return [*overrides, *(argument for argument in arguments if argument not in overrides)]


def _refuse(message: str) -> NoReturn:
    raise ConfigError(
        f"The command line cannot be understood: {message}. Settings are written without dashes, KEY=VALUE, such as "
        "loss=mse; -m begins a sweep. All settings: python -m lossexp --help   All options: --hydra-help"
    )


def _opened(arguments: Sequence[str]) -> list[str]:
    """Return arguments that Hydra lets through though the keys are not in the YAML files it looks at.

    It knows the keys of the first choices only. A loss may have names of its own, such as the parameters of a formula,
    and of a group that is swept each choice has other keys. What the choice does not know is refused when it is built.
    """
    swept = {match[1] for argument in arguments if (match := re.match(r"\+?(\w+)=.*[,(]", argument))}
    groups = {"loss", *swept}
    key = r"(?!hydra)\w+" if "experiment" in swept else "|".join(groups)
    return [re.sub(rf"^\+?((?:{key})\.[^=]+=)", r"++\1", argument) for argument in arguments]
