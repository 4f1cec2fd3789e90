"""Datasets, one per file. `conf/dataset/<stem>.yaml` names the class in `datasets/<stem>.py`."""

from lossexp.datasets.base import Data, Dataset, Split
from lossexp.datasets.breast_cancer import BreastCancer
from lossexp.datasets.csv import CSV
from lossexp.datasets.diabetes import Diabetes
from lossexp.datasets.digits import Digits
from lossexp.datasets.fashion_mnist import FashionMNIST
from lossexp.datasets.feather import Feather
from lossexp.datasets.idx import IDX
from lossexp.datasets.iris import Iris
from lossexp.datasets.linear import Linear
from lossexp.datasets.mnist import MNIST
from lossexp.datasets.moons import Moons
from lossexp.datasets.npy import NPY
from lossexp.datasets.npz import NPZ
from lossexp.datasets.openml import OpenML
from lossexp.datasets.parquet import Parquet
from lossexp.datasets.spiral import Spiral
from lossexp.datasets.svmlight import SVMLight
from lossexp.datasets.table import Table
from lossexp.datasets.wine import Wine

__all__ = [
    "BreastCancer",
    "CSV",
    "Data",
    "Dataset",
    "Diabetes",
    "Digits",
    "FashionMNIST",
    "Feather",
    "IDX",
    "Iris",
    "Linear",
    "MNIST",
    "Moons",
    "NPY",
    "NPZ",
    "OpenML",
    "Parquet",
    "SVMLight",
    "Spiral",
    "Split",
    "Table",
    "Wine",
]
