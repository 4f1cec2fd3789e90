"""Losses written as a line of text."""

from __future__ import annotations

import dataclasses
import functools
from abc import ABC
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from lossexp.components import Array, Interval, InvalidValueError, Real, Scalar, as_typed
from lossexp.errors import ConfigError
from lossexp.links import LinkName
from lossexp.losses.base import CLASSES, REGRESSION, Loss, summed
from lossexp.losses.surprisal import SurprisalLoss
from lossexp.symbolic.program import Derived, Ready
from lossexp.targets import Target

_SETTINGS = frozenset({"link", "class_weight"})
"""Names that are no parameters."""


@dataclass(frozen=True, kw_only=True)
class TextLoss(Loss, ABC):
    """What losses written as text have in common.

    Attributes:
        derived: Value and derivative.
    """

    derived: ClassVar[Derived]

    estimates = "depends on the text"
    source = "yours"

    def _ready(self, dtype: np.dtype[Any]) -> Ready:
        """Return value and derivative with the parameters in them."""
        if dtype not in self._made:
            self._made[dtype] = self.derived.ready(vars(self), dtype)
        return self._made[dtype]

    @property
    def is_surely_convex(self) -> bool:
        """Whether its second derivative proves that it is convex in raw."""
        return False

    @functools.cached_property
    def _made(self) -> dict[np.dtype[Any], Ready]:
        return {}


@dataclass(frozen=True, kw_only=True)
class Formula(TextLoss):
    """A loss written as text over `raw` and `target`, the raw prediction and the truth.

    Every other name in the text is a parameter. The derivative is taken symbolically and checked by differences before
    any training; nothing in the text is executed. The value is summed over the outputs; class labels are 0 and 1,
    one-vs-rest for many classes. A text over `p`, the probability of the true class, is a `ProbabilityFormula`.

    Each text is a class of its own, made by `formula_class`, whose fields are the parameters: they are checked, swept
    and stacked like those of any loss. The text is its `formula`.

    Attributes:
        link: How metrics read the raw prediction. auto: as it is for real numbers; for class labels as a score with 0
            in the middle, or as it is where 0.5 is in the middle between the two labels.
    """

    link: Literal["auto", "identity", "logistic", "softmax", "log"] = "auto"

    accepts = REGRESSION | CLASSES
    formula = "your own text over raw and target, or over p"

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], key: str) -> Any:
        """Make the loss of a YAML: `value` is the text, names that are not settings are parameters.

        Raises:
            ConfigError: The text cannot be used, or a setting is outside its domain.
        """
        text, parameters = settings.get("value"), {name: value for name, value in settings.items() if name != "value"}
        if not isinstance(text, str):
            raise ConfigError(
                f"{key}.value={as_typed(text)} is not allowed: expected text over raw and target, or over p, in quotes."
            )
        try:
            return formula(text, **parameters)
        except InvalidValueError as error:
            raise ConfigError(
                f"{key}.{error.field}={as_typed(error.value)} is not allowed: expected {error.expected}."
            ) from error
        except ConfigError as error:
            raise ConfigError(f"{key}.value cannot be used: {error}") from error

    def infimum(self, target: Target) -> float:
        """Return the greatest lower bound where it is certain, and else -inf."""
        from lossexp.symbolic.bounds import infimum_of_raw

        return infimum_of_raw(self, target)

    @property
    def is_surely_convex(self) -> bool:
        """Whether its second derivative proves that it is convex in raw."""
        from lossexp.symbolic.bounds import is_convex

        return is_convex(self)

    @property
    def target_domain(self) -> Interval:
        """Any number, or those above 0 where the text has no value for others, as log(target) has not."""
        with np.errstate(all="ignore"):
            below, zero = np.isfinite(self.value(np.ones((1, 1, 2)), np.array([[[-1.0, 0.0]]])))[0].tolist()
        return Interval() if below else Interval(0, open_low=not zero)

    def link_name(self, target: Target) -> LinkName:
        """Return the chosen link, or the one that fits the target and the text."""
        if self.link != "auto":
            return self.link
        return "identity" if not target.task.is_classes or self._is_symmetric_about(0.5) else "logistic"

    def on(self, target: Target) -> Formula:
        """Settle the link."""
        return dataclasses.replace(self, link=self.link_name(target))

    def value(self, raw: Array, target: Array) -> Array:
        """Return the sum of the formula over the outputs."""
        value = self._ready(raw.dtype).value({"raw": raw, "target": target})
        return summed(raw.copy() if value is raw else value)

    def gradient(self, raw: Array, target: Array, out: Array) -> None:
        """Write the derivative of the formula by raw."""
        self.weighted_gradient(raw, target, 1.0, out)

    def weighted_gradient(self, raw: Array, target: Array, weight: Scalar, out: Array) -> None:
        """Write weight · derivative."""
        ready = self._ready(raw.dtype)
        factor = weight if ready.factor is None else weight * ready.factor
        np.multiply(ready.slope({"raw": raw, "target": target}), factor, out=out)

    def _is_symmetric_about(self, middle: float) -> bool:
        """Tell whether a raw prediction in the middle is undecided between the labels 0 and 1."""
        with np.errstate(all="ignore"):
            zero, one = self.value(np.full((1, 1, 2), middle), np.array([[[0.0, 1.0]]]))[0]
        return bool(np.isclose(zero, one))


