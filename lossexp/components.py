"""Component: the frozen dataclass that every choice of the configuration is.

Fields are hyperparameters, methods are formulas. A field's annotation states its domain, and one function checks
every value against it, whether it comes from YAML, the command line or Python:

    lr: Positive = 0.1                       a number above 0, may differ inside a stack
    batch_size: Annotated[int, Interval(1)] = 32
    activation: Literal["relu", "tanh"] = "relu"
    hidden: tuple[Annotated[int, Interval(1)], ...] = (64,)
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import types
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, TypeAlias, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from lossexp.errors import ConfigError, did_you_mean

Array: TypeAlias = NDArray[Any]

Scalar: TypeAlias = float | Array
"""A hyperparameter that may differ between the runs of a stack: one number, or a column `(n_runs, 1)`."""


@dataclass(frozen=True)
class Interval:
    """The domain of a number: `low` to `high`, the ends included unless `open_low` or `open_high`."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def contains(self, value: Scalar | np.number[Any]) -> bool:
        """Tell whether every number of `value` is finite and lies inside."""
        try:
            number = np.asarray(value, dtype=np.float64)
        except OverflowError:  # a whole number beyond all floating-point numbers
            return False
        above = number > self.low if self.open_low else number >= self.low
        below = number < self.high if self.open_high else number <= self.high
        return bool(np.all(np.isfinite(number) & above & below))

    def __str__(self) -> str:
        low = f"{'above' if self.open_low else 'at least'} {self.low:g}" if math.isfinite(self.low) else ""
        high = f"{'below' if self.open_high else 'at most'} {self.high:g}" if math.isfinite(self.high) else ""
        return " and ".join(bound for bound in (low, high) if bound)


Real: TypeAlias = Annotated[Scalar, Interval()]
Positive: TypeAlias = Annotated[Scalar, Interval(0, open_low=True)]
NonNegative: TypeAlias = Annotated[Scalar, Interval(0)]
Fraction: TypeAlias = Annotated[Scalar, Interval(0, 1)]
ProperFraction: TypeAlias = Annotated[Scalar, Interval(0, 1, open_high=True)]
Count: TypeAlias = Annotated[int, Interval(0)]
PositiveCount: TypeAlias = Annotated[int, Interval(1)]


class InvalidValueError(ConfigError):
    """A field was given a value outside its domain."""

    def __init__(self, field: str, value: object, expected: str) -> None:
        self.field, self.value, self.expected = field, value, expected
        super().__init__(f"{field}={value!r} is not allowed: expected {expected}.")


class UnknownSettingError(ConfigError):
    """A setting does not exist where it stands."""

    def __init__(self, prefix: str, name: str, known: Collection[str], hint: str) -> None:
        self.prefix, self.name, self.known = prefix, name, known
        super().__init__(f"Unknown setting {prefix}{name}.{hint} Known: {', '.join(known)}.")


@dataclass(frozen=True)
class Component:
    """Base of everything that a config chooses. Checks its fields when it is made.

    Raises:
        InvalidValueError: A field is outside the domain that its annotation states.
    """

    def __post_init__(self) -> None:
        for name, annotation in domains(type(self)).items():
            value = getattr(self, name)
            checked = _checked(annotation, value)
            if checked is _INVALID:
                raise InvalidValueError(name, value, describe(annotation))
            object.__setattr__(self, name, checked)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], key: str) -> Self:
        """Make a component from the values of its YAML, of which each is a field.

        Args:
            settings: The values by name.
            key: Where they stand in the configuration, such as `loss`.

        Raises:
            ConfigError: A name is unknown, or a value is outside its domain.
        """
        refuse_unknown(f"{key}.", settings, [field.name for field in dataclasses.fields(cls)])
        try:
            return cls(**settings)
        except InvalidValueError as error:
            setting = f"{key}.{error.field}"
            raise ConfigError(
                f"{setting}={as_typed(error.value)} is not allowed: expected {error.expected}."
                f"{_hint(setting, error.value, error.expected)}"
            ) from error


def _hint(setting: str, value: object, expected: str) -> str:
    """Say what is probably wrong with a value that looks right."""
    if isinstance(value, list) and "list" not in expected:
        return f" For a sweep over these values, with -m: {setting}={','.join(map(as_typed, value))}"
    if isinstance(value, str) and "number" in expected and re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?", value):
        return " This is text: a number has no quotes, and no zeros before it."
    return ""


