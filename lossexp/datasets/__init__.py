"""Datasets, one per file. `conf/dataset/<stem>.yaml` names the class in `datasets/<stem>.py`."""

from lossexp.datasets.base import Data, Dataset, Split
from lossexp.datasets.breast_cancer import BreastCancer
from lossexp.datasets.diabetes import Diabetes
from lossexp.datasets.digits import Digits
from lossexp.datasets.iris import Iris
from lossexp.datasets.linear import Linear
from lossexp.datasets.moons import Moons
from lossexp.datasets.spiral import Spiral
from lossexp.datasets.table import Table
from lossexp.datasets.wine import Wine

__all__ = [
    "BreastCancer",
    "Data",
    "Dataset",
    "Diabetes",
    "Digits",
    "Iris",
    "Linear",
    "Moons",
    "Spiral",
    "Split",
    "Table",
    "Wine",
]
