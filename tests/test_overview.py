"""The picture of a whole sweep."""

import re
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

import lossexp
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


def test_crosses_of_losses_that_diverged_at_one_rate_are_apart_and_losses_named_once(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(overview, "_lay_out", lambda figure, axes, title: seen.append(axes))
    runs = [
        ended(tmp_path, f"loss={loss}", f"optimizer.lr={rate}", ending="diverged", accuracy=0.5, log_loss=0.5)
        for loss in ("mse", "bce", "cce")
        for rate in (1, 10)
    ]
    overview.overview_png(tmp_path / "overview.png", ranking.rank(runs), "title")
    (axes,) = seen
    crosses = [tuple(line.get_xydata()[0]) for line in axes.lines if line.get_marker() == "x" and len(line.get_xdata())]
    assert len(set(crosses)) == 6
    assert sorted(axes.get_legend_handles_labels()[1]) == ["bce", "cce", "diverged or failed", "mse"]
    assert not len(axes.get_yticks())


# Linear RGB as seen without the cones for red, green and blue: Machado, Oliveira and Fernandes (2009), severity 1.
SEEN = {
    "all cones": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(colors, seen):
    """Return CIELAB coordinates `(n, 3)` of sRGB colours; a distance of 2 can just be seen."""
    rgb = np.array([[int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)] for color in colors])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ np.transpose(seen)
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    xyz = np.clip(linear, 0, 1) @ np.transpose(to_xyz) / [0.95047, 1, 1.08883]
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


@pytest.mark.parametrize("seen", SEEN.values(), ids=SEEN)
def test_colours_are_told_apart_by_everyone(seen):
    css = (Path(lossexp.__file__).parent / "report" / "report.css").read_text(encoding="utf-8")
    light, dark = np.reshape(re.findall(r"--c\d: (#\w{6})", css), (2, -1)).tolist()
    assert tuple(light) == overview.COLORS
    for colors in (light, dark):
        found = lab(colors, seen)
        distances = np.linalg.norm(found[:, None] - found, axis=-1)
        assert np.min(distances[np.triu_indices(len(colors), 1)]) > 15
