"""Digits of a mean follow its spread."""

import math

import pytest

from ganablate.report.table.cells import Rounded, round_to_spread

NONE = math.nan


@pytest.mark.parametrize(
    ("mean", "sd", "expected"),
    [
        (21.3149, 0.8871, Rounded("21.31", "0.89", None)),
        (419.4, 39.2, Rounded("419", "39", None)),
        (0.69314, 0.0996, Rounded("0.69", "0.10", None)),
        (12345.6, 234.5, Rounded("12350", "230", None)),
        (-0.004, 0.25, Rounded("0.00", "0.25", None)),
        (-1.26, 0.3, Rounded("-1.26", "0.30", None)),
        (10.0, 0.0, Rounded("10", "0", None)),
        (9.8765432, 0.0, Rounded("9.877", "0", None)),
        (21.30187, NONE, Rounded("21.30", None, None)),
        (0.5, NONE, Rounded("0.5", None, None)),
        (0.0, NONE, Rounded("0", None, None)),
        (0.0, 0.0, Rounded("0", "0", None)),
        (1.234e-5, 2.1e-7, Rounded("1.234", "0.021", -5)),
        (3.5e7, 1.2e6, Rounded("3.50", "0.12", 7)),
        (2.0e-9, NONE, Rounded("2", None, -9)),
    ],
)
def test_digits(mean, sd, expected):
    assert round_to_spread(mean, sd) == expected
