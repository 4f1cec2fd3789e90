import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lossexp.errors import StorageError
from lossexp.loss_axis import LossAxis, round_numbers
from lossexp.pictures import TRAIN, VALIDATION, CurvePainter
from lossexp.record import History

EPOCHS = np.arange(101)
FALLING = 0.7 * np.exp(-EPOCHS / 30) + 0.2
U_SHAPED = FALLING + 0.000025 * EPOCHS**2
FAINT, ALARM = (153, 153, 153), (198, 47, 59)


def rgb(colour):
    return tuple(bytes.fromhex(colour[1:]))


def history(train, val):
    n_epochs = len(train)
    return History(np.arange(n_epochs), np.arange(n_epochs), {"train/loss": np.array(train), "val/loss": np.array(val)})


def pixels(path):
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def is_colour(picture, colour):
    return (picture == colour).all(axis=-1)


@pytest.fixture(scope="module")
def painter():
    return CurvePainter()


@pytest.fixture
def paint(painter, tmp_path):
    def paint(train, val, best_epoch=0, title="a run", diverged=False):
        path = tmp_path / "curves.png"
        painter.paint(
            path, history(train, val), title=title, best_epoch=best_epoch, loss_label="loss", diverged=diverged
        )
        return pixels(path)

    return paint


def frame(picture):
    """Return left, right, top and bottom of the plotting area, read from the lines drawn around it."""
    faint = is_colour(picture, FAINT)
    bottom, left = int(faint.sum(axis=1).argmax()), int(np.flatnonzero(faint.sum(axis=0) > 300)[0])
    return left, int(np.flatnonzero(faint[bottom])[-1]), int(np.flatnonzero(faint[:, left])[0]), bottom


@pytest.mark.parametrize(
    ("train", "val", "is_log"),
    [
        ([1.0, 0.5], [1.0, 0.051], False),
        ([1.0, 0.5], [1.0, 0.049], True),
        ([1.0, 0.001], [1.0, 0.0], False),
        ([1.0, -0.001], [1.0, 0.01], False),
        ([1.0, np.nan], [0.9, np.inf], False),
        ([1.0, 1e99], [0.9, 1e101], True),
    ],
)
def test_scale_is_logarithmic_where_positive_losses_span_more_than_a_factor_of_twenty(train, val, is_log):
    assert LossAxis.covering(np.array(train), np.array(val)).is_log is is_log


@pytest.mark.parametrize("value", [0.7, 1e-9, -3.0, 0.0, 1e-320, 1e99])
def test_a_constant_curve_runs_through_the_middle(value):
    axis = LossAxis.covering(np.full(5, value))
    assert axis.low < axis.position(np.array(value)) < axis.high
    assert axis.position(np.array(value)) == pytest.approx((axis.low + axis.high) / 2)
    assert axis.ticks()


def test_losses_that_are_not_finite_do_not_stretch_the_axis():
    axis = LossAxis.covering(np.array([1.0, 2.0, np.inf, np.nan, 1e200]), np.array([1.5, -np.inf]))
    assert (axis.low, axis.high) == pytest.approx((0.95, 2.05))
    assert np.isnan(axis.position(np.array([np.inf, np.nan, 1e200]))).all()


def test_losses_in_single_precision_are_placed_without_a_warning():
    assert LossAxis.covering(np.array([1, np.inf], dtype=np.float32)).high == pytest.approx(1.1)


@pytest.mark.parametrize(
    ("low", "high", "smallest_step", "expected"),
    [
        (0.0, 100.0, 1.0, [0, 20, 40, 60, 80, 100]),
        (0.0, 1.0, 1.0, [0, 1]),
        (0.0, 3.0, 1.0, [0, 1, 2, 3]),
        (0.08, 0.52, 0.0, [0.1, 0.2, 0.3, 0.4, 0.5]),
        (-1.0, 1.0, 0.0, [-1, -0.5, 0, 0.5, 1]),
        (0.0, 1.3e6, 0.0, [0, 5e5, 1e6]),
    ],
)
def test_round_numbers(low, high, smallest_step, expected):
    assert round_numbers(low, high, smallest_step) == expected


@pytest.mark.parametrize("exponent", range(-90, 91, 9))
@pytest.mark.parametrize("factor", [1.001, 1.5, 7.0, 30.0, 1e4, 1e9])
def test_ticks_are_few_distinct_and_inside(exponent, factor):
    axis = LossAxis.covering(np.array([1.0, factor]) * 10.0**exponent)
    ticks = axis.ticks()
    assert 2 <= len(ticks) <= 8
    assert all(axis.low <= position <= axis.high for position in ticks)
    assert len(set(ticks.values())) == len(ticks)


def test_tick_labels_on_a_log_scale_are_the_losses():
    axis = LossAxis.covering(np.array([0.011, 0.9]))
    assert [axis.position(np.array(float(label))) for label in axis.ticks().values()] == pytest.approx(
        list(axis.ticks())
    )
    assert list(axis.ticks().values()) == ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1"]


def test_picture_has_its_size_and_both_curves(paint):
    picture = paint(FALLING, U_SHAPED, best_epoch=40)
    assert picture.shape == (500, 800, 3)
    assert is_colour(picture, rgb(TRAIN)).sum() > 500
    assert is_colour(picture, rgb(VALIDATION)).sum() > 400


