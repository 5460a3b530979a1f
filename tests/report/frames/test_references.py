"""`references.csv`: made of what workers left, kept where that is gone, read as it was written."""

from dataclasses import replace

import pytest

from ganablate.catalog import FLOOR, TEN_IMAGES
from ganablate.report.analysis import read_record
from ganablate.report.frames.references import (
    NO_REFERENCES,
    References,
    local_references,
    read_references,
    references_csv,
)
from ganablate.report.frames.trials import trials_frame
from ganablate.trials.references import Reference, data_words
from tests.support.synthetic_study import STAMP, write_references

DATA = "mnist_5k 28x28"


@pytest.fixture
def root(three_arms, run_all):
    return run_all(three_arms, samples=False)


def test_the_lines_of_the_trials_protocol_are_found(three_arms, root):
    write_references(root, "fid", {"fid": (2.5, 131.25)})
    write_references(root, "modes", {"modes": (10.0, 10.0)}, fingerprint="e" * 64)  # of other data
    trials = trials_frame(three_arms, root)
    found = local_references(three_arms, trials, root, NO_REFERENCES)
    assert found.rows == (
        Reference(FLOOR, "fid", 2.5, DATA, STAMP, "halves of 2500"),
        Reference(TEN_IMAGES, "fid", 131.25, DATA, STAMP, "10, repeated to 5000"),
    )


def test_an_earlier_record_keeps_lines_that_are_not_here(three_arms, root):
    write_references(root, "fid", {"fid": (2.5, 131.25)})
    trials = trials_frame(three_arms, root)
    modes = Reference(FLOOR, "modes", 10.0, DATA, STAMP, "halves of 2500")
    earlier = References(
        (
            Reference(FLOOR, "fid", 99.0, DATA, STAMP, "halves of 2500"),
            modes,
            replace(modes, protocol="another"),
            replace(modes, data="mnist 28x28"),
        )
    )
    rows = local_references(three_arms, trials, root, earlier).rows
    assert [row.value for row in rows] == [2.5, 131.25, 10.0]
    assert rows[-1] == modes


def test_the_file_reads_as_it_was_written(tmp_path):
    path = tmp_path / "references.csv"
    row = Reference(FLOOR, "fid", 1 / 3, DATA, STAMP, "halves of 2500")
    references = References((row, replace(row, line=TEN_IMAGES, value=0.1 + 0.2)))
    text = references_csv(references)
    path.write_text(text)
    assert read_references(path) == references
    assert references_csv(read_references(path)) == text
    assert read_references(tmp_path / "none.csv") == NO_REFERENCES
    path.write_text(text.replace("protocol", "stamp"))
    with pytest.raises(ValueError, match="the column protocol is missing"):
        read_references(path)


def test_a_line_is_that_of_a_stamp_with_or_without_its_point(three_arms):
    config = three_arms.arms[0].config
    row = Reference(FLOOR, "fid", 2.5, data_words(config), STAMP, "halves of 2500")
    references = References((row,))
    assert references.find(FLOOR, "fid", config, STAMP) == row
    assert references.find(FLOOR, "fid", config, f"{STAMP}, lowest of 4 of the training") == row
    assert references.find(FLOOR, "fid", config, f"{STAMP}s") is None
    assert references.find(TEN_IMAGES, "fid", config, STAMP) is None
    assert references.find(FLOOR, "fid", three_arms.arms[0].config.model_copy(
        update={"image_size": 32}), STAMP) is None  # fmt: skip


def test_a_record_without_trials_has_what_its_file_says(three_arms, root, tmp_path):
    row = Reference(FLOOR, "fid", 2.5, DATA, "of trials that are not here", "halves of 2500")
    (tmp_path / "record").mkdir()
    (tmp_path / "record" / "references.csv").write_text(references_csv(References((row,))))
    assert read_record(three_arms, tmp_path / "record").references.rows == (row,)
    assert read_record(three_arms, tmp_path / "record", root).references == NO_REFERENCES
