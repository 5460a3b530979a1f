"""Digits of a mean follow its spread."""

import math

import pytest

from ganablate.report.table.cells import spread_text

NONE = math.nan


@pytest.mark.parametrize(
    ("mean", "sd", "text"),
    [
        (21.3149, 0.8871, "21.31 ± 0.89"),
        (419.4, 39.2, "419 ± 39"),
        (0.69314, 0.0996, "0.69 ± 0.10"),
        (12345.6, 234.5, "12350 ± 230"),
        (-0.004, 0.25, "0.00 ± 0.25"),
        (-1.26, 0.3, "-1.26 ± 0.30"),
        (10.0, 0.0, "10 ± 0"),
        (9.8765432, 0.0, "9.877 ± 0"),
        (21.30187, NONE, "21.30"),
        (0.5, NONE, "0.5"),
        (0.0, NONE, "0"),
        (0.0, 0.0, "0 ± 0"),
        (1.234e-5, 2.1e-7, "(1.234 ± 0.021)\u00d710^-5"),
        (3.5e7, 1.2e6, "(3.50 ± 0.12)\u00d710^7"),
        (2.0e-9, NONE, "2\u00d710^-9"),
    ],
)
def test_digits(mean, sd, text):
    assert spread_text(mean, sd) == text
