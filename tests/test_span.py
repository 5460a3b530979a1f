"""Lengths of time in words."""

import pytest

from ganablate.text import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89, "89 s"), (90, "1 min 30 s"), (188, "3 min 10 s"), (179, "3 min"),
     (594, "9 min 50 s"), (596, "10 min"), (3540, "59 min"), (3600, "1 h 00 min"),
     (11100, "3 h 05 min")],
)  # fmt: skip
def test_spans(seconds: float, text: str) -> None:
    assert duration(seconds) == text
