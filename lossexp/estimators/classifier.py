"""A classifier with any loss."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from lossexp.components import Array
from lossexp.early_stopping import EarlyStopping
from lossexp.errors import DataError
from lossexp.estimators.base import FEATURES, LossEstimator
from lossexp.links import LINKS, LinkName
from lossexp.losses import Loss
from lossexp.models import Model
from lossexp.optimizers import Optimizer
from lossexp.schedules import Schedule
from lossexp.targets import Target, Task


class LossClassifier(ClassifierMixin, LossEstimator):
    """A classifier that minimises any loss for class labels, of two classes or more.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> from lossexp import LossClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> for loss in ("cce", "brier", "hinge"):
    ...     print(loss, cross_val_score(LossClassifier(loss, epochs=5), X, y, cv=3).mean().round(2))
    cce 0.97
    brier 0.96
    hinge 0.94

    The parameters and the other attributes are those of `LossEstimator`.

    Attributes:
        classes_: The class labels, sorted.
        coef_: Weights of a linear model `(n_outputs, n_features)`: one row per class, or one alone for two classes if
            the loss needs no more.
        intercept_: Its biases `(n_outputs,)`.
    """

    def __init__(
        self,
        loss: str | Loss = "cce",
        *,
        model: str | Model = "linear",
        optimizer: str | Optimizer = "lbfgs",
        schedule: str | Schedule = "constant",
        early_stopping: str | EarlyStopping = "never",
        epochs: int = 20,
        validation_fraction: float = 0.0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        # Written out for another default: scikit-learn reads the parameters off this signature.
        super().__init__(
            loss,
            model=model,
            optimizer=optimizer,
            schedule=schedule,
            early_stopping=early_stopping,
            epochs=epochs,
            validation_fraction=validation_fraction,
            random_state=random_state,
        )

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on features `(n_samples, n_features)` and labels `(n_samples,)`.

        Raises:
            LossexpError: The parameters do not fit together, or do not fit the target.
        """
        X, y = validate_data(self, X, y, **FEATURES)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) == 1:
            raise DataError(f"y has one class only, {self.classes_[0]}: expected two or more.")
        return self._fit(X, labels, self._target, sample_weight)

    def decision_function(self, X: Any) -> Array:
        """Return scores: of two classes `(n_samples,)`, above 0 for the second; else `(n_samples, n_classes)`."""
        raw = self._raw(X)
        if len(raw) == 1:
            return raw[0] if self._link_name == "logistic" else LINKS[self._link_name].inverse(raw)[0] - 0.5
        return raw[1] - raw[0] if len(raw) == 2 else raw.T

    def predict(self, X: Any) -> Array:
        """Return the label with the largest score for each example, `(n_samples,)`."""
        scores = self.decision_function(X)
        return self.classes_[(scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)]

    def predict_proba(self, X: Any) -> Array:
        """Return class probabilities `(n_samples, n_classes)`: the scores as the metrics read them.

        Those of a loss that estimates no probability, such as hinge, are not calibrated.
        """
        raw = self._raw(X)
        probabilities = LINKS[self._link_name].probabilities(raw)
        return probabilities.T if len(raw) > 1 else np.stack([1 - probabilities[0], probabilities[0]], axis=1)

    @property
    def coef_(self) -> Array:
        """Weights of a linear model `(n_outputs, n_features)`."""
        return self._linear[:, :-1]

    @property
    def intercept_(self) -> Array:
        """Biases of a linear model `(n_outputs,)`."""
        return self._linear[:, -1]

    @property
    def _target(self) -> Target:
        n_classes = len(self.classes_)
        return Target(Task.BINARY if n_classes == 2 else Task.MULTICLASS, n_classes)

    @property
    def _link_name(self) -> LinkName:
        return self.experiment_.loss.link_name(self._target)
