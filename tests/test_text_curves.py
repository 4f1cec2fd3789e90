import numpy as np
import pytest

from lossexp.pictures import TRAIN, VALIDATION
from lossexp.record import History
from lossexp.text_curves import draw

FALLING = np.linspace(1.0, 0.2, 101)
RISING = np.linspace(0.2, 1.0, 101)


def history(train, val):
    epochs = np.arange(len(train))
    return History(epochs, epochs, {"train/loss": np.asarray(train, float), "val/loss": np.asarray(val, float)})


def text(lines):
    return ["".join(piece for piece, _ in line) for line in lines]


def cells(lines, height=10):
    """Return the characters of the plotting area and the colour of each, both `(height, n_columns)`."""
    area = lines[1 : height + 1]
    characters = [list("".join(piece for piece, _ in line[1:])) for line in area]
    colours = [[colour for piece, colour in line[1:] for _ in piece] for line in area]
    return np.array(characters), np.array(colours)


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("width", [30, 46, 60, 66])
def test_lines_fill_the_width(width, ascii_only):
    lines = text(draw(history(FALLING, RISING), 3, width=width, ascii_only=ascii_only))
    assert {len(line) for line in lines[1:]} == {width}
    assert len(lines) == 13


def test_ascii_is_ascii():
    assert "".join(text(draw(history(FALLING, RISING), 3, width=60, ascii_only=True))).isascii()


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("best_epoch", [0, 30, 100])
def test_best_epoch_is_marked_where_it_lies_on_the_validation_curve(best_epoch, ascii_only):
    lines = draw(history(FALLING, RISING), best_epoch, width=60, ascii_only=ascii_only)
    characters, colours = cells(lines)
    ((row, column),) = np.argwhere(characters == ("@" if ascii_only else "●"))
    assert column == pytest.approx(best_epoch / 100 * (characters.shape[1] - 1), abs=0.51)
    assert row == pytest.approx(9.0 * (1.04 - RISING[best_epoch]) / 0.88, abs=0.76)
    assert colours[row, column] == VALIDATION
    assert f"best epoch {best_epoch}" in text(lines)[0]


def test_a_best_value_that_cannot_be_drawn_is_not_marked():
    lines = text(draw(history([1.0, 0.5], [np.nan, np.inf]), 1, width=60))
    assert "●" not in "".join(lines)
    assert "best" not in lines[0]


@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_steep_curve_has_no_gaps(ascii_only):
    step = np.where(np.arange(101) < 50, 1.0, 0.1)
    _, colours = cells(draw(history(step, np.full(101, 0.1)), 0, width=60, ascii_only=ascii_only))
    assert (colours[:, 20:35] == TRAIN).any(axis=1).sum() >= 9


def test_train_is_solid_and_validation_dashed():
    characters, colours = cells(draw(history(np.full(5, 0.2), np.full(5, 0.9)), 0, width=60))
    assert (colours == TRAIN).any(axis=0).all()
    dashes = (colours == VALIDATION).any(axis=0)
    assert 0.5 < dashes.mean() < 0.8
    assert set(characters[(colours == "")]) == {" "}


@pytest.mark.parametrize("ascii_only", [False, True])
def test_both_curves_can_be_told_apart_without_colour_where_they_coincide(ascii_only):
    same = draw(history(FALLING, FALLING), 0, width=60, ascii_only=ascii_only)
    _, colours = cells(same)
    assert {TRAIN, VALIDATION} <= set(colours.ravel())
    train_alone, _ = cells(draw(history(FALLING, np.full(101, np.nan)), 0, width=60, ascii_only=ascii_only))
    both, _ = cells(same)
    assert (both[:, 1:] != train_alone[:, 1:]).any() == ascii_only  # braille keeps the solid dots below the dashes


def test_a_log_scale_is_said_and_labelled():
    lines = text(draw(history(np.geomspace(1, 1e-4, 11), np.ones(11)), 0, width=60))
    assert lines[0].startswith("loss, log scale ")
    assert [line.split("│")[0].strip() for line in lines[1:11] if line.strip()[0] != "│"] == [
        "1",
        "0.1",
        "0.01",
        "0.001",
        "0.0001",
    ]
    assert not text(draw(history(FALLING, RISING), 0, width=60))[0].startswith("loss, log")


def test_a_curve_ends_where_its_losses_end_to_be_finite():
    losses = FALLING.copy()
    losses[51:] = np.nan
    characters, _ = cells(draw(history(losses, losses), 0, width=60))
    n_columns = characters.shape[1]
    assert (characters[:, n_columns // 2 + 2 :] == " ").all()
    assert (characters[:, : n_columns // 2 - 2] != " ").any(axis=0).all()


@pytest.mark.parametrize("losses", [[0.7], [0.7, 0.7], [0.0, 0.0], [np.nan, np.nan], [1e308, 1e-308], [-1.0, np.inf]])
def test_any_history_can_be_drawn(losses):
    assert len(draw(history(losses, losses), 0, width=60)) == 13


def test_epochs_are_at_the_ends_of_the_axis():
    last = text(draw(history(FALLING, RISING), 0, width=60))[-1]
    assert last.split() == ["0", "epoch", "100"]
    assert last.endswith("100")
