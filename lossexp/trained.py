"""A trained model: from rows as they were collected to predictions in the units and names of the target."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from lossexp import __version__, building
from lossexp.components import Array
from lossexp.datasets.alignment import aligned
from lossexp.datasets.base import Data
from lossexp.datasets.conversion import is_sparse
from lossexp.datasets.csv import CSV
from lossexp.datasets.preparation import Preparation, Rows
from lossexp.datasets.reading.content import FROM_ZERO
from lossexp.datasets.reading.delimited import Delimited
from lossexp.datasets.reading.formats import read_rows
from lossexp.errors import DataError, StorageError, in_words
from lossexp.experiment import Experiment
from lossexp.links import LINKS, LinkName
from lossexp.models import Model, Params
from lossexp.prediction import raw_predictions
from lossexp.probabilities import estimates_probabilities
from lossexp.targets import Target, Task

if TYPE_CHECKING:
    from pandas import DataFrame

FORMAT = 1
"""Number of the layout of `model.json`; one is added where an older lossexp would misread it."""


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """What prediction needs, and nothing else: neither the data nor the loss itself.

    Attributes:
        model: The model.
        params: Its parameters, one array `(n_units, fan_in + 1)` per layer; the last column is the bias.
        target: What is predicted.
        preparation: How columns become features, as fitted on the training split.
        link: How raw predictions become means or probabilities.
        outputs: Numbers of the outputs of the model that predict the target.
        class_names: One per class; none for a continuous target.
        target_name: What the target column was called.
        target_mean: What was subtracted from a continuous target, 0 where it was not standardized.
        target_scale: What it was divided by then.
        are_probabilities: Whether the loss makes the model estimate probabilities; otherwise those it gives are
            uncalibrated.
        estimates: What the loss makes the model estimate, in words.
        diverged: Whether training diverged; the parameters are then those that the run kept.
        text: How a text file with rows is read: as the one with the training rows, if it was one.
        numbered_from_zero: Whether a sparse file with the training rows has a feature 0.
    """

    model: Model
    params: Params
    target: Target
    preparation: Preparation
    link: LinkName
    outputs: tuple[int, ...]
    class_names: tuple[str, ...]
    target_name: str
    target_mean: float
    target_scale: float
    are_probabilities: bool
    estimates: str
    diverged: bool = False
    text: Delimited = Delimited()
    numbered_from_zero: bool = False

    @classmethod
    def of(cls, experiment: Experiment, data: Data, params: Params, *, diverged: bool = False) -> TrainedModel:
        """Return the model of one run.

        Args:
            experiment: What was trained.
            data: What it was trained on.
            params: Its parameters, as in `Finished.params`.
            diverged: Whether it diverged.
        """
        loss = experiment.loss.on(data.target)
        numbers = np.arange(len(params[-1]))[:, None, None]
        dataset, decisions = experiment.dataset, data.card.decisions if data.card else ()
        return cls(
            model=experiment.model,
            params=params,
            target=data.target,
            preparation=data.preparation,
            link=loss.link_name(data.target),
            outputs=tuple(loss.predicting(numbers).ravel().tolist()),
            class_names=data.class_names,
            target_name=data.target_name,
            target_mean=data.target_mean,
            target_scale=data.target_scale,
            are_probabilities=estimates_probabilities(loss, data.target),
            estimates=loss.estimates,
            diverged=diverged,
            text=dataset.reader.settled(decisions) if isinstance(dataset, CSV) else Delimited(),
            numbered_from_zero=FROM_ZERO in decisions,
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the columns of `predict_proba`; none for a continuous target."""
        return self.class_names

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the columns that new data must have."""
        return tuple(column.name for column in self.preparation.columns)

    def rows(self, table: Rows | Path | str) -> Rows:
        """Return rows with the names of the columns that the model was trained on.

        Args:
            table: As for `predict`. A file is read as the one with the training rows.

        Raises:
            DataError: It cannot be read, or is no table.
        """
        if not isinstance(table, (str, Path)):
            return aligned(table, self.preparation)
        rows = read_rows(table, self.text, self.preparation.categories)
        return self._sparse_columns(rows, table) if is_sparse(rows) else aligned(rows, self.preparation)

    def _sparse_columns(self, rows: Rows, path: Path | str) -> Rows:
        """Return the features of a sparse file, whose first column is feature 0."""
        if not self.numbered_from_zero:
            if rows[:, 0].nnz:
                raise DataError(f"data={path} has a feature 0, but those of the training rows are numbered from 1.")
            rows = rows[:, 1:]
        # The last features are not in the file where they are 0 in all of its rows.
        rows.resize(rows.shape[0], max(rows.shape[1], len(self.preparation.columns)))
        return rows

    def predict(self, table: Rows | Path | str) -> Array:
        """Return the most probable class of each row by name, or a number in the units of the target.

        Args:
            table: Rows with the columns `feature_names`: a data frame in any order, an array or a list of rows in this
                order, or the path of a file. The target may be there too and is ignored.

        Raises:
            DataError: Columns are missing or unknown, or hold what was not learnt.
        """
        raw = self._raw(table)
        if self.target.task.is_classes:
            return self._classes_of(raw)
        return self.target_mean + self.target_scale * LINKS[self.link].inverse(raw)[0, 0].astype(np.float64)

    def predict_proba(self, table: Rows | Path | str) -> Array:
        """Return the probability of each class, `(n_samples, n_classes)`; see `are_probabilities`.

        Args:
            table: As for `predict`.

        Raises:
            DataError: As for `predict`, or the target is continuous.
        """
        return self._probabilities_of(self._raw(table))

    def predictions(self, table: Rows | Path | str) -> DataFrame:
        """Return the column `prediction`, and for classes one column `probability_<class>` each."""
        import pandas as pd

        if not self.target.task.is_classes:
            return pd.DataFrame({"prediction": self.predict(table)})
        raw = self._raw(table)
        names = [f"probability_{name}" for name in self.class_names]
        frame = pd.DataFrame(self._probabilities_of(raw), columns=names)
        frame.insert(0, "prediction", self._classes_of(raw))
        return frame

    def save(self, folder: Path) -> None:
        """Write `model.json` and `weights.npz` into a folder, made if it is missing."""
        folder.mkdir(exist_ok=True)
        weights = {}
        for number, layer in enumerate(self.params, start=1):
            weights[f"layer_{number}.weight"], weights[f"layer_{number}.bias"] = layer[:, :-1], layer[:, -1]
        np.savez(folder / "weights.npz", allow_pickle=False, **weights)
        (folder / "model.json").write_text(json.dumps(self._description()), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> TrainedModel:
        """Return the model that `save` wrote into a folder. Nothing in it is executed.

        Raises:
            StorageError: There is none, or it cannot be used.
        """
        try:
            description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            with (folder / "weights.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                weights = dict(arrays)
            if description["format"] > FORMAT:
                raise StorageError(
                    f"{folder} was written by lossexp {description['version']}, this is {__version__}: "
                    "use the newer one."
                )
            return cls._from(description, weights)
        except FileNotFoundError as error:
            raise StorageError(f"There is no trained model in {folder}: {error.filename} is missing.") from error
        except (OSError, EOFError, BadZipFile, ValueError, KeyError, TypeError) as error:
            raise StorageError(f"The trained model in {folder} cannot be read: {in_words(error)}") from error

    def _description(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "version": __version__,
            "model": {"_target_": f"{type(self.model).__module__}.{type(self.model).__qualname__}"}
            | dataclasses.asdict(self.model),
            "target": dataclasses.asdict(self.target),
            "dtype": self.params[-1].dtype.name,
            "preparation": self.preparation.to_dict(),
            "text": dataclasses.asdict(self.text),
            **{name: getattr(self, name) for name in _PLAIN},
        }

    @classmethod
    def _from(cls, description: Mapping[str, Any], weights: Mapping[str, Array]) -> TrainedModel:
        model = building.component("model", description["model"], Model)  # type: ignore[type-abstract]
        layers = range(1, len(weights) // 2 + 1)
        params = [np.column_stack((weights[f"layer_{n}.weight"], weights[f"layer_{n}.bias"])) for n in layers]
        preparation = Preparation.from_dict(description["preparation"])
        sizes = model.layer_sizes(len(preparation.feature_names), len(params[-1]))
        if [layer.shape for layer in params] != [(n_units, fan_in + 1) for n_units, fan_in in sizes]:
            raise ValueError(f"layers of {[layer.shape for layer in params]} do not fit the model, which has {sizes}")
        target = Target(Task(description["target"]["task"]), description["target"]["n_classes"])
        plain = _without_lists({name: description[name] for name in _PLAIN if name in description})
        return cls(
            model=model,
            params=params,
            target=target,
            preparation=preparation,
            text=Delimited(**_without_lists(description["text"])),
            **plain,
        )

    def _raw(self, table: Rows | Path | str) -> Array:
        """Return the raw predictions that predict the target, `(n_outputs, 1, n_samples)`."""
        X = self.preparation.transform(self.rows(table))
        return raw_predictions(self.model, self.params, X)[list(self.outputs), None]

    def _classes_of(self, raw: Array) -> Array:
        """Return the name of the most probable class of each row; of equal ones the first."""
        scores = raw if len(raw) > 1 else self._probabilities_of(raw).T[:, None]
        return np.array(self.class_names, dtype=object)[np.argmax(scores[:, 0], axis=0)]

    def _probabilities_of(self, raw: Array) -> Array:
        if not self.target.task.is_classes:
            raise DataError(f"{self.target_name} is {self.target}, which has no probabilities: use predict.")
        probabilities = LINKS[self.link].probabilities(raw.astype(np.float64))[:, 0]
        if len(probabilities) == 1:
            probabilities = np.concatenate((1 - probabilities, probabilities))
        return probabilities.T


def _without_lists(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values of JSON with tuples, which it does not have, for lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


_PLAIN = (
    *("link", "outputs", "class_names", "target_name", "target_mean", "target_scale"),
    *("are_probabilities", "estimates", "diverged", "numbered_from_zero"),
)
"""The fields that stand in `model.json` as they are; those with a default may be absent."""
