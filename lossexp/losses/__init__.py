"""Losses, one per file. `conf/loss/<stem>.yaml` names the class in `losses/<stem>.py`."""

from lossexp.losses.base import Loss
from lossexp.losses.bce import BCE
from lossexp.losses.brier import Brier
from lossexp.losses.cauchy import Cauchy
from lossexp.losses.cce import CCE
from lossexp.losses.crammer_singer import CrammerSinger
from lossexp.losses.epsilon_insensitive import EpsilonInsensitive
from lossexp.losses.exponential import Exponential
from lossexp.losses.focal import Focal
from lossexp.losses.formula import Formula
from lossexp.losses.gamma import Gamma
from lossexp.losses.gaussian_nll import GaussianNLL
from lossexp.losses.gce import GCE
from lossexp.losses.hinge import Hinge
from lossexp.losses.huber import Huber
from lossexp.losses.kl import KL
from lossexp.losses.log_cosh import LogCosh
from lossexp.losses.mae import MAE
from lossexp.losses.modified_huber import ModifiedHuber
from lossexp.losses.mse import MSE
from lossexp.losses.pinball import Pinball
from lossexp.losses.poisson import Poisson
from lossexp.losses.poly1 import Poly1
from lossexp.losses.savage import Savage
from lossexp.losses.sce import SCE
from lossexp.losses.smooth_l1 import SmoothL1
from lossexp.losses.squared_hinge import SquaredHinge
from lossexp.losses.squentropy import Squentropy
from lossexp.losses.sum import Sum
from lossexp.losses.tukey import Tukey
from lossexp.losses.tweedie import Tweedie

__all__ = [
    "BCE",
    "CCE",
    "GCE",
    "KL",
    "MAE",
    "MSE",
    "SCE",
    "Brier",
    "Cauchy",
    "CrammerSinger",
    "EpsilonInsensitive",
    "Exponential",
    "Focal",
    "Formula",
    "Gamma",
    "GaussianNLL",
    "Hinge",
    "Huber",
    "LogCosh",
    "Loss",
    "ModifiedHuber",
    "Pinball",
    "Poisson",
    "Poly1",
    "Savage",
    "SmoothL1",
    "SquaredHinge",
    "Squentropy",
    "Sum",
    "Tukey",
    "Tweedie",
]
