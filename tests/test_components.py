"""Components check their fields by the annotations alone."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import pytest

from lossexp.components import (
    Component,
    Count,
    Fraction,
    Interval,
    InvalidValueError,
    NonNegative,
    Positive,
    PositiveCount,
    ProperFraction,
    Real,
    describe,
    domains,
    may_differ_in_stack,
)
from lossexp.errors import ConfigError, LossexpError


@dataclass(frozen=True, kw_only=True)
class Everything(Component):
    real: Real = 0.0
    positive: Positive = 1.0
    non_negative: NonNegative = 0.0
    fraction: Fraction = 0.5
    proper: ProperFraction = 0.5
    fixed: Annotated[float, Interval(-1, 1, open_high=True)] = 0.0
    count: Count = 0
    positive_count: PositiveCount = 1
    choice: Literal["a", "b"] = "a"
    flag: bool = False
    text: str = ""
    sizes: tuple[PositiveCount, ...] = (1,)
    either: PositiveCount | Annotated[float, Interval(0, 1, open_low=True)] | None = None
    items: list[Positive] = dataclasses.field(default_factory=list)
    sequence: Sequence[int] = ()
    mapping: dict[str, Any] = dataclasses.field(default_factory=dict)
    anything: Any = None


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("real", 1, 1.0),
        ("real", -1e308, -1e308),
        ("real", np.float32(0.5), 0.5),
        ("positive", 1e-300, 1e-300),
        ("non_negative", 0, 0.0),
        ("fraction", 1, 1.0),
        ("proper", 0.999, 0.999),
        ("fixed", -1, -1.0),
        ("count", np.int64(3), 3),
        ("choice", "b", "b"),
        ("flag", True, True),
        ("text", "x", "x"),
        ("sizes", [2, 3], (2, 3)),
        ("sizes", (), ()),
        ("items", [1, 2.5], (1.0, 2.5)),
        ("sequence", [1], [1]),
        ("either", 1, 1),
        ("either", 1.0, 1.0),
        ("either", 0.5, 0.5),
        ("either", None, None),
        ("anything", [1], [1]),
    ],
)
def test_values_inside_are_kept_in_the_type_that_was_asked_for(field, value, kept):
    result = getattr(Everything(**{field: value}), field)
    assert result == kept
    assert type(result) is type(kept)


def test_a_component_with_a_mapping_is_hashable():
    one, same, other = (Everything(mapping={"a": [number]}) for number in (1, 1, 2))
    assert one.mapping == {"a": [1]}
    assert len({one, same, other}) == 2


@pytest.mark.parametrize(
    ("field", "values", "expected"),
    [
        ("real", [np.nan, np.inf, -np.inf, "1", None, True, [1], 1j], "a finite number"),
        ("positive", [0, -0.0, -1, np.nan], "a finite number above 0"),
        ("non_negative", [-1e-300], "a finite number at least 0"),
        ("fraction", [-0.1, 1.0000001], "a finite number at least 0 and at most 1"),
        ("proper", [1, -0.1], "a finite number at least 0 and below 1"),
        ("fixed", [1, np.array([0.5])], "a finite number at least -1 and below 1"),
        ("count", [-1, 1.0, "1", True, None, np.array([1])], "a whole number at least 0"),
        ("choice", ["c", None, 1], "one of a, b"),
        ("flag", [0, 1, "true", None], "true or false"),
        ("text", [1, None], "text"),
        ("sizes", [3, "12", [0], [1.5], [[1]], None, {1}], "a list of items, each a whole number at least 1"),
        (
            "either",
            [0, -1, 1.5, "all", True],
            "a whole number at least 1 or a finite number above 0 and at most 1 or null",
        ),
        ("mapping", [[("a", 1)], None, "a"], "a mapping"),
    ],
)
def test_values_outside_are_refused_with_the_domain_in_words(field, values, expected):
    for value in values:
        with pytest.raises(InvalidValueError) as caught:
            Everything(**{field: value})
        assert str(caught.value) == f"{field}={value!r} is not allowed: expected {expected}."
        assert (caught.value.field, caught.value.expected) == (field, expected)
    assert describe(domains(Everything)[field]) == expected


def test_a_refused_value_is_a_mistake_of_the_user():
    assert issubclass(InvalidValueError, ConfigError)
    assert issubclass(ConfigError, LossexpError)


def test_only_scalars_may_differ_in_a_stack():
    assert may_differ_in_stack(Everything) == {"real", "positive", "non_negative", "fraction", "proper"}


def test_a_scalar_may_be_a_column_within_the_domain():
    column = np.array([[0.25], [1.0]])
    assert Everything(fraction=column).fraction is column
    for outside in (np.array([[0.25], [1.5]]), np.array([[np.nan], [1.0]]), np.array([[0], [1]])):
        with pytest.raises(InvalidValueError, match="fraction="):
            Everything(fraction=outside)


def test_a_column_may_be_rounded_to_an_open_end():
    """As a single number of the same run is when it meets an array in single precision."""
    column = np.array([[0.25], [1 - 1e-12]], dtype=np.float32)
    assert column[1] == 1
    assert Everything(proper=column).proper is column


def test_components_are_values():
    """Frozen, equal by their fields, and checked again when one is replaced."""
    assert Everything(real=1) == Everything(real=1.0) != Everything(real=2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Everything().real = 2.0
    with pytest.raises(InvalidValueError, match="positive=0"):
        dataclasses.replace(Everything(), positive=0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'reel'"):
        Everything(reel=1)


@pytest.mark.parametrize(
    ("interval", "inside", "outside", "words"),
    [
        (Interval(), [0, 1e308], [np.inf, np.nan], ""),
        (Interval(0), [0], [-1], "at least 0"),
        (Interval(0, open_low=True), [1e-9], [0], "above 0"),
        (Interval(high=2.5), [2.5, -9], [3], "at most 2.5"),
        (Interval(-1, 1, open_low=True, open_high=True), [0], [-1, 1], "above -1 and below 1"),
    ],
)
def test_intervals(interval, inside, outside, words):
    assert all(interval.contains(number) for number in inside)
    assert not any(interval.contains(number) for number in outside)
    assert interval.contains(np.array(inside))
    assert not interval.contains(np.array([*inside, *outside]))
    assert str(interval) == words
