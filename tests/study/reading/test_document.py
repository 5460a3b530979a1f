"""Values as a person means them, with their lines."""

from pathlib import Path

import pytest

from ganablate.study.reading.document import read_document, read_number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("2.0e-4", 2e-4),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-3", -3),
        ("+3", 3),
        ("60_000", 60_000),
        ("0", 0),
    ],
)
def test_numbers(text: str, value: float) -> None:
    read = read_number(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("text", ["010", "0x10", "1:30", "1__0", "nan", "inf", "1e999", "", "e4"])
def test_not_numbers(text: str) -> None:
    assert read_number(text) is None


def test_words_stay_text_and_lines_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text('\ufeffa: off\nb:\n  - yes\n  - "1"\n  - 1e-4\nc: true\nd: 2020-01-01\n')
    document = read_document(path)
    assert document.values == {
        "a": "off",
        "b": ["yes", "1", 1e-4],
        "c": True,
        "d": "2020-01-01",
    }
    assert document.faults == []
    assert document.line(("b",)) == 2
    assert document.line(("b", 1)) == 4
    assert document.line(("b", 1, "deeper")) == 4
    assert document.line(("elsewhere",)) == 1
