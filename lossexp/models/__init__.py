"""Models, one per file."""

from lossexp.models.base import Model, Params, Size
from lossexp.models.linear import Linear
from lossexp.models.mlp import MLP

__all__ = ["MLP", "Linear", "Model", "Params", "Size"]
