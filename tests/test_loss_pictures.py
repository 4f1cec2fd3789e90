"""The shapes that are drawn are those of the formulas, and every loss is drawn where it belongs."""

import numpy as np
import pytest
from PIL import Image

from lossexp import losses
from lossexp.errors import StorageError
from lossexp.loss_pictures import Panel, _figure, example_weight, loss_shapes_png, margin_shape, residual_shape
from lossexp.losses import Sum
from lossexp.losses.formula import formula
from lossexp.overview import COLORS

from .trainings import BINARY, REGRESSION, THREE_CLASSES

X = np.linspace(-4, 4, 17)
P = np.array([0.01, 0.3, 0.5, 0.9, 0.999])


@pytest.mark.parametrize(
    ("loss", "value", "slope"),
    [
        (losses.MSE(), X**2, 2 * X),
        (losses.Pinball(tau=0.9), np.where(X > 0, 0.1 * X, -0.9 * X), np.where(X > 0, 0.1, -0.9)),
        (losses.Poisson(), np.exp(X) - X - 1, np.exp(X) - 1),
        (losses.GaussianNLL(), X**2 / 2, X),
        (formula("(raw - target)**4"), X**4, 4 * X**3),
    ],
    ids=str,
)
def test_residuals_are_from_a_perfect_prediction(loss, value, slope):
    """By the formulas for target 1, whose perfect raw prediction is 1, and 0 under a log link."""
    shape = residual_shape(loss, X)
    np.testing.assert_allclose(shape.value, value, atol=1e-14)
    np.testing.assert_allclose(shape.slope[X != 0], slope[X != 0], atol=1e-13)


@pytest.mark.parametrize(
    "loss", [losses.BCE(), losses.CCE(), formula("-log(p)"), losses.BCE(class_weight=(1, 5))], ids=str
)
def test_margins_are_those_of_the_true_class_with_one_output_and_with_two(loss):
    shape = margin_shape(loss, X)
    np.testing.assert_allclose(shape.value, np.log1p(np.exp(-X)), atol=1e-14)
    np.testing.assert_allclose(shape.slope, -1 / (1 + np.exp(X)), atol=1e-14)


@pytest.mark.parametrize(
    ("loss", "weight"),
    [
        (losses.BCE(), 1 + 0 * P),
        (losses.CCE(class_weight=(1, 2, 3)), 1 + 0 * P),
        (losses.GCE(q=0.7), P**0.7),
        (losses.Poly1(epsilon=2), 1 + 2 * P),
        (losses.Focal(gamma=2), (1 - P) ** 2 - 2 * P * (1 - P) * np.log(P)),
        (losses.Brier(), 2 * P * (1 - P)),
        (losses.Hinge(), np.where(np.log(P / (1 - P)) < 1, 1 / (1 - P), 0)),
        (losses.Exponential(), 1 / P),
        (formula("1 - p"), P),
    ],
    ids=str,
)
def test_weights_of_examples(loss, weight):
    """Of the published gradients w(p) (P - Y); of margin losses -slope / (1 - p)."""
    np.testing.assert_allclose(example_weight(loss, P), weight, rtol=1e-9, atol=1e-12)


def lines_of(curves):
    """Return the lines that a panel draws, by colour."""
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    Panel("", "", X, curves).draw(axes, {name: (COLORS[place], "-") for place, name in enumerate(curves)})
    return {line.get_color(): line.get_linestyle() for line in axes.lines}


def test_a_curve_does_not_hide_one_that_is_the_same():
    """BCE and CCE are: both colours are seen, and one curve alone is drawn through."""
    assert list(lines_of({"bce": X**2, "hinge": X, "cce": X**2}).values()) == ["-", "-", "--"]
    assert list(lines_of({"bce": X**2, "hinge": X, "cce": 0.9 * X**2}).values()) == ["-", "-", "-"]


def test_names_are_read_along_the_lines_of_the_legend():
    """Ten names in seven columns: the eighth begins the second line, below the first."""
    names = [f"loss_number_{number}" for number in range(10)]
    figure, _ = _figure(1, 3, {name: (COLORS[0], "-") for name in names})
    figure.draw_without_rendering()
    places = {text.get_text(): text.get_window_extent() for text in figure.legends[0].get_texts()}
    assert sorted(names, key=lambda name: (-round(places[name].y0), places[name].x0)) == names


def drawn(tmp_path, shown, target=None):
    loss_shapes_png(tmp_path / "shapes.png", shown, target)
    with Image.open(tmp_path / "shapes.png") as picture:
        return np.array(picture.convert("RGB"))


@pytest.mark.parametrize(
    ("shown", "target", "n_columns", "n_rows"),
    [
        ({"huber": losses.Huber(), "mae": losses.MAE()}, None, 2, 1),
        ({"bce": losses.BCE()}, None, 3, 1),
        ({"mse": losses.MSE()}, None, 3, 2),
        ({"mse": losses.MSE(), "mae": losses.MAE()}, None, 2, 1),
        ({"mse": losses.MSE(), "bce": losses.BCE()}, None, 3, 1),
        ({"mse": losses.MSE(), "bce": losses.BCE(), "mae": losses.MAE()}, None, 3, 2),
        ({"mse": losses.MSE()}, REGRESSION, 2, 1),
        ({"mse": losses.MSE()}, THREE_CLASSES, 3, 1),
    ],
)
def test_there_is_a_row_for_each_kind_of_target_that_shows_something_more(shown, target, n_columns, n_rows, tmp_path):
    picture = drawn(tmp_path, shown, target)
    assert picture.shape[1] == 440 * n_columns
    assert picture.shape[0] // 340 == n_rows


def test_each_loss_has_a_line_of_its_own_colour(tmp_path):
    """Ten of them: eight colours, then dashed ones."""
    names = ("mse", "mae", "huber", "log_cosh", "cauchy", "tukey", "pinball", "smooth_l1", "poisson", "gamma")
    classes = {loss.__module__.rpartition(".")[2]: loss for loss in vars(losses).values() if isinstance(loss, type)}
    picture = drawn(tmp_path, {name: classes[name]() for name in names})
    for colour in COLORS:
        assert (picture == tuple(bytes.fromhex(colour[1:]))).all(axis=-1).sum() > 20


def test_a_sum_is_drawn_on_the_targets_that_its_terms_agree_on(tmp_path):
    """On two classes the links of mse and cce differ: nothing is drawn. Weights of three classes are left out."""
    disagreeing = Sum.from_settings({"terms": {"mse": 1, "cce": {"class_weight": [1, 2, 3]}}}, "loss")
    weighted = Sum.from_settings({"terms": {"gce": 1, "cce": {"class_weight": [1, 2, 3]}}}, "loss")
    assert drawn(tmp_path, {"a": disagreeing}, BINARY).shape[1] == 440
    assert drawn(tmp_path, {"a": disagreeing, "b": weighted}, BINARY).shape[1] == 3 * 440


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(StorageError, match=r"Cannot write the picture .*nowhere/shapes.png: No such file"):
        loss_shapes_png(tmp_path / "nowhere" / "shapes.png", {"mse": losses.MSE()})