@dataclass(frozen=True, kw_only=True)
class ProbabilityFormula(TextLoss, SurprisalLoss):
    """A loss written as text over `p`, the probability of the true class; see `Formula`.

    With P the probabilities of all classes and Y the true one, the gradient by the raw scores is w(p) (P - Y), where
    the weight w(p) of an example is the derivative by -log p.

    Attributes:
        link: auto: a sigmoid for two classes, a softmax for many; or a softmax for two as well.
    """

    link: Literal["auto", "softmax"] = "auto"

    judged_by = ()

    def infimum(self, target: Target) -> float:
        """Return the greatest lower bound where it is certain, and else -inf."""
        from lossexp.symbolic.bounds import infimum_of_p

        weights = self.weights or (1.0,)
        bound = infimum_of_p(self)
        return bound * (min(weights) if bound > 0 else max(weights)) if bound else 0.0

    def link_name(self, target: Target) -> LinkName:
        """Return the link by the number of classes, or softmax."""
        return super().link_name(target) if self.link == "auto" else self.link

    def of(self, c: Array) -> Array:
        """Return the formula at p = exp(-c)."""
        given = self.derived.value.data
        return self._ready(c.dtype).value(_of_p(c, given, lambda: -np.expm1(-np.maximum(c, np.finfo(c.dtype).tiny))))

    def slope(self, c: Array) -> Array:
        """Return the weight of an example."""
        ready, given, least = self._ready(c.dtype), self.derived.slope.data, np.finfo(c.dtype).eps / 4
        # The gradient knows c to so many digits after the point, which a plain difference keeps.
        slope = ready.slope(_of_p(c, given, lambda: np.maximum(1 - np.exp(-c), least)))
        return slope if ready.factor is None else ready.factor * slope


def _of_p(c: Array, names: Collection[str], wrong: Callable[[], Array]) -> dict[str, Array]:
    """Return the data of a formula over p = exp(-c).

    `wrong` gives 1 - p, which is never quite 0, for a division by it.
    """
    values = {"log(p)": -c}
    if "p" in names:
        values["p"] = np.exp(-c)
    if "1 - p" in names:
        values["1 - p"] = wrong()
    if "log(1 - p)" in names:
        values["log(1 - p)"] = np.log(wrong())
    return values


def formula(text: str, **settings: Any) -> TextLoss:
    """Return the loss that a text stands for.

    Args:
        text: The formula.
        **settings: Its parameters, and the other settings of the loss.

    Raises:
        FormulaError: The text cannot be used.
        InvalidValueError: A setting is outside its domain.
    """
    from lossexp.symbolic.checking import check

    kind = formula_class(text, _parameters(settings))
    if not issubclass(kind, ProbabilityFormula) and (weight := settings.pop("class_weight", None)) is not None:
        raise InvalidValueError("class_weight", weight, "null: only a formula over p has weights for classes")
    loss = kind(**settings)
    check(dataclasses.replace(loss, class_weight=None) if isinstance(loss, ProbabilityFormula) else loss)
    return loss


@functools.cache
def formula_class(text: str, parameters: tuple[str, ...]) -> type[TextLoss]:
    """Return the class of a text with these parameters.

    Raises:
        FormulaError: The text cannot be used.
    """
    from lossexp.symbolic.derivation import derived
    from lossexp.symbolic.grammar import FormulaError

    programs = derived(text, parameters)
    base = ProbabilityFormula if programs.of_p else Formula
    if taken := sorted(set(dir(base)).intersection(parameters)):
        raise FormulaError(f"{taken[0]} already means something in a loss: give the parameter another name.")
    fields = [(name, Real) for name in parameters]
    facts = {"derived": programs, "formula": text, "__reduce__": _reduced, "__module__": __name__}
    return dataclasses.make_dataclass(base.__name__, fields, bases=(base,), namespace=facts, frozen=True, kw_only=True)


def _reduced(self: TextLoss) -> tuple[Any, ...]:
    """Pickle as the text: where it is read, the class is made anew."""
    return _remade, (self.formula, {field.name: getattr(self, field.name) for field in dataclasses.fields(self)})


def _remade(text: str, settings: Mapping[str, Any]) -> TextLoss:
    return formula_class(text, _parameters(settings))(**settings)


def _parameters(settings: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(settings.keys() - _SETTINGS))
