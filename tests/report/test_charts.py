"""Where curves lie in a picture."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossexp.loss_axis import LossAxis
from lossexp.report.charts import HEIGHT, MAX_POINTS, WIDTH, Chart, Line, Mark, span


def chart(*lines, x=(0, 10), y=(0, 1), is_log=False, **parts):
    return Chart("", "", LossAxis(*x, is_log=False), LossAxis(*y, is_log), lines, **parts)


def points(path):
    return np.array([[float(number) for number in pair] for pair in re.findall(r"[ML](\S+) ([\d.-]+)", path)])


def test_a_line_runs_from_corner_to_corner():
    drawn = chart(Line(0, np.array([0.0, 10.0]), np.array([0.0, 1.0])))
    (curve,) = drawn.curves
    np.testing.assert_allclose(points(curve["line"]), [[0, drawn.height], [drawn.width, 0]], atol=0.05)
    assert 0 < drawn.left < drawn.left + drawn.width < WIDTH
    assert 0 < drawn.top < drawn.top + drawn.height < HEIGHT


def test_a_log_axis_is_even_in_factors():
    drawn = chart(Line(0, np.array([0.0, 5.0, 10.0]), np.array([0.01, 0.1, 1.0])), y=(-2, 0), is_log=True)
    np.testing.assert_allclose(points(drawn.curves[0]["line"])[:, 1], [drawn.height, drawn.height / 2, 0], atol=0.05)


def test_a_line_is_broken_where_there_is_nothing_and_a_lonely_point_shows():
    x, y = np.arange(5.0), np.array([0.5, np.nan, 0.5, 0.5, np.inf])
    path = chart(Line(0, x, y)).curves[0]["line"]
    assert re.sub(r"[\d. ]+", "", path.replace("h0", "h")) == "MhMhL"


def test_a_band_goes_there_above_and_back_below():
    x, y = np.array([0.0, 10.0]), np.array([0.5, 0.5])
    drawn = chart(Line(0, x, y, low=y - 0.25, high=y + 0.25))
    height, width = drawn.height, drawn.width
    expected = [[0, height / 4], [width, height / 4], [width, 3 * height / 4], [0, 3 * height / 4]]
    np.testing.assert_allclose(points(drawn.curves[0]["band"]), expected, atol=0.05)


def test_a_band_below_zero_goes_down_to_the_end_of_a_log_axis():
    x, y = np.array([0.0, 10.0]), np.array([0.1, 0.1])
    drawn = chart(Line(0, x, y, low=y - 0.2, high=y + 0.2), y=(-2, 0), is_log=True)
    assert points(drawn.curves[0]["band"])[2:, 1].min() > drawn.height


@pytest.mark.parametrize("far", [1e30, -1e30])
def test_what_lies_far_outside_stays_near_the_frame(far):
    drawn = chart(Line(0, np.array([0.0, 10.0]), np.array([0.5, far])))
    assert abs(points(drawn.curves[0]["line"])).max() <= 2 * max(drawn.height, drawn.width)


@given(n=st.integers(1, 5000), data=st.data())
def test_long_lines_are_thinned_but_for_their_ends_and_marks(n, data):
    marked = data.draw(st.integers(0, n - 1))
    x = np.arange(n, dtype=float)
    line = Line(0, x, x**2, low=x**2 - 1, high=x**2 + 1, marks=[Mark(marked, "here")])
    thin = line.thinned()
    assert len(thin.x) <= MAX_POINTS + 1
    assert (thin.x[0], thin.x[-1], thin.x[thin.marks[0].index]) == (0, n - 1, marked)
    np.testing.assert_array_equal(thin.y, thin.x**2)
    np.testing.assert_array_equal(thin.high - thin.low, np.full(len(thin.x), 2))


def test_marks_and_what_was_lost_are_in_their_places():
    line = Line(0, np.array([0.0, 5.0]), np.array([0.25, 0.75]), marks=[Mark(1, "here", 5)])
    drawn = chart(line, lost=[(10.0, 1, "gone"), (10.0, 2, "too"), (5.0, 2, "middle")])
    (mark,) = drawn.curves[0]["marks"]
    assert (mark["x"], mark["y"]) == pytest.approx((drawn.width / 2, drawn.height / 4), abs=0.05)
    assert (mark["of"].text, mark["of"].radius) == ("here", 5)
    right, bottom = pytest.approx(drawn.width), drawn.height - 5.5
    assert drawn.crosses == [
        (right, bottom, 1, "gone"),
        (right, bottom - 11, 2, "too"),
        (pytest.approx(drawn.width / 2, abs=0.05), bottom, 2, "middle"),
    ]


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.92, 0.97, ["0.92", "0.93", "0.94", "0.95", "0.96", "0.97"]),
        (0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    ],
)
def test_labels_of_an_axis_have_equally_many_digits(low, high, labels):
    assert [label for _, label in chart(y=(low, high)).y_ticks] == labels


def test_epochs_are_whole():
    assert [label for _, label in chart(x=(0, 2), whole=True).x_ticks] == ["0", "1", "2"]
    assert "0.5" in [label for _, label in chart(x=(0, 2)).x_ticks]


@given(low=st.floats(-6, 3), decades=st.floats(0.01, 8))
def test_labels_below_the_frame_do_not_touch(low, decades):
    drawn = Chart("", "", LossAxis(low, low + decades, is_log=True), LossAxis(0, 1, is_log=False), [])
    ends = [(x - 3 * len(label), x + 3 * len(label)) for x, label in drawn.x_ticks]
    assert all(right < left for (_, right), (left, _) in zip(ends, ends[1:], strict=False))


def test_a_span_has_room_and_is_never_empty():
    assert span([1.0, 3.0], margin=0.1) == LossAxis(0.8, 3.2, is_log=False)
    assert span([0.01, 1.0], is_log=True) == LossAxis(-2, 0, is_log=True)
    assert span([2.0]) == LossAxis(1.5, 2.5, is_log=False)
