"""Programs: expressions as lists of NumPy calls."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np

from lossexp.components import Array, Scalar


@dataclass(frozen=True)
class Step:
    """One call.

    Attributes:
        function: A ufunc, or a function like one.
        arguments: Places of its arguments.
        result: Place of its result; one that nothing needs any more, so that its memory is free while still cached.
    """

    function: Callable[..., Any]
    arguments: tuple[int, ...]
    result: int


@dataclass(frozen=True, eq=False)
class Program:
    """Computes an expression.

    Attributes:
        inputs: Place of each input, by name.
        constants: Numbers, by place.
        steps: Calls.
        n_places: How many places there are.
        result: The place of the result.
        cost: Of the steps that pass over the data, in additions.
    """

    inputs: Mapping[str, int]
    constants: Mapping[int, float]
    steps: tuple[Step, ...]
    n_places: int
    result: int
    cost: int

    def __call__(self, values: Mapping[str, Scalar], dtype: np.dtype[Any]) -> Array:
        """Return the value of the expression; its shape is what the inputs broadcast to.

        Args:
            values: At least the inputs.
            dtype: Type of the arrays. Plain numbers are given it, so that none of them widens an array.
        """
        places = _with_constants(self, dtype).copy()
        for name, place in self.inputs.items():
            value = values[name]
            places[place] = value if isinstance(value, np.ndarray) else dtype.type(value)
        for function, pick, result in self._calls:
            places[result] = function(*pick(places))
        return places[self.result]

    @functools.cached_property
    def _calls(self) -> list[tuple[Callable[..., Any], Callable[[list[Any]], Iterable[Any]], int]]:
        """The steps in the form that takes the least time beside NumPy's own."""
        return [(step.function, _picker(*step.arguments), step.result) for step in self.steps]


def _picker(*places: int) -> Callable[[list[Any]], Iterable[Any]]:
    """Return what takes these places out of a list; a slice, where there is one, keeps it a sequence."""
    return itemgetter(*places) if len(places) > 1 else itemgetter(slice(places[0], places[0] + 1))


@functools.cache
def _with_constants(program: Program, dtype: np.dtype[Any]) -> list[Any]:
    places: list[Any] = [None] * program.n_places
    for place, constant in program.constants.items():
        places[place] = dtype.type(constant)
    return places


@dataclass(frozen=True)
class Derived:
    """A formula and its derivative.

    Attributes:
        of_p: Whether the formula is over p, the probability of the true class, rather than over raw and target.
        value: The formula.
        slope: Its derivative: by raw, or by -log p. The second is the weight of an example in the gradient.
    """

    of_p: bool
    value: Program
    slope: Program
