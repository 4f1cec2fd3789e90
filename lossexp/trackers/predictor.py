"""The code of every model that lossexp gives to MLflow: `mlflow models serve` and `mlflow.pyfunc.load_model` run it."""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext

from lossexp.errors import DataError
from lossexp.trained import TrainedModel


class Predictor(PythonModel):  # type: ignore[misc]  # MLflow has no types
    """Predicts with the trained model beside the MLmodel file."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the trained model."""
        self._model = TrainedModel.read(Path(context.artifacts["description"]).parent)

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """Return the prediction of each row, and for classes their probabilities.

        Raises:
            MlflowException: Columns are missing or unknown; with this kind the server gives the reason to the caller.
        """
        if isinstance(model_input, str):  # to the model it would be the path of a file, on the machine that serves it
            raise MlflowException.invalid_parameter_value("Text was given; expected rows.")
        try:
            return self._model.predictions(model_input)
        except DataError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error


set_model(Predictor())
