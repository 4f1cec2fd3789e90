"""`python -m lossexp.predict run=RUN data=new.csv output=out.csv`: the predictions of a trained model on new rows."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lossexp.components import refuse_unknown
from lossexp.errors import EXIT_USER_ERROR, ConfigError, LossexpError, StorageError
from lossexp.loading import load

if TYPE_CHECKING:
    from pandas import DataFrame

USAGE = """\
python -m lossexp.predict run=RUN data=FILE output=FILE [overwrite=true] [runs_dir=runs]

  run        an MLflow run id, a run folder, or the name of one
  data       new rows with the columns that the model was trained on; one with the target is allowed and ignored
  output     .csv or .parquet: the prediction of each row, and for classes the probability of each
  overwrite  whether the output may be there already
  runs_dir   the output folder of the run\
"""
_NEEDED = ("run", "data", "output")
_OPTIONAL = {"overwrite": "false", "runs_dir": "runs"}


def predict(run: str, data: Path, output: Path, *, runs_dir: Path, overwrite: bool) -> str:
    """Write the predictions for a file, and return what was done in words.

    Args:
        run: As for `lossexp.load`.
        data: The file with new rows.
        output: Where the predictions go, by its ending a CSV or a Parquet file.
        runs_dir: The output folder of the run.
        overwrite: Whether `output` may be there already.

    Raises:
        LossexpError: There is no such run, the rows do not fit it, or the output cannot be written.
    """
    import pandas as pd

    write = _writer(output)
    is_there = os.path.exists(output)  # unlike its method, it is False of a name that is too long
    if is_there and not overwrite:
        raise StorageError(f"output={output} is there already. Choose another file, or overwrite=true.")
    if is_there and os.path.exists(data) and output.samefile(data):
        raise StorageError(f"output={output} is the file with the rows, which would be lost. Choose another file.")
    model = load(run, runs_dir)
    rows = model.rows(data)
    predictions = model.predictions(rows)
    part = output.with_name(f".{output.name}.part")
    try:
        write(predictions, part)
        os.replace(part, output)
    except OSError as error:
        raise StorageError(f"output={output} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    told = [f"{len(predictions)} predictions written to {output}."]
    if isinstance(rows, pd.DataFrame):
        for column in model.preparation.columns:
            if not column.indicates_missing and (count := int(rows[column.name].isna().sum())):
                told.append(f"{column.name}: {count} missing value(s), of which training had none.")
        for name, count in model.preparation.unseen(rows).items():
            told.append(f"{name}: {count} value(s) not seen in training, which count as none of those that were.")
    if model.diverged:
        told.append("The run diverged: these are predictions with the weights that it kept.")
    if model.target.task.is_classes and not model.are_probabilities:
        told.append(f"The probabilities are uncalibrated: the loss of this run estimates {model.estimates}.")
    return "\n".join(told)


def _writer(output: Path) -> Callable[[DataFrame, Path], None]:
    """Return what writes a table in the format that the ending of a file names."""
    writers: dict[str, Callable[[DataFrame, Path], None]] = {
        ".csv": lambda table, path: table.to_csv(path, index=False),
        ".parquet": lambda table, path: table.to_parquet(path, index=False),
    }
    if output.suffix.lower() not in writers:
        raise ConfigError(f"output={output} is not allowed: expected a file that ends in {' or '.join(writers)}.")
    return writers[output.suffix.lower()]


def settings(arguments: Sequence[str]) -> dict[str, str]:
    """Return the settings of a command line of `key=value`.

    Raises:
        ConfigError: One is unknown, missing, or not of this form.
    """
    given = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        refuse_unknown("", [key], [*_NEEDED, *_OPTIONAL])
        if not equals or not value:
            raise ConfigError(f"{argument} has no value. Usage: {USAGE}")
        given[key] = value
    missing = [key for key in _NEEDED if key not in given]
    if missing:
        raise ConfigError(f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing. Usage: {USAGE}")
    values = {**_OPTIONAL, **given}
    if values["overwrite"] not in ("true", "false"):
        raise ConfigError(f"overwrite={values['overwrite']} is not allowed: expected true or false.")
    return values


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Return the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if not given or given[0] in ("-h", "--help"):
        print(USAGE)
        return 0
    try:
        s = settings(given)
        paths = {key: Path(s[key]).expanduser() for key in ("data", "output", "runs_dir")}
        print(predict(s["run"], **paths, overwrite=s["overwrite"] == "true"))
    except LossexpError as error:
        print(f"lossexp: {error}", file=sys.stderr)
        return EXIT_USER_ERROR
    return 0


if __name__ == "__main__":
    sys.exit(main())
