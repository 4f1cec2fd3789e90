"""Quantile regression of Engel's food expenditures."""

import numpy as np
import pytest

from lossexp.experiment import Training
from lossexp.losses import Pinball
from lossexp.optimizers import Adam
from lossexp.schedules import Cosine

from ..trainings import REGRESSION, given, member, trained

PUBLISHED = {
    0.25: (95.48354, 0.4741032, 30.13751446),
    0.5: (81.48225, 0.5601806, 37.36155882),
    0.75: (62.39659, 0.6440141, 27.78404376),
}
"""tau: intercept, slope and mean loss; Koenker and Bassett (1982), coefficients as in quantreg and statsmodels."""


def test_engel(shared_data):
    """Three quantiles in one stack; the loss within 1e-5 of the published one, which is the minimum."""
    income, food = np.genfromtxt(shared_data / "statsmodels" / "engel.csv", delimiter=",", skip_header=1).T
    data = given((income[:, None] - income.mean()) / income.std(), food, REGRESSION)
    runs = trained(
        *(
            member(
                data,
                Pinball(tau=tau),
                optimizer=Adam(lr=20, batch_size=10**9),
                schedule=Cosine(),
                training=Training(epochs=3000, dtype="float64"),
            )
            for tau in PUBLISHED
        )
    )
    for run, (intercept, slope, loss) in zip(runs, PUBLISHED.values(), strict=True):
        assert run.curves["train/loss"][-1] == pytest.approx(loss, abs=1e-5)
        assert run.params[0][0, 0] / income.std() == pytest.approx(slope, rel=1e-4)
        assert run.params[0][0, 1] - run.params[0][0, 0] / income.std() * income.mean() == pytest.approx(
            intercept, rel=1e-4
        )
