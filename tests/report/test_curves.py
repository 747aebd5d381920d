"""The plots are drawn to scale, whatever the values."""

import math

import numpy as np
import pytest

from pminusy.present import axes
from pminusy.report import curves
from pminusy.report.predictions import Bin


def test_a_curve_is_logarithmic():
    drawn = curves.curve(10.0 ** -np.arange(5.0))
    ys = [y for _, y in drawn.points]
    np.testing.assert_allclose(np.diff(ys), np.diff(ys)[0])
    assert np.diff(ys)[0] > 0  # smaller values lie lower on the page
    assert [tick.label for tick in drawn.y_ticks] == ["0.0001", "0.001", "0.01", "0.1", "1"]
    np.testing.assert_allclose([tick.at for tick in drawn.y_ticks], ys[::-1])
    assert (drawn.first, drawn.last) == (1.0, 1e-4)


def test_the_axis_below_counts_iterations_from_one():
    drawn = curves.curve(np.full(43, 0.5))
    assert [tick.label for tick in drawn.x_ticks] == ["1", "10", "20", "30", "40"]
    assert drawn.x_ticks[0].at == drawn.points[0][0]


def test_values_without_a_logarithm_are_counted_not_drawn():
    drawn = curves.curve(np.array([1.0, 0.0, np.nan, np.inf, -1.0, 0.1]))
    assert len(drawn.points) == 2
    assert drawn.left_out == 4
    assert "n" not in drawn.path
    assert curves.curve(np.zeros(3)).points == []
    assert curves.curve(np.empty(0)).points == []


def test_a_long_curve_keeps_its_ends():
    values = np.geomspace(1, 1e-9, 10_000)
    drawn = curves.curve(values)
    assert len(drawn.points) == curves.POINTS
    assert drawn.points[0][0] == drawn.left
    assert len(drawn.path) < 10_000


@pytest.mark.parametrize(
    "values",
    [
        [0.5],
        [0.5, 0.5],
        [0.6931472, 0.6931471],
        [1.0, math.nextafter(1.0, 2.0)],
        [5e-324, 1e-300],
        [1e308, 1e-308],
        [1.7e308, 1.0],
        [3.0, 2.0, 1.0],
    ],
)
def test_awkward_ranges_stay_inside_the_picture(values):
    drawn = curves.curve(np.array(values))
    for x, y in drawn.points:
        assert drawn.left <= x <= drawn.width
        assert 11 <= y <= drawn.bottom  # the margin above is 12
    assert len(drawn.y_ticks) <= 7
    for tick in drawn.y_ticks:
        assert 0 <= tick.at <= drawn.bottom
    assert len(drawn.x_ticks) <= 8


def test_a_narrow_range_still_has_marks():
    assert axes.log_ticks(0.61, 0.68) == pytest.approx([0.62, 0.64, 0.66, 0.68])
    assert axes.log_ticks(0.9, 6.0) == [1, 2, 5]
    assert axes.log_ticks(1e-12, 1.0) == pytest.approx([1e-12, 1e-9, 1e-6, 1e-3, 1.0])


def test_reliability_is_drawn_to_scale():
    plot = curves.reliability_diagram(
        [Bin(0.5, 0.6, 10, 0.55, 0.5, 0.25, 0.75), Bin(0.9, 1.0, 40, 1.0, 1.0, 0.9, 1.0)]
    )
    first, last = plot.dots
    assert (last.x, last.y) == (plot.right, plot.top)
    assert first.y == pytest.approx((plot.top + plot.bottom) / 2)
    assert first.lower > first.y > first.upper  # up the page is less
    assert last.bar_height == pytest.approx(4 * first.bar_height)
    assert last.bar_y + last.bar_height == pytest.approx(plot.floor)


def test_reliability_without_rows():
    assert curves.reliability_diagram([]).dots == []
