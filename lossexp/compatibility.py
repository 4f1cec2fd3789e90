"""Which losses fit which targets, asked before anything is started."""

from __future__ import annotations

from collections.abc import Mapping

from lossexp import building, losses, metrics
from lossexp.datasets.base import Data
from lossexp.datasets.labels import AS_QUANTITIES
from lossexp.early_stopping import GL, PQ, Patience
from lossexp.errors import ConfigError, IncompatibleError
from lossexp.experiment import Experiment
from lossexp.losses import Loss
from lossexp.losses.classes import ClassLoss
from lossexp.targets import Target, Task

_NEEDS = {
    frozenset({Task.REGRESSION}): "a continuous target",
    frozenset({Task.BINARY}): "two classes",
    frozenset({Task.BINARY, Task.MULTICLASS}): "class labels",
}
_NATURAL = {Task.REGRESSION: "mse", Task.BINARY: "bce", Task.MULTICLASS: "cce"}


def legal_losses(target: Target) -> list[str]:
    """Return the names of our losses that fit a target."""
    ours = building.choices(Loss)  # type: ignore[type-abstract]
    return sorted(name for name, loss in ours.items() if target.task in loss.accepts)


def check(experiment: Experiment, data: Data, choices: Mapping[str, str]) -> None:
    """Refuse parts that do not fit together.

    Args:
        experiment: The parts.
        data: What the dataset gave.
        choices: What the user calls them.

    Raises:
        IncompatibleError: The loss, its link, the rule of early stopping or the weights of the rows do not fit.
        ConfigError: A loss of a user's own fails, or its gradient is not the derivative of its value.
    """
    _check_weights(data, choices)
    target, loss = data.target, experiment.loss
    if target.task not in loss.accepts:
        needs = _NEEDS.get(loss.accepts, " or ".join(sorted(loss.accepts)))
        raise IncompatibleError(
            f"loss={choices['loss']} needs {needs}, but {_source(choices)} has {_described(data)}.\n"
            f"Losses for {_kind(target)}: {', '.join(legal_losses(target))}   e.g. loss={_NATURAL[target.task]}"
            f"{_other_task(loss, data)}"
        )
    _check_own(loss, target, choices)
    loss = loss.on(target)
    if not target.task.is_classes and loss.link_name(target) in ("logistic", "softmax"):
        raise IncompatibleError(
            f"loss.link={loss.link_name(target)} gives probabilities, but {_source(choices)} has "
            f"{_described(data)}. Use loss.link=identity."
        )
    _check_values(loss, data, choices)
    rule = experiment.early_stopping
    if isinstance(rule, (GL, PQ)) and loss.infimum(target) < 0:
        raise IncompatibleError(
            f"early_stopping={choices['early_stopping']} takes ratios of losses, but loss={choices['loss']} may fall "
            "below 0. Use early_stopping=patience or early_stopping=up."
        )
    metric = rule.monitor.partition("/")[2] if isinstance(rule, Patience) else "loss"
    if metric not in ("loss", *metrics.names(target)):
        known = ", ".join(f"val/{name}" for name in ("loss", *metrics.names(target)))
        raise IncompatibleError(
            f"early_stopping.monitor=val/{metric} is not measured on {_source(choices)}, which has "
            f"{_described(data)}. Measured are: {known}"
        )


def _check_weights(data: Data, choices: Mapping[str, str]) -> None:
    """Refuse a split whose rows all have weight 0: it has no mean loss."""
    for name, split in (("training", data.train), ("validation", data.val), ("test", data.test)):
        if split.weight is not None and len(split) and not split.weight.any():
            raise IncompatibleError(
                f"All {len(split)} {name} rows of {_source(choices)} have weight 0. "
                "Expected: some weight in each split."
            )


def _check_own(loss: Loss, target: Target, choices: Mapping[str, str]) -> None:
    """Refuse losses of a user's own that fail where they are tried; ours are tested.

    Raises:
        ConfigError: There is one.
    """
    for part in _parts(loss):
        if type(part).__module__.startswith(f"{losses.__name__}."):
            continue
        # The runs of a sweep mostly have equal losses.
        if (key := (type(part), repr(part), target)) not in _TRIED:
            _TRIED[key] = _problem(part, target)
        if problem := _TRIED[key]:
            raise ConfigError(
                f"loss={choices['loss']} is refused. {problem}\nAll that a loss promises is checked by "
                f"python -m lossexp.testing {type(part).__module__}.{type(part).__qualname__}"
            )


_TRIED: dict[tuple[type[Loss], str, Target], str] = {}
"""What is wrong with losses that were tried on a target, or nothing."""


def _problem(loss: Loss, target: Target) -> str:
    """Try a loss at a few points; return what is wrong with it, or nothing."""
    from lossexp.testing.losses import problem

    return problem(loss, target)


def _parts(loss: Loss) -> list[Loss]:
    """Return the losses that a sum is made of, or the loss itself."""
    return [part for term in loss.terms for part in _parts(term.loss)] if isinstance(loss, losses.Sum) else [loss]


def _check_values(loss: Loss, data: Data, choices: Mapping[str, str]) -> None:
    """Refuse targets outside the domain of the loss, and weights that are not one per class."""
    target, domain = data.target, loss.target_domain
    if target.task.is_classes:
        for part in _parts(loss):
            weights = part.weights if isinstance(part, ClassLoss) else ()
            if weights and len(weights) != target.n_classes:
                raise IncompatibleError(
                    f"loss.class_weight has {len(weights)} numbers, but {_source(choices)} has {target}. "
                    "Give one weight per class, in the order of the classes."
                )
        return
    for name, split in (("training", data.train), ("validation", data.val), ("test", data.test)):
        if not domain.contains(split.y):
            value = next(value for value in split.y.tolist() if not domain.contains(value))
            raise IncompatibleError(
                f"loss={choices['loss']} needs targets {domain}, but {_source(choices)} has {value:g} in "
                f"its {name} split. Use a loss for any real number, e.g. loss={_NATURAL[target.task]}"
            )


def _other_task(loss: Loss, data: Data) -> str:
    """Say how a loss for numbers can be had where a file has whole numbers that were taken for classes."""
    decisions = data.card.decisions if data.card else ()
    may_be_numbers = any(AS_QUANTITIES in decision for decision in decisions)
    return f"\nOr, {AS_QUANTITIES}" if may_be_numbers and Task.REGRESSION in loss.accepts else ""


def _source(choices: Mapping[str, str]) -> str:
    """Return what the user calls the rows: a dataset, or without one the argument `y`."""
    return f"dataset={choices['dataset']}" if "dataset" in choices else "y"


def _kind(target: Target) -> str:
    return "class labels" if target.task is Task.MULTICLASS else str(target)


def _described(data: Data) -> str:
    if data.target.task.is_classes:
        return str(data.target)
    return f"{data.target} ({len(set(data.train.y.tolist()))} distinct training values)"