def test_train_is_solid_and_validation_dashed(paint):
    picture = paint(np.full(50, 0.2), np.full(50, 0.8), best_epoch=0)
    left, right, top, bottom = frame(picture)
    inside = picture[top:bottom, left + 12 : right]
    train, val = (is_colour(inside, rgb(colour)).any(axis=0) for colour in (TRAIN, VALIDATION))
    assert train.mean() > 0.99
    assert 0.5 < val.mean() < 0.8
    assert 40 < np.count_nonzero(np.diff(val.astype(int)) == 1) < 60


@pytest.mark.parametrize("best_epoch", [10, 37, 90])
def test_best_epoch_is_marked_where_it_lies_on_the_validation_curve(paint, best_epoch):
    val = np.full(101, 0.6)
    val[best_epoch] = 0.3
    picture = paint(np.full(101, 0.9), val, best_epoch)
    left, right, top, bottom = frame(picture)
    x = round(left + best_epoch / 100 * (right - left))
    low, high = 0.3 - 0.05 * 0.6, 0.9 + 0.05 * 0.6
    y = round(bottom - (0.3 - low) / (high - low) * (bottom - top))
    assert is_colour(picture, rgb(VALIDATION))[y - 1 : y + 2, x - 1 : x + 2].all()
    assert is_colour(picture, FAINT)[top:bottom, x - 1 : x + 2].any(axis=1).mean() > 0.8


def test_curves_keep_their_place_on_a_log_scale(paint):
    picture = paint(np.geomspace(1, 1e-4, 101), np.full(101, 1.0))
    left, right, top, bottom = frame(picture)
    train = is_colour(picture[top:bottom, left:right], rgb(TRAIN))
    for fraction in (0.25, 0.5, 0.75):
        rows = np.flatnonzero(train[:, round(fraction * (right - left))])
        assert rows.mean() / (bottom - top) == pytest.approx(0.05 / 1.1 + fraction / 1.1, abs=0.01)


def test_a_diverged_run_ends_in_crosses(paint):
    train, val = np.geomspace(0.7, 900, 11), np.geomspace(0.8, 9000, 11)
    train[9:], val[8:] = np.nan, np.inf
    picture = paint(train, val, diverged=True)
    left, right, top, bottom = frame(picture)
    columns = np.flatnonzero(is_colour(picture, ALARM)[top:bottom].any(axis=0))
    at = (columns - left) / (right - left) * 10
    assert np.abs(at - 7).min() < 0.02
    assert np.abs(at - 8).min() < 0.02
    assert at.max() < 8.2
    assert not is_colour(picture[top:bottom, left + round(0.83 * (right - left)) : right], rgb(TRAIN)).any()
    assert not is_colour(paint(train, val), ALARM).any()


@pytest.mark.parametrize(
    ("train", "val"),
    [
        ([], []),
        ([0.7], [0.8]),
        ([0.7, 0.7], [0.7, 0.7]),
        ([np.nan, np.nan], [np.inf, np.nan]),
        ([0.7, np.nan, 0.6], [0.8, 0.7, np.nan]),
        ([0.0, 0.0], [1e-320, 1e-310]),
        ([1e308, 1e-308], [-1e308, 1.0]),
    ],
)
@pytest.mark.parametrize("diverged", [False, True])
def test_any_history_gives_a_picture(paint, train, val, diverged):
    assert paint(train, val, diverged=diverged).shape == (500, 800, 3)


def test_a_single_epoch_is_drawn_as_two_dots(paint):
    picture = paint([0.7], [0.8])
    left, _, top, bottom = frame(picture)
    for colour in (TRAIN, VALIDATION):
        assert is_colour(picture[top:bottom, left - 3 : left + 4], rgb(colour)).sum() > 20


def test_a_picture_does_not_depend_on_those_before(paint):
    before = paint(FALLING, U_SHAPED, best_epoch=40)
    paint([0.1, np.nan], [1e9, 2e9], title="another", diverged=True)
    np.testing.assert_array_equal(paint(FALLING, U_SHAPED, best_epoch=40), before)


@pytest.mark.parametrize(
    "title", ["$x$ $", "a\nb\tc", "données ß 損失", "\udcff\x1b[2J", "", "optimizer.lr=0.1 " * 40, "\u202e[64]"]
)
def test_any_title_fits(paint, title):
    picture = paint(FALLING, U_SHAPED, title=title)
    assert (picture[:80, 785:] == 255).all()
    assert (picture[:80, :65] == 255).all()


def test_thousands_of_noisy_epochs_fill_the_picture(paint):
    noise = np.random.default_rng(0).uniform(0.1, 1, size=(2, 5_000))
    picture = paint(*noise, best_epoch=3)
    assert is_colour(picture, rgb(VALIDATION)).mean() > 0.1


def test_a_file_that_cannot_be_written_is_named(painter, tmp_path):
    path = tmp_path / "missing" / "curves.png"
    with pytest.raises(StorageError, match=re.escape(f"Cannot write the picture {path}: No such file")):
        painter.paint(path, history([1.0], [1.0]), title="", best_epoch=0, loss_label="loss")


def test_pictures_are_small_files(painter, tmp_path):
    path = Path(tmp_path / "curves.png")
    painter.paint(path, history(FALLING, U_SHAPED), title="a run", best_epoch=40, loss_label="loss")
    assert path.stat().st_size < 25_000
