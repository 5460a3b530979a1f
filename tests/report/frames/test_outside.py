"""Runs that another program trained: what is read of a csv file, and what is asked of it."""

import re
from pathlib import Path

import numpy as np
import pytest

from ganablate.report.frames.outside import (
    Asked,
    OutsideRun,
    OutsideRunsError,
    outside_trials,
)
from ganablate.report.frames.outside_csv import read_runs

ROWS = ("arm,replicate,FID,recall,note", "full,0,10.5,0.4,a", "full,1,11,,b", "thin,0,12,0.3,")
RUNS = [OutsideRun("1", "full", 0, {"FID": 10.0, "clarity": 1.0})]


def written(folder: Path, *lines: str) -> Path:
    path = folder / "runs.csv"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def test_runs_are_read_as_they_stand(tmp_path: Path) -> None:
    runs, notices = read_runs(written(tmp_path, *ROWS))
    assert runs[1] == OutsideRun("runs.csv:3", "full", 1, {"FID": 11.0, "recall": None})
    assert [run.arm for run in runs] == ["full", "full", "thin"]
    assert len(notices) == 1
    assert "note: left out" in notices[0]


@pytest.mark.parametrize(
    ("lines", "messages"),
    [
        ((), ["is empty"]),
        (ROWS[:1], ["has no row below its header"]),
        (("Arm,seed,fid", "a,0,1"), ["did you mean Arm?", '"replicate" is not a column']),
        (("arm,replicate,fid,fid", "a,0,1,2"), [":1: the column \"fid\" is there 2 times"]),
        (("arm,replicate", "a,0"), ["no column with numbers"]),
        ((*ROWS, "thin,1,n/a,0.3,"), [':5: FID is "n/a", not a number']),
        ((*ROWS, "thin,1,3", ",x,3,4,5"), [":5: 3 cells, where the header has 5",
            ":6: the arm has no name", ':6: replicate is "x"; a whole number']),
        ((*ROWS, "full,1,3,4,"), [":5: replicate 1 of the arm full stands in line 3 too"]),
    ],
    ids=["empty", "header", "columns", "twice", "numbers", "text", "cells", "duplicate"],
)  # fmt: skip
def test_mistakes_of_a_file_are_told_at_their_lines(
    tmp_path: Path, lines: tuple[str, ...], messages: list[str]
) -> None:
    with pytest.raises(OutsideRunsError) as caught:
        read_runs(written(tmp_path, *lines))
    told = str(caught.value).splitlines()
    for message in messages:
        assert any(message in line for line in told), told
    assert all("runs.csv" in line for line in told)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Asked(["ful"]), '--baseline: "ful" is not an arm there; did you mean full?'),
        (Asked(["full", "thin"]), "--baseline: full, thin are 2; name one"),
        (Asked(), "--baseline: which arm"),
        (Asked(["full"], ["fidd"]), "--primary: "),
        (Asked(["full"], lower=["clarty"]), "--lower: "),
        (Asked(["full"], lower=["clarity"], higher=["clarity"]), "cannot be better both ways"),
    ],
)
def test_what_is_asked_has_to_fit_the_runs(asked: Asked, message: str) -> None:
    with pytest.raises(OutsideRunsError, match=re.escape(message)):
        outside_trials("runs", RUNS, asked)


def test_no_direction_is_guessed() -> None:
    runs = [OutsideRun("1", "full", 0, {"clarity": 1.0})]
    with pytest.raises(OutsideRunsError, match="which way is better"):
        outside_trials("runs", runs, Asked(["full"]))
    design, _, _ = outside_trials("runs", runs, Asked(["full"], higher=["clarity"]))
    assert (design.primaries, design.columns["clarity"].direction) == (("clarity",), "max")


def test_columns_of_the_catalog_are_known_by_name_and_by_title() -> None:
    numbers = {"Inception score": 8.0, "FID": 9.0, "Precision": 0.5}
    design, trials, _ = outside_trials(
        "runs", [OutsideRun("1", "full", 0, numbers)], Asked(["full"])
    )
    assert list(design.columns) == ["inception_score", "fid", "sample_precision"]
    assert [column.direction for column in design.columns.values()] == ["max", "min", "max"]
    assert design.primaries == ("fid",)
    assert trials["fid"].tolist() == [9.0]
    with pytest.raises(OutsideRunsError, match='"FID" and "fid" are both FID'):
        outside_trials("r", [OutsideRun("1", "full", 0, {"FID": 1.0, "fid": 1.0})], Asked(["full"]))


def test_a_number_that_is_not_finite_is_missing_and_told() -> None:
    runs = [OutsideRun(str(n), "full", n, {"fid": x}) for n, x in enumerate((1.0, np.inf, np.nan))]
    _, trials, notices = outside_trials("runs", runs, Asked(["full"]))
    assert trials["fid"].notna().tolist() == [True, False, False]
    assert notices[0].startswith("fid: 2 numbers not finite")
