"""Programs: expressions as lists of NumPy calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossexp.components import Array, Scalar


@dataclass(frozen=True)
class Step:
    """One call.

    Attributes:
        function: A ufunc, or a function like one.
        arguments: Places of its arguments.
        result: Place of its result.
        done: Places that no later step needs. They are emptied, so that the next result lands in memory still cached.
    """

    function: Callable[..., Any]
    arguments: tuple[int, ...]
    result: int
    done: tuple[int, ...]


@dataclass(frozen=True)
class Program:
    """Computes an expression.

    Attributes:
        inputs: Place of each input, by name.
        constants: Numbers, by place.
        steps: Calls.
        n_places: How many places there are; the result is in the last one.
        n_passes: How many steps pass over the data; the others see parameters only.
    """

    inputs: Mapping[str, int]
    constants: Mapping[int, float]
    steps: tuple[Step, ...]
    n_places: int
    n_passes: int

    def __call__(self, values: Mapping[str, Scalar], dtype: np.dtype[Any]) -> Array:
        """Return the value of the expression; its shape is what the inputs broadcast to.

        Args:
            values: At least the inputs.
            dtype: Type of the arrays. Plain numbers are given it, so that none of them widens an array.
        """
        number = dtype.type
        places: list[Any] = [None] * self.n_places
        for name, place in self.inputs.items():
            value = values[name]
            places[place] = value if isinstance(value, np.ndarray) else number(value)
        for place, constant in self.constants.items():
            places[place] = number(constant)
        for step in self.steps:
            places[step.result] = step.function(*[places[place] for place in step.arguments])
            for place in step.done:
                places[place] = None
        return places[-1]


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
