"""Check a component of your own: `python -m lossexp.testing my_losses.Cauchy scale=2`.

Prints a line per law. Ends with exit code 0 where all hold, 1 where one does not, 2 where nothing could be checked.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from lossexp import building
from lossexp.components import Component
from lossexp.errors import EXIT_USER_ERROR, ConfigError, LossexpError, in_words, own_place
from lossexp.losses import Loss
from lossexp.models import Model
from lossexp.optimizers import Optimizer
from lossexp.schedules import Schedule
from lossexp.testing.checks import Check
from lossexp.testing.losses import loss_checks
from lossexp.testing.models import model_checks
from lossexp.testing.optimizers import optimizer_checks
from lossexp.testing.schedules import schedule_checks

USAGE = "Usage: python -m lossexp.testing MODULE.CLASS [SETTING=VALUE ...]   e.g. my_losses.Cauchy scale=2"

CHECKS: dict[type[Component], Callable[[Any], list[Check]]] = {
    Loss: loss_checks,
    Optimizer: optimizer_checks,
    Schedule: schedule_checks,
    Model: model_checks,
}


def main(arguments: Sequence[str]) -> int:
    """Check the component that the arguments name; return the exit code."""
    if arguments and arguments[0] in ("-h", "--help"):
        print(USAGE)
        return 0
    try:
        subject = component(arguments)
        checks = checks_of(subject)
    except LossexpError as error:
        print(f"lossexp.testing: {error}", file=sys.stderr)
        return EXIT_USER_ERROR
    exit_code = report(checks)
    if isinstance(subject, Loss) and not subject.has_own_gradient:
        print("It has no gradient of its own: it is differentiated numerically, which is slower but trains as well.")
    return exit_code


def component(arguments: Sequence[str]) -> Component:
    """Build the component that the arguments name.

    Raises:
        ConfigError: There is no such component, or it has no such setting.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    if not arguments or not all("=" in setting for setting in arguments[1:]):
        raise ConfigError(USAGE)
    try:
        settings = OmegaConf.to_container(OmegaConf.from_dotlist(list(arguments[1:])))
    except OmegaConfBaseException as error:
        raise ConfigError(f"{' '.join(arguments[1:])} cannot be read: {error}\n{USAGE}") from error
    assert isinstance(settings, dict)
    return building.component("component", {**settings, "_target_": arguments[0]}, Component)


def checks_of(subject: Component) -> list[Check]:
    """Return the checks of a component.

    Raises:
        ConfigError: There are none for its kind.
    """
    for interface, checks in CHECKS.items():
        if isinstance(subject, interface):
            return checks(subject)
    kinds = ", ".join(interface.__name__ for interface in CHECKS)
    raise ConfigError(f"{type(subject).__name__} cannot be checked: expected a subclass of one of {kinds}.")


def report(checks: Sequence[Check]) -> int:
    """Print a line per law and what failed; return the exit code."""
    said: set[str] = set()
    for sentence in dict.fromkeys(check.sentence for check in checks):
        failures = [text for check in checks if check.sentence == sentence for text in _failure(check)]
        print(f"{'does not hold' if failures else 'holds':<15}{sentence}")
        for text in dict.fromkeys("For the same reason." if text in said else text for text in failures):
            print(f"{'':<15}  {text}")
        said.update(failures)
    return 1 if said else 0


def _failure(check: Check) -> list[str]:
    """Run a check and return what went wrong, if anything did."""
    prefix = f"{check.context}: " if check.context else ""
    try:
        check.run()
    except (Exception, SystemExit) as error:
        says_it_all = isinstance(error, AssertionError) and not own_place(error)
        return [f"{prefix}{error if says_it_all else in_words(error)}"]
    return []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
