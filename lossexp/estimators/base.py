"""What the estimators share: their parameters, and how they are fitted by the one training loop."""

from __future__ import annotations

import dataclasses
import functools
import numbers
import warnings
from typing import Any, Literal, Self, cast

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
from threadpoolctl import ThreadpoolController

from lossexp import building, compatibility
from lossexp.components import Array, Component, InvalidValueError, refuse_unknown
from lossexp.datasets import Data, Dataset, Split
from lossexp.datasets.scaling import centre_and_scale
from lossexp.datasets.splitting import draw, n_rows
from lossexp.early_stopping import EarlyStopping, Never, Patience
from lossexp.errors import ConfigError, DataError, LossexpError
from lossexp.experiment import Experiment, Training
from lossexp.losses import Loss
from lossexp.models import Linear, Model
from lossexp.optimizers import Optimizer
from lossexp.optimizers.base import Searcher
from lossexp.prediction import raw_predictions
from lossexp.randomness import stream
from lossexp.schedules import Schedule
from lossexp.stacking import Member, Stack
from lossexp.synonyms import unknown_choice
from lossexp.targets import Target
from lossexp.training import Epoch, train

PARTS: dict[str, type[Component]] = {
    "loss": Loss,
    "model": Model,
    "optimizer": Optimizer,
    "schedule": Schedule,
    "early_stopping": EarlyStopping,
}
"""The parameters that are components."""

FEATURES: dict[str, Any] = {"dtype": (np.float64, np.float32), "accept_sparse": "csr"}
"""What `X` may be: float32 stays as it is, anything else becomes float64."""

_LARGEST_SEED = 2**31 - 1