def refuse_unknown(prefix: str, keys: Collection[str], known: Collection[str]) -> None:
    """Refuse keys that are not known; `prefix` says where they stand, such as `loss.`.

    Raises:
        UnknownSettingError: There is such a key.
    """
    for key in keys:
        if key not in known:
            raise UnknownSettingError(prefix, key, known, did_you_mean(key, known).replace("mean ", f"mean {prefix}"))


def as_typed(value: object) -> str:
    """Return a value as it is written in YAML and on the command line."""
    names: dict[object, str] = {None: "null", True: "true", False: "false"}
    return names.get(value, str(value)) if isinstance(value, (bool, type(None))) else str(value)


def _domains(component: type) -> dict[str, Any]:
    hints = get_type_hints(component, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(component)}


domains: Callable[[type], dict[str, Any]] = functools.cache(_domains)
"""Return the annotation of each field of a component class, with its domain."""


def may_differ_in_stack(component: type) -> frozenset[str]:
    """Return the fields that may be a column in a stack: those declared with a `Scalar` domain."""
    return frozenset(name for name, annotation in domains(component).items() if _strip(annotation)[0] == Scalar)


class _Mapping(dict[Any, Any]):
    """A mapping in a setting: nobody changes it, so that a component with one is hashable like the others."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(map(repr, self)))  # the same in any order


_INVALID: Any = object()

_LARGEST = 2**53
"""Above it whole numbers are no longer exact as floating-point numbers, and soon none for NumPy at all."""


def _strip(annotation: Any) -> tuple[Any, Interval]:
    if get_origin(annotation) is Annotated:
        base, *marks = get_args(annotation)
        return base, next((mark for mark in marks if isinstance(mark, Interval)), Interval())
    return annotation, Interval()


def _checked(annotation: Any, value: Any) -> Any:
    """Return `value` in the type that `annotation` asks for, or `_INVALID`."""
    base, interval = _strip(annotation)
    origin = get_origin(base)
    if base == Scalar:
        return _checked_number(value, interval)
    if base is float:
        return _INVALID if isinstance(value, np.ndarray) else _checked_number(value, interval)
    if base is int:
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool) and abs(int(value)) <= _LARGEST
        return int(value) if whole and interval.contains(value) else _INVALID
    if origin is Literal:
        return value if value in get_args(base) else _INVALID
    if origin in (Union, types.UnionType):
        options = (_checked(option, value) for option in get_args(base))
        return next((option for option in options if option is not _INVALID), _INVALID)
    if origin in (tuple, list):  # kept as a tuple either way: a setting does not change
        if not isinstance(value, (list, tuple)):
            return _INVALID
        items = tuple(_checked(get_args(base)[0], item) for item in value)
        return _INVALID if any(item is _INVALID for item in items) else items
    if origin is dict:
        return _Mapping(value) if isinstance(value, dict) else _INVALID
    return value if base is Any or isinstance(value, origin or base) else _INVALID


def _checked_number(value: Any, interval: Interval) -> Any:
    if isinstance(value, np.ndarray):
        # A column of numbers that were inside one by one: in single precision some may be rounded to an open end.
        closed = dataclasses.replace(interval, open_low=False, open_high=False)
        return value if value.dtype.kind == "f" and closed.contains(value) else _INVALID
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    return float(value) if number and interval.contains(value) else _INVALID


def describe(annotation: Any) -> str:
    """Say in words what an annotation allows, such as `a number above 0`."""
    base, interval = _strip(annotation)
    origin = get_origin(base)
    if base == Scalar or base is float:
        return f"a finite number {interval}".rstrip()
    if base is int:
        return f"a whole number {interval}".rstrip()
    if origin is Literal:
        return "one of " + ", ".join(str(option) for option in get_args(base))
    if origin in (Union, types.UnionType):
        return " or ".join(describe(option) for option in get_args(base))
    if origin in (tuple, list):
        return f"a list of items, each {describe(get_args(base)[0])}"
    names = {bool: "true or false", str: "text", type(None): "null", dict: "a mapping"}
    return names.get(origin or base, getattr(base, "__name__", str(base)))
