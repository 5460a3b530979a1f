"""Lengths of time in words, and curves in a line of text."""

import math
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganablate.text import aligned, binned, duration, seconds_of, sparkline


@pytest.mark.parametrize(
    ("values", "among", "text"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], (), "▁▂▃▄▅▆▇█"),
        ([7, 0, 7], (), "█▁█"),
        ([-1e-9, 0.0], (), "▁█"),
        ([None, 1.0, math.nan, 2.0, math.inf], (), "·▁·█·"),  # what is missing moves no scale
        ([None, None], (), "··"),
        ([], (), ""),
        ([3.0, 3.0], (), "▅▅"),
        ([0.0, 1.0], [6.0, 7.0], "▁▂"),  # two lines share a scale
        ([6.0, 7.0], [0.0, 1.0], "▇█"),
    ],
)
def test_a_curve_goes_from_the_lowest_mark_to_the_highest(
    values: list[float | None], among: Sequence[float], text: str
) -> None:
    assert sparkline(values, among) == text


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
    means = binned(points, 4)
    assert [math.nan if x is None else x for x in means] == pytest.approx(
        [math.nan if x is None else x for x in parts], nan_ok=True
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89, "89 s"), (90, "1 min 30 s"), (188, "3 min 10 s"), (179, "3 min"),
     (594, "9 min 50 s"), (596, "10 min"), (3540, "59 min"), (3600, "1 h 00 min"),
     (11100, "3 h 05 min")],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2h", 7200), ("90m", 5400), ("1h30m", 5400), (" 5400S ", 5400), ("1h1m1s", 3661), ("0s", 0)],
)
def test_a_length_of_time_is_read(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", " ", "2", "2x", "1.5h", "30m1h", "-1h", "h", "1h 30m", "٢h"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="such as 2h, 90m, 1h30m or 5400s"):
        seconds_of(text)


_WORD = st.text("abcdefgh.=[]", min_size=1, max_size=24)
_CELL = st.lists(_WORD, max_size=5).map(" ".join)


@pytest.mark.parametrize("width", [40, 60, 80])
@given(data=st.data())
def test_no_cell_of_a_table_is_split_within_a_word(width: int, data: st.DataObject) -> None:
    row = st.lists(_CELL, min_size=(columns := data.draw(st.integers(2, 6))), max_size=columns)
    rows = data.draw(st.lists(row, min_size=1, max_size=5))
    right = data.draw(st.sets(st.integers(1, columns - 1)))
    lines = aligned(rows, right=right, width=width)
    assert all(len(line) <= width for line in lines)
    words = Counter(" ".join(cell for row in rows for cell in row[1:]).split())
    assert words <= Counter(" ".join(lines).split())


def test_a_wide_table_is_set_in_blocks_that_begin_with_the_names() -> None:
    rows = [
        ["arm", "FID", "effect", "why"],
        ["baseline", "16.77 ± 0.72", "", ""],
        ["activation=sigmoid", "26.6 ± 1.1", "x1.58 [1.44, 1.75]", "a text that takes more lines"],
    ]
    assert aligned(rows, right=[1], width=40) == [
        "arm                          FID",
        "baseline            16.77 ± 0.72",
        "activation=sigmoid    26.6 ± 1.1",
        "",
        "arm                 effect",
        "activation=sigmoid  x1.58 [1.44, 1.75]",
        "",
        "arm             why",
        "activation=si…  a text that takes more",
        "                lines",
    ]
