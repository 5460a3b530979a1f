"""Columns that show another point of the training than its end, and say so wherever they stand."""

from dataclasses import replace

import pytest

from ganablate.report.frames.earlier_record import with_earlier
from ganablate.report.frames.trials import trials_frame
from ganablate.report.table.render import to_markdown
from ganablate.study.points import Point
from ganablate.trials.folder import TrialFolder
from tests.support.synthetic_study import STAMP, analysed, make_plan, write_trial

FIDS = (40.0, 10.0, 30.0)  # after each quarter but the last
END = 20.0


@pytest.fixture
def plan():
    made = make_plan({"baseline": {}, "a": {"latent_dim": 10}}, replicates=2, metrics=("fid",))
    return replace(made, evaluations=4)


def write(root, plan, *, points=FIDS, numbers=None):
    for trial in plan.trials:
        write_trial(root, trial, numbers={"fid": END} if numbers is None else numbers)
        folder = TrialFolder(root, trial.trial_id)
        for part, number in enumerate(points, start=1):
            content = {"evaluated": ["fid"], "images_seen": part, "measured_ms": 1}
            found = {} if number is None else {"fid": number}
            folder.write_evaluation(part * 10, {**content, "numbers": found})
        folder.write_complete({**folder.complete, "planned_iterations": 40})


def showing(plan, *point):
    return replace(plan, points={"fid": Point(*point)})


@pytest.mark.parametrize(
    ("point", "number", "words"),
    [
        (("lowest",), 10.0, "lowest of 4 points"),
        (("mean_of_last", 2), 25.0, "mean of the last 2 of 4 points"),
        (("mean_of_last", 4), 25.0, "mean of the last 4 of 4 points"),
    ],
)
def test_number_title_and_protocol_say_the_same(plan, tmp_path, point, number, words):
    write(tmp_path, plan)
    plan = showing(plan, *point)
    analysis = analysed(plan, tmp_path)
    trials, table = analysis.trials, analysis.table
    assert trials["fid"].tolist() == [number] * 4
    assert set(trials["fid_protocol"]) == {f"{STAMP}, {words} of the training"}
    assert table["fid"].tolist() == [number] * 2
    text = to_markdown(analysis.columns, analysis.notes)
    assert f"**FID, {words} ↓**" in text
    assert f"FID, {words}: {STAMP}, {words} of the training." in " ".join(text.split())


def test_the_end_is_shown_without_a_word(plan, tmp_path):
    write(tmp_path, plan)
    trials = trials_frame(plan, tmp_path)
    assert (trials["fid"].tolist(), set(trials["fid_protocol"])) == ([END] * 4, {STAMP})
    assert plan.columns["fid"].title == "FID"


def test_a_point_that_is_missing_leaves_the_number_missing(plan, tmp_path):
    write(tmp_path / "gap", plan, points=(40.0, None, 30.0))
    write(tmp_path / "end", plan, numbers={})
    lowest, last_two = showing(plan, "lowest"), showing(plan, "mean_of_last", 2)
    assert trials_frame(lowest, tmp_path / "gap")["fid"].isna().all()
    assert trials_frame(last_two, tmp_path / "gap")["fid"].tolist() == [25.0] * 4
    assert trials_frame(lowest, tmp_path / "end")["fid"].isna().all()


def test_earlier_numbers_of_another_point_are_not_taken_for_it(plan, tmp_path):
    write(tmp_path / "there", plan)
    lowest = showing(plan, "lowest")
    for made, asked, shown in (
        (plan, lowest, "lowest of 4 points of the training"),
        (lowest, plan, "last point"),
        (
            lowest,
            showing(plan, "mean_of_last", 2),
            "mean of the last 2 of 4 points of the training",
        ),
    ):
        committed = trials_frame(made, tmp_path / "there")
        merged, notices = with_earlier(trials_frame(asked, tmp_path / "none"), committed, asked)
        assert merged["fid"].isna().all()
        assert notices == [
            f"4 earlier fid left out: not the {shown}; only the trials' folders have that"
        ]
        same, quiet = with_earlier(trials_frame(made, tmp_path / "none"), committed, made)
        assert (same["fid"].tolist(), quiet) == (committed["fid"].tolist(), [])
