"""Losses for users of scikit-learn: in pipelines, cross-validation and grid searches."""

from lossexp.estimators.classifier import LossClassifier
from lossexp.estimators.regressor import LossRegressor

__all__ = ["LossClassifier", "LossRegressor"]
