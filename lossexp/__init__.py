"""lossexp: compare loss functions, honestly and fast."""

from pathlib import Path

__version__ = "0.1.0"

_PACKAGE = Path(__file__).resolve().parent
CONFIG_DIR = next(folder for folder in (_PACKAGE / "conf", _PACKAGE.parent / "conf") if folder.is_dir())
"""Where the YAML files are: inside the package in a wheel, beside it in a checkout."""
