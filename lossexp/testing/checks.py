"""What every check has in common: laws with a sentence each, and comparisons that say where they fail."""

from __future__ import annotations

import dataclasses
import pickle
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from lossexp.components import Array, Component, InvalidValueError, may_differ_in_stack
from lossexp.errors import LossexpError

C = TypeVar("C", bound=Component)


@dataclass(frozen=True)
class Check:
    """A law, and what it is checked on.

    Attributes:
        law: The function that raises AssertionError where the law does not hold.
        subject: What it is called with.
        context: What the subject is, in words; empty where there is only one.
    """

    law: Callable[[Any], None]
    subject: Any
    context: str = ""

    @property
    def sentence(self) -> str:
        """The law in words."""
        return (self.law.__doc__ or self.law.__name__).partition("\n")[0]

    def run(self) -> None:
        """Check it.

        Raises:
            AssertionError: The law does not hold.
        """
        with np.errstate(all="ignore"), warnings.catch_warnings():
            # Said of a loss that takes real numbers only, where it is asked for its complex step.
            warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
            try:
                self.law(self.subject)
            except LossexpError as error:
                raise AssertionError(error) from error


def run_all(checks: Sequence[Check]) -> None:
    """Run all checks.

    Raises:
        AssertionError: A law does not hold; the message has the law, on what, where, and by how much.
    """
    for check in checks:
        try:
            check.run()
        except AssertionError as error:
            context = f" ({check.context})" if check.context else ""
            raise AssertionError(f"Does not hold{context}: {check.sentence}\n{error}") from None


Where = Callable[[tuple[int, ...]], str]
"""Says in words what an index of an array stands for."""


def require_close(
    got: Array, expected: Array, where: Where, *, rtol: float, atol: float | Array, ignore: Array | bool = False
) -> None:
    """Require |got - expected| <= atol + rtol |expected|, NaN alike, except where `ignore`.

    Raises:
        AssertionError: It is not so; the message has the worst place.
    """
    if got.shape != expected.shape:
        raise AssertionError(f"Expected the shape {expected.shape}, got {got.shape}.")
    excess = np.abs(got - expected) - (atol + rtol * np.abs(expected))
    alike = (got == expected) | (np.isnan(got) & np.isnan(expected)) | ignore
    excess = np.where(alike, -np.inf, np.where(np.isnan(excess), np.inf, excess))
    if np.any(excess > 0):
        worst = tuple(int(i) for i in np.unravel_index(np.argmax(excess), excess.shape))
        raise AssertionError(f"{where(worst)}: expected {expected[worst]:.10g}, got {got[worst]:.10g}.")


def require_all(holds: Array, got: Array, where: Where, expected: str) -> None:
    """Require what holds for some of the numbers to hold for all.

    Raises:
        AssertionError: It does not; the message has the first place.
    """
    if not holds.all():
        first = tuple(int(i) for i in np.argwhere(~holds)[0])
        raise AssertionError(f"{where(first)}: expected {expected}, got {got[first]:.10g}.")


def require_same(got: Array, expected: Array, where: Where) -> None:
    """Require equal numbers, to the last digit.

    Raises:
        AssertionError: They are not.
    """
    require_close(got, expected, where, rtol=0, atol=0)


def variants(component: C) -> Iterator[tuple[str, list[C]]]:
    """Yield each hyperparameter that may differ in a stack, with three components that differ in it."""
    for name in sorted(may_differ_in_stack(type(component))):
        value = getattr(component, name)
        others = (value * 1.1, value * 0.9, value * 0.5, value + 0.125, value + 0.25, value - 0.125)
        allowed = [component, *(other for number in others if (other := _with(component, name, number)) is not None)]
        yield name, list(dict.fromkeys(allowed))[:3]


def _with(component: C, name: str, value: float) -> C | None:
    try:
        return dataclasses.replace(component, **{name: value})
    except InvalidValueError:
        return None


def survives_pickling(component: Component) -> None:
    """It can be sent to another process and stays the same."""
    try:
        copy = pickle.loads(pickle.dumps(component))
    except Exception as error:
        raise AssertionError(f"Pickling fails with {type(error).__name__}: {error}") from error
    if copy != component or hash(copy) != hash(component):
        raise AssertionError(f"Expected {component} after pickling, got {copy}.")
