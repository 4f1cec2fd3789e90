"""Weighted sums of losses."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossexp import building
from lossexp.components import (
    Array,
    Component,
    Count,
    Interval,
    InvalidValueError,
    NonNegative,
    Scalar,
    as_typed,
    refuse_unknown,
)
from lossexp.errors import ConfigError, IncompatibleError, did_you_mean
from lossexp.links import LinkName
from lossexp.losses.base import CLASSES, REGRESSION, Loss
from lossexp.targets import Target


@dataclass(frozen=True, kw_only=True)
class Term(Component):
    """One loss of a sum.

    Attributes:
        name: What it is called in the sum.
        loss: The loss.
        weight: Its factor.
        outputs: The first output it sees, and the one behind the last; None for all.
    """

    name: str
    loss: Loss
    weight: NonNegative = 1.0
    outputs: tuple[Count, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.outputs is not None and (len(self.outputs) != 2 or self.outputs[0] >= self.outputs[1]):
            raise InvalidValueError("outputs", self.outputs, "the first and the one behind the last, such as [0, 2]")

    def sees_outputs_of(self, other: Term) -> bool:
        """Tell whether two terms have an output in common."""
        if self.outputs is None or other.outputs is None:
            return True
        return self.outputs[0] < other.outputs[1] and other.outputs[0] < self.outputs[1]

    def of(self, array: Array) -> Array:
        """Return the outputs that this term sees, a view."""
        return array if self.outputs is None else array[slice(*self.outputs)]


@dataclass(frozen=True, kw_only=True)
class Sum(Loss):
    """A weighted sum of losses, of the same outputs or of different ones.

    In YAML `terms` maps the name of each loss to its weight, or to a mapping with `weight`, `outputs` and the settings
    of that loss. A name means what it means in `loss=NAME`; with `loss: NAME` or a `_target_` among the settings, that
    of the term is free. Terms that see the same outputs must agree on the link. The metrics read the outputs of the
    first term.

    Attributes:
        terms: What is added up.
    """

    terms: tuple[Term, ...]

    accepts = REGRESSION | CLASSES
    formula = "weight · loss + weight · loss + ..."
    estimates = "depends on the terms"
    source = "yours"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.terms:
            raise InvalidValueError("terms", {}, "at least one loss")
        # Facts that are those of the terms; as data, like those of any loss.
        losses = [term.loss for term in self.terms]
        facts = {
            "accepts": frozenset.intersection(*(loss.accepts for loss in losses)),
            "convex": all(loss.convex for loss in losses),
            "gradient_is_derivative": all(loss.gradient_is_derivative for loss in losses),
            "formula": " + ".join(f"{term.weight} · {term.name}" for term in self.terms),
        }
        for name, fact in facts.items():
            object.__setattr__(self, name, fact)
        if not self.accepts:
            kinds = "; ".join(f"{term.name} is for {' or '.join(sorted(term.loss.accepts))}" for term in self.terms)
            raise ConfigError(f"No target fits all terms of the sum: {kinds}.")

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], key: str) -> Sum:
        """Make the sum from a mapping of names to weights or settings.

        Raises:
            ConfigError: A name is unknown, a value is outside its domain, or the terms do not fit together.
        """
        refuse_unknown(f"{key}.", settings, ["terms"])
        terms = settings.get("terms")
        if not isinstance(terms, Mapping):
            raise ConfigError(
                f"{key}.terms={as_typed(terms)} is not allowed: expected losses with their weights, "
                f"such as {key}.terms={{mse: 1, mae: 0.5}}"
            )
        kinds = building.choices(Loss)  # type: ignore[type-abstract]
        ours = {name: {"_target_": f"{kind.__module__}.{kind.__name__}"} for name, kind in kinds.items()}
        terms = written_out({"_target_": _TARGETS[0], "terms": terms}, ours, key)["terms"]
        made = tuple(_term(name, value, f"{key}.terms.{name}") for name, value in terms.items())
        return super().from_settings({"terms": made}, key)

    @property
    def target_domain(self) -> Interval:
        """The targets that all terms are defined for."""
        domains = [term.loss.target_domain for term in self.terms]
        low, high = max(domain.low for domain in domains), min(domain.high for domain in domains)
        return Interval(
            low,
            high,
            open_low=any(domain.open_low for domain in domains if domain.low == low),
            open_high=any(domain.open_high for domain in domains if domain.high == high),
        )

    def infimum(self, target: Target) -> float:
        """Return the sum of the bounds of the terms: there may be a greater one."""
        return sum(float(term.weight) * term.loss.infimum(target) for term in self.terms if np.any(term.weight))

    def link_name(self, target: Target) -> LinkName:
        """Return the link of the first term, which the metrics read."""
        return self.terms[0].loss.link_name(target)

    def n_outputs(self, target: Target) -> int:
        """Return how many outputs the terms see together."""
        return max(term.outputs[1] if term.outputs else term.loss.n_outputs(target) for term in self.terms)

    def predicting(self, raw: Array) -> Array:
        """Return what predicts the target in the first term."""
        return self.terms[0].loss.predicting(self.terms[0].of(raw))

    def on(self, target: Target) -> Sum:
        """Settle all terms.

        Raises:
            IncompatibleError: They do not agree about the outputs on this kind of target.
        """
        for first, other in ((a, b) for a in self.terms for b in self.terms):
            links = first.loss.link_name(target), other.loss.link_name(target)
            if first.sees_outputs_of(other) and links[0] != links[1]:
                raise IncompatibleError(
                    f"loss.terms.{first.name} and loss.terms.{other.name} see the same outputs, but on {target} the "
                    f"link of the one is {links[0]}, that of the other {links[1]}. Terms that share outputs share a "
                    "link; some losses have a setting for it."
                )
        n_outputs = self.n_outputs(target)
        for term in self.terms:
            seen = term.outputs[1] - term.outputs[0] if term.outputs else n_outputs
            if term.outputs and target.task.is_classes:
                raise IncompatibleError(
                    f"loss.terms.{term.name}.outputs={list(term.outputs)} cannot be used with {target}: labels are "
                    "written for all outputs together. Leave outputs out."
                )
            if seen != (wanted := term.loss.n_outputs(target)):
                raise IncompatibleError(
                    f"loss.terms.{term.name} sees {seen} of {n_outputs} outputs, but on {target} it needs {wanted}. "
                    f"Say which: {term.name}: {{outputs: [0, {wanted}]}}"
                )
        settled = (dataclasses.replace(term, loss=term.loss.on(target)) for term in self.terms)
        return dataclasses.replace(self, terms=tuple(settled))

    def fitted(self, counts: Array) -> Sum:
        """Return the sum with every term settled on the training split."""
        settled = (dataclasses.replace(term, loss=term.loss.fitted(counts)) for term in self.terms)
        return dataclasses.replace(self, terms=tuple(settled))

    def value(self, raw: Array, target: Array) -> Array:
        """Return the weighted sum of the values."""
        first, *others = (term.weight * term.loss.value(term.of(raw), term.of(target)) for term in self.terms)
        return sum(others, start=first)

    def gradient(self, raw: Array, target: Array, out: Array) -> None:
        """Write the weighted sum of the gradients."""
        self.weighted_gradient(raw, target, 1.0, out)

    def weighted_gradient(self, raw: Array, target: Array, weight: Scalar, out: Array) -> None:
        """Write weight · gradient."""
        total, part = np.zeros_like(raw), np.empty_like(raw)
        for term in self.terms:
            term.loss.weighted_gradient(term.of(raw), term.of(target), weight * term.weight, term.of(part))
            term.of(total)[...] += term.of(part)
        np.copyto(out, total)


def written_out(
    settings: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]], key: str, above: tuple[str, ...] = ()
) -> Mapping[str, Any]:
    """Return the settings of a loss; of a sum with what the names of its terms stand for written into them.

    Args:
        settings: A `_target_` and settings of any loss.
        known: What names stand for, such as settings of YAML files.
        key: Where the settings stand in the configuration.
        above: Names of the sums that the loss is part of.

    Raises:
        ConfigError: A name is unknown, or a sum is a term of itself.
    """
    terms = settings.get("terms")
    if settings.get("_target_") not in _TARGETS or not isinstance(terms, Mapping):
        return settings
    places = {str(name): f"{key}.terms.{name}" for name in terms}
    pairs = zip(places.items(), terms.values(), strict=True)
    return {**settings, "terms": {name: _written_out(name, value, known, at, above) for (name, at), value in pairs}}


def _written_out(
    name: str, value: Any, known: Mapping[str, Mapping[str, Any]], key: str, above: tuple[str, ...]
) -> Mapping[str, Any]:
    """Return the settings of a term, of its weight or the settings that are given."""
    settings = dict(value) if isinstance(value, Mapping) else {"weight": value}
    if "_target_" not in settings:
        name = str(settings.pop("loss", name))
        if name not in known:
            names = sorted(known)
            raise ConfigError(
                f"{key}: Unknown choice loss={name}.{did_you_mean(name, names)} Known: {', '.join(names)}. A term has "
                f"a name of its own if it says what it is: {name}: {{loss: huber, delta: 2}}; a class of yours is "
                f"{name}: {{_target_: my_losses.MyLoss}}"
            )
        if name in above:
            raise ConfigError(f"{key}: the sum loss={name} is a term of itself.")
        settings, above = {**known[name], **settings}, (*above, name)
    return written_out(settings, known, key, above)


def _term(name: str, settings: Mapping[str, Any], key: str) -> Term:
    """Make a term from its settings."""
    own = {field: settings[field] for field in ("weight", "outputs") if field in settings}
    others = {field: value for field, value in settings.items() if field not in own}
    loss = building.component(key, others, Loss)  # type: ignore[type-abstract]
    return Term.from_settings({"name": name, "loss": loss, **own}, key)


_TARGETS = ("lossexp.losses.Sum", f"{Sum.__module__}.{Sum.__name__}")
