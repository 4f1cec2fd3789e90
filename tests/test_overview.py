"""The picture of a whole sweep."""

import matplotlib.image
import numpy as np
import pytest

from lossexp import overview, ranking
from tests.test_ranking import ended


def drawn(folder, *rates):
    """Return the picture of runs that differ in nothing but their learning rate, as typed."""
    runs = [ended(folder, f"optimizer.lr={rate}", accuracy=0.5 + place / 10, log_loss=0.5) for place, rate in rates]
    overview.overview_png(folder / "overview.png", ranking.rank(runs), "title")
    return matplotlib.image.imread(folder / "overview.png")


@pytest.mark.parametrize(
    "arguments",
    [
        [f"loss={loss} optimizer.lr={rate}" for loss in ("mse", "bce", "cce") for rate in (0.1, 1)],
        [
            f"loss={loss} optimizer=adam schedule={schedule} model=mlp model.hidden=[{width}] optimizer.lr={rate}"
            for loss in ("mse", "squared_hinge")
            for schedule in ("cosine", "constant")
            for width in (64, 128)
            for rate in (0.1, 1)
        ],
        [f"loss={loss} model.scale={scale}" for loss in ("mse", "squared_hinge") for scale in (0, 0.001, 0.01, 0.1, 1)],
        ["loss=mse", "loss=bce"],
    ],
    ids=["few", "many", "by setting", "two"],
)
def test_nothing_is_outside_of_the_picture_or_over_the_title(arguments, tmp_path, monkeypatch):
    seen = []
    lay_out = overview._lay_out
    monkeypatch.setattr(
        overview, "_lay_out", lambda figure, axes, title: seen.append(axes) or lay_out(figure, axes, title)
    )
    runs = [ended(tmp_path, *text.split(), accuracy=0.5, log_loss=0.5) for text in arguments]
    runs.append(ended(tmp_path, *arguments[-1].split(), "seed=1", ending="diverged", accuracy=0.5, log_loss=0.5))
    overview.overview_png(tmp_path / "overview.png", ranking.rank(runs), "the title")
    (axes,) = seen
    drawn_in, picture = axes.figure.get_tightbbox(), axes.figure.bbox_inches
    assert drawn_in.x0 > 0 < drawn_in.y0
    assert drawn_in.x1 < picture.width
    assert drawn_in.y1 < picture.height
    (title,) = axes.figure.texts
    if legend := axes.get_legend():
        assert legend.get_window_extent().y1 < title.get_window_extent().y0


def test_points_are_in_the_order_of_the_learning_rates_two_of_which_may_be_equal(tmp_path):
    """Equal ones are typed differently, or would be one row."""
    one_way = drawn(tmp_path, (0, "0.1"), (1, "1"), (2, "1.0"), (3, "10"))
    other_way = drawn(tmp_path, (3, "10"), (1, "1"), (2, "1.0"), (0, "0.1"))
    np.testing.assert_array_equal(one_way, other_way)
