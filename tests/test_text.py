"""Lengths of time in words, and curves in a line of text."""

import math

import pytest

from ganablate.text import binned, duration, sparkline


def test_the_lowest_is_the_lowest_mark_and_the_highest_the_highest() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([7, 0, 7]) == "█▁█"
    assert sparkline([-1e-9, 0.0]) == "▁█"


def test_what_is_missing_is_a_dot_and_does_not_move_the_scale() -> None:
    assert sparkline([None, 1.0, math.nan, 2.0, math.inf]) == "·▁·█·"
    assert sparkline([None, None]) == "··"
    assert sparkline([]) == ""


def test_a_flat_curve_is_in_the_middle() -> None:
    assert sparkline([3.0, 3.0]) == "▅▅"


def test_two_lines_can_share_a_scale() -> None:
    low, high = [0.0, 1.0], [6.0, 7.0]
    assert (sparkline(low, high), sparkline(high, low)) == ("▁▂", "▇█")


@pytest.mark.parametrize(
    ("points", "parts"),
    [
        ([(0.0, 1.0), (1.0, 3.0)], [1.0, 1.0 + 2 / 3, 1.0 + 4 / 3, 3.0]),
        ([(0.0, 1.0), (0.1, 3.0), (0.3, 8.0)], [2.0, 8.0, None, None]),
        ([(0.5, 4.0)], [None, None, 4.0, None]),
        ([(0.0, 1.0), (0.3, math.nan), (0.6, 2.0)], [1.0, None, 2.0, None]),
        ([], [None] * 4),
    ],
)
def test_points_are_gathered_in_equal_parts(
    points: list[tuple[float, float]], parts: list[float | None]
) -> None:
    found = binned(points, 4)
    assert [one is None for one in found] == [one is None for one in parts]
    assert [one for one in found if one] == pytest.approx([one for one in parts if one])


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89, "89 s"), (90, "1 min 30 s"), (188, "3 min 10 s"), (179, "3 min"),
     (594, "9 min 50 s"), (596, "10 min"), (3540, "59 min"), (3600, "1 h 00 min"),
     (11100, "3 h 05 min")],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