class LossEstimator(BaseEstimator):
    """Trains a model with a loss on arrays.

    Five parameters choose a component, each by its name or as an object with settings of its own: `loss="huber"` or
    `loss=Huber(delta=2)`. One setting alone is set, and searched, by the name `loss__delta`.

    The precision is that of `X`: float32 where it is float32, else float64. It may be sparse. Targets are single.

    Attributes:
        loss: What is minimised: its mean over the examples, each with its weight.
        model: Maps features to raw predictions, such as `linear` or `MLP(hidden=(64,))`.
        optimizer: How the loss is minimised. L-BFGS needs no learning rate, and for a linear model without a penalty
            no features of one scale. The others have a learning rate, want standardized features and more epochs.
        schedule: How the learning rate changes over time.
        early_stopping: When to stop before the last epoch.
        epochs: Passes over the training rows; with L-BFGS, searches of 20 iterations.
        validation_fraction: Share of the rows held out for early stopping, each class in its proportion.
        random_state: Seed of the initial weights, the order of examples and the validation rows. A number is the
            `seed` of the command line.
        experiment_: What was trained, the loss settled on the target.
        params_: Parameters of the model, `(n_units, fan_in + 1)` for each layer, biases last.
        loss_curve_: Mean loss of the training rows before training and after each epoch.
        validation_loss_curve_: The same of the validation rows; None without any.
        n_iter_: Number of epochs trained.
        n_features_in_: Number of features.
        feature_names_in_: Their names, where `X` had names.
    """

    def __init__(
        self,
        loss: str | Loss = "mse",
        *,
        model: str | Model = "linear",
        optimizer: str | Optimizer = "lbfgs",
        schedule: str | Schedule = "constant",
        early_stopping: str | EarlyStopping = "never",
        epochs: int = 20,
        validation_fraction: float = 0.0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.loss = loss
        self.model = model
        self.optimizer = optimizer
        self.schedule = schedule
        self.early_stopping = early_stopping
        self.epochs = epochs
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; with `deep` also the settings of the components, such as `loss__delta`."""
        params: dict[str, Any] = super().get_params(deep=False)
        for group in PARTS if deep else ():
            try:
                part = self._part(group)
            except LossexpError:  # `fit` will refuse it
                continue
            params |= {f"{group}__{field.name}": getattr(part, field.name) for field in dataclasses.fields(part)}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters, and settings of the components.

        Raises:
            ConfigError: A component has no such setting, or the value is outside its domain.
        """
        nested = {name: params.pop(name) for name in list(params) if "__" in name and name.partition("__")[0] in PARTS}
        super().set_params(**params)
        for group in PARTS:
            prefix = f"{group}__"
            settings = {name.removeprefix(prefix): nested[name] for name in nested if name.startswith(prefix)}
            if settings:
                part = self._part(group)
                refuse_unknown(prefix, settings, [field.name for field in dataclasses.fields(part)])
                setattr(self, group, dataclasses.replace(part, **settings))
        return self

    def _part(self, group: str) -> Any:
        """Return the component that a parameter names or is."""
        chosen, interface = getattr(self, group), PARTS[group]
        if isinstance(chosen, interface):
            return chosen
        ours = building.choices(interface)
        if not isinstance(chosen, str):
            raise ConfigError(
                f"{group}={chosen!r} is not allowed: expected a name, one of {', '.join(ours)}, or an object with "
                f"settings, such as {next(iter(ours.values())).__name__}()."
            )
        if chosen not in ours:
            raise ConfigError(unknown_choice(group, chosen, list(ours)))
        return ours[chosen].from_settings({}, group)

    def _fit(self, X: Array, y: Array, target: Target, sample_weight: Any) -> Self:
        """Train on checked features, and numbers or labels 0..n_classes-1."""
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
        experiment = self._experiment("float32" if X.dtype == np.float32 else "float64")
        data = self._data(Split(X, y, weight), target, experiment.seed)
        scaling = None
        if _is_free_of_scale(experiment) and isinstance(X, np.ndarray):
            scaling = centre_and_scale(data.train.X)
            data = _scaled(data, *scaling)
        compatibility.check(experiment, data, {group: str(getattr(self, group)) for group in PARTS})
        # The matrices are small: threads cost more than they give, and change the last digit.
        with _threads().limit(limits=1):
            epochs = list(train(Stack([Member(experiment, data)])))
        self.experiment_ = dataclasses.replace(experiment, loss=experiment.loss.on(target))
        self._keep(epochs, scaling, has_validation=len(data.val) > 0)
        return self

    def _experiment(self, dtype: Literal["float32", "float64"]) -> Experiment:
        parts = {group: self._part(group) for group in PARTS}
        rule = parts["early_stopping"]
        is_blind = rule == Never() or (isinstance(rule, Patience) and rule.monitor.startswith("train/"))
        if not self.validation_fraction and not is_blind:
            raise ConfigError(
                f"early_stopping={self.early_stopping} watches validation rows, but validation_fraction=0 holds out "
                "none. Use validation_fraction=0.1."
            )
        dataset = cast(Dataset, None)  # never asked: the data is given
        return Experiment(dataset, **parts, training=Training(self.epochs, dtype), seed=self._seed())

    def _seed(self) -> int:
        if isinstance(self.random_state, numbers.Integral):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(_LARGEST_SEED))

    def _data(self, rows: Split, target: Target, seed: int) -> Data:
        """Return training and validation rows as a dataset would; no row is for testing."""
        if not (isinstance(self.validation_fraction, numbers.Real) and 0 <= self.validation_fraction < 1):
            expected = "a number at least 0 and below 1"
            raise InvalidValueError("validation_fraction", self.validation_fraction, expected)
        n_val = n_rows(self.validation_fraction, len(rows))
        if n_val == len(rows):
            raise DataError(
                f"validation_fraction={self.validation_fraction} of n_samples={n_val}, rounded up, leaves none for "
                "training. Use more rows, or validation_fraction=0."
            )
        strata = rows.y if target.task.is_classes else np.zeros(len(rows), dtype=np.int64)
        held_out, others = draw(stream(seed, "split").permutation(len(rows)), strata, n_val)
        # Without validation rows nothing is copied.
        training = _taken(rows, others) if n_val else rows
        validation, none = _taken(rows, held_out), _taken(rows, held_out[:0])
        return Data("given", target, training, validation, none, class_names=(), feature_names=(), fingerprint="")

    def _keep(self, epochs: list[Epoch], scaling: tuple[Array, Array] | None, *, has_validation: bool) -> None:
        """Set the attributes that come of training, on features less the centre and divided by the scale if any."""
        (finished,) = epochs[-1].finished
        self.params_, self.n_iter_ = finished.params, epochs[-1].number
        if scaling:
            self.params_ = [_in_units_of_rows(self.params_[0], *scaling)]
        # A run that has diverged is not measured any more.
        curves = {
            name: [float(epoch.metrics[name][0]) for epoch in epochs if len(epoch.runs)]
            for name in ("train/loss", "val/loss")[: 1 + has_validation]
        }
        self.loss_curve_, self.validation_loss_curve_ = curves["train/loss"], curves.get("val/loss")
        if finished.ending == "diverged":
            warnings.warn(
                f"Training diverged in epoch {self.n_iter_}; the weights are those of epoch {finished.epoch}. Use a "
                "smaller optimizer__lr, or standardize the features.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _raw(self, X: Any) -> Array:
        """Return the outputs of the model that predict the target, `(n_outputs, n_samples)`."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, **FEATURES)
        return self.experiment_.loss.predicting(raw_predictions(self.experiment_.model, self.params_, X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @property
    def _linear(self) -> Array:
        """Parameters of a linear model, `(n_outputs, n_features + 1)`, of the outputs that predict the target."""
        check_is_fitted(self)
        if not isinstance(self.experiment_.model, Linear):
            raise AttributeError(f"coef_ and intercept_ are of model='linear', but this is a {self.experiment_.model}.")
        return self.experiment_.loss.predicting(self.params_[0])


@functools.cache
def _threads() -> ThreadpoolController:
    """Return what limits the threads of BLAS; to look for its libraries takes as long as a small fit."""
    return ThreadpoolController()


def _is_free_of_scale(experiment: Experiment) -> bool:
    """Tell whether the optimum is the same whatever units the features have, and found sooner where all are alike."""
    optimizer = experiment.optimizer
    return isinstance(experiment.model, Linear) and isinstance(optimizer, Searcher) and not optimizer.weight_decay


def _scaled(data: Data, centre: Array, scale: Array) -> Data:
    splits = {name: getattr(data, name) for name in ("train", "val", "test")}
    changed: dict[str, Any] = {
        name: dataclasses.replace(split, X=(split.X - centre) / scale) for name, split in splits.items()
    }
    return dataclasses.replace(data, **changed)


def _in_units_of_rows(layer: Array, centre: Array, scale: Array) -> Array:
    """Return weights and biases `(n_outputs, n_features + 1)` for X, of those for (X - centre) / scale."""
    weights = layer[:, :-1] / scale
    return np.column_stack((weights, layer[:, -1] - weights @ centre))


def _taken(rows: Split, some: Array) -> Split:
    return Split(rows.X[some], rows.y[some], None if rows.weight is None else rows.weight[some])
