"""A regressor with any loss."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import validate_data

from lossexp.components import Array
from lossexp.estimators.base import FEATURES, LossEstimator
from lossexp.links import LINKS
from lossexp.targets import Target, Task

_TARGET = Target(Task.REGRESSION)


class LossRegressor(RegressorMixin, LossEstimator):
    """A regressor that minimises any loss for a continuous target.

    An outlier bends the fit of squared errors, and hardly moves a robust one:

    >>> from lossexp import LossRegressor
    >>> X, y = [[0], [1], [2], [3], [4]], [0, 1, 2, 3, 14]
    >>> for loss in ("mse", "huber", "mae"):
    ...     print(loss, LossRegressor(loss).fit(X, y).coef_.round(2))
    mse [3.]
    huber [1.5]
    mae [1.]

    The parameters and the other attributes are those of `LossEstimator`.

    Attributes:
        coef_: Weights of a linear model `(n_features,)`.
        intercept_: Its bias.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on features `(n_samples, n_features)` and numbers `(n_samples,)`.

        Raises:
            LossexpError: The parameters do not fit together, or do not fit the target.
        """
        X, y = validate_data(self, X, y, y_numeric=True, **FEATURES)
        return self._fit(X, np.asarray(y, dtype=np.float64), _TARGET, sample_weight)

    def predict(self, X: Any) -> Array:
        """Return what the loss estimates, such as the mean or a quantile, `(n_samples,)`."""
        raw = self._raw(X)
        return LINKS[self.experiment_.loss.link_name(_TARGET)].inverse(raw)[0]

    @property
    def coef_(self) -> Array:
        """Weights of a linear model `(n_features,)`."""
        return self._linear[0, :-1]

    @property
    def intercept_(self) -> float:
        """Bias of a linear model."""
        return float(self._linear[0, -1])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = self._part("loss").target_domain.low >= 0
        return tags
