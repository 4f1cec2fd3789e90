"""What makes the trained model of a run a model for MLflow, from code: `mlflow models serve` and `load_model` run it.

Two small text files beside `model.json` and `weights.npz`, written without importing MLflow, so that every run of a
sweep can have them. Nothing is pickled.
"""

from __future__ import annotations

import platform
from pathlib import Path

_CODE = Path(__file__).with_name("predictor.py")


def make_servable(folder: Path) -> None:
    """Write `MLmodel` and the code that it names into the folder of a trained model."""
    # Quoted: 3.10 is not 3.1.
    description = f"""\
flavors:
  python_function:
    loader_module: mlflow.pyfunc.loaders.code_model
    model_code_path: {_CODE.name}
    python_version: "{platform.python_version()}"
    artifacts:
      description: {{path: model.json, uri: model.json}}
"""
    (folder / "MLmodel").write_text(description, encoding="utf-8")
    (folder / _CODE.name).write_bytes(_CODE.read_bytes())
