"""Programs: expressions as lists of NumPy calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeAlias

import numpy as np

from lossexp.components import Array, Scalar

Computation: TypeAlias = Callable[[Mapping[str, Array]], Array]
"""Computes an expression from its data, by name; the shape of the result is what they broadcast to."""


@dataclass(frozen=True)
class Step:
    """One call.

    Attributes:
        function: A ufunc, or a function like one.
        arguments: Places of its arguments.
        result: Place of its result.
    """

    function: Callable[..., Any]
    arguments: tuple[int, ...]
    result: int


@dataclass(frozen=True, eq=False)
class Program:
    """Computes an expression.

    Attributes:
        data: Place of each array over the examples, by name.
        parameters: Place of each parameter, by name.
        constants: Numbers, by place.
        setup: Calls that need no data, each with a place of its own for its result.
        steps: Calls that do. The result of each is in a place that nothing needs any more, so that its memory is free
            while still cached.
        n_places: How many places there are.
        result: The place of the result.
        cost: Of the steps, in additions.
    """

    data: Mapping[str, int]
    parameters: Mapping[str, int]
    constants: Mapping[int, float]
    setup: tuple[Step, ...]
    steps: tuple[Step, ...]
    n_places: int
    result: int
    cost: int

    def prepared(self, values: Mapping[str, Scalar], dtype: np.dtype[Any]) -> Computation:
        """Return what computes the expression with some values of the parameters.

        Args:
            values: At least the parameters.
            dtype: Type of the data. All numbers are given it, so that none of them widens an array.
        """
        prepared: list[Any] = [None] * self.n_places
        for place, constant in self.constants.items():
            prepared[place] = dtype.type(constant)
        for name, place in self.parameters.items():
            value = values[name]
            prepared[place] = value.astype(dtype) if isinstance(value, np.ndarray) else dtype.type(value)
        for step in self.setup:
            prepared[step.result] = step.function(*(prepared[place] for place in step.arguments))
        # In the form that takes the least time beside NumPy's own.
        data = tuple(self.data.items())
        calls = [(step.function, _picker(*step.arguments), step.result) for step in self.steps]
        result = self.result

        def compute(arrays: Mapping[str, Array]) -> Array:
            places = prepared.copy()
            for name, place in data:
                places[place] = arrays[name]
            for function, pick, made in calls:
                places[made] = function(*pick(places))
            computed: Array = places[result]
            return computed

        return compute


def _picker(*places: int) -> Callable[[list[Any]], Iterable[Any]]:
    """Return what takes these places out of a list; a slice, where there is one, keeps it a sequence."""
    return itemgetter(*places) if len(places) > 1 else itemgetter(slice(places[0], places[0] + 1))


@dataclass(frozen=True)
class Ready:
    """A formula and its derivative, with values of the parameters; see `Derived`."""

    value: Computation
    slope: Computation
    factor: Array | None


@dataclass(frozen=True)
class Derived:
    """A formula and its derivative.

    Attributes:
        of_p: Whether the formula is over p, the probability of the true class, rather than over raw and target.
        expression: The formula, to SymPy.
        value: Its program.
        slope: Its derivative, up to a factor: by raw, or by -log p. The second is the weight of an example in the
            gradient.
        factor: That factor, which is the same for all examples; None where it is 1.
    """

    of_p: bool
    expression: Any
    value: Program
    slope: Program
    factor: Program | None

    def ready(self, values: Mapping[str, Scalar], dtype: np.dtype[Any]) -> Ready:
        """Return it for some values of the parameters; see `Program.prepared`."""
        factor = None if self.factor is None else self.factor.prepared(values, dtype)({})
        return Ready(self.value.prepared(values, dtype), self.slope.prepared(values, dtype), factor)
