"""lossexp: compare loss functions, honestly and fast."""

import importlib
from pathlib import Path
from typing import Any

__version__ = "0.1.0"

_PACKAGE = Path(__file__).resolve().parent
CONFIG_DIR = next(folder for folder in (_PACKAGE / "conf", _PACKAGE.parent / "conf") if folder.is_dir())
"""Where the YAML files are: inside the package in a wheel, beside it in a checkout."""

_HOMES = {
    "LossClassifier": "lossexp.estimators",
    "LossRegressor": "lossexp.estimators",
    "load": "lossexp.loading",
}
"""What can be imported from here, and the module it is in: imported on first use, since those modules are heavy."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lossexp' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
