"""A study that names an extractor: its own numbers, its outcomes, and committed ones of another."""

from dataclasses import replace

import pytest

from ganablate.report.analysis import read_record
from ganablate.report.frames.curves import curves_csv
from ganablate.report.frames.trials import curves_frame, trials_csv, trials_frame
from ganablate.trials.folder import TrialFolder
from tests.support.synthetic_study import STAMP, analysed, make_plan, write_trial

METRICS = ("d_loss", "fid", "density_coverage")
NAMED = "inception@6726825d, real 5000 train, fake 5000"


@pytest.fixture
def plans(tmp_path):
    """One study measured by each data set's own extractor, and with Inception-v3."""
    arms = {"baseline": {"dataset": "celeba"}, "a": {"dataset": "celeba", "latent_dim": 10}}
    own = replace(make_plan(arms, replicates=2, metrics=METRICS), evaluations=2)
    for number, trial in enumerate(own.trials):
        write_trial(
            tmp_path, trial, numbers={"fid": 20.0 + number, "coverage": 0.5, "density": 1.0}
        )
        folder = TrialFolder(tmp_path, trial.trial_id)
        folder.add_metrics([], {}, {"coverage": STAMP, "density": STAMP})
        numbers = {"fid.inception": 200.0 + number, "coverage.inception": 0.25}
        folder.add_metrics(
            ["fid.inception", "density_coverage.inception"], numbers, dict.fromkeys(numbers, NAMED)
        )
        stamps = {"fid": STAMP, "fid.inception": NAMED}
        content = {"evaluated": ["fid"], "images_seen": 640, "measured_ms": 1, "protocols": stamps}
        folder.write_evaluation(
            10, {**content, "numbers": {"fid": 30.0 + number, "fid.inception": 300.0 + number}}
        )
        folder.write_complete({**folder.complete, "planned_iterations": 20})
    return own, replace(own, extractor="inception")


def test_each_study_reads_its_own_numbers_of_the_same_trials(plans, tmp_path):
    own, named = plans
    for plan, fids, during, stamp in (
        (own, [20.0, 21.0, 22.0, 23.0], 30.0, STAMP),
        (named, [200.0, 201.0, 202.0, 203.0], 300.0, NAMED),
    ):
        trials, curves = trials_frame(plan, tmp_path), curves_frame(plan, tmp_path)
        assert trials["fid"].tolist() == fids
        assert set(trials["fid_protocol"]) == {stamp}
        first = curves[
            (curves["trial_id"] == plan.trials[0].trial_id) & (curves["metric"] == "fid")
        ]
        assert first["value"].tolist() == [during, fids[0]]
    assert trials["density"].isna().all()  # never measured with it: not the own extractor's 1.0


def test_few_modes_are_judged_by_the_own_extractor_only(plans, tmp_path):
    own, named = plans
    assert set(trials_frame(own, tmp_path)["outcome"]) == {"ok"}
    analysis = analysed(named, tmp_path)
    assert analysis.trials["outcome"].isna().all()
    because = "no rule for few modes by features of inception was checked"
    assert set(analysis.trials["outcome_because"]) == {because}
    notes = " ".join(analysis.notes)
    assert f"Not assessed: 4 ({because})." in notes
    assert "collapsed:" not in notes


def test_committed_numbers_of_another_extractor_are_left_out(plans, tmp_path):
    committed = tmp_path / "results"
    committed.mkdir()
    names = "inception", "the data set's own extractor"
    for made, asked, name in zip(plans, plans[::-1], names, strict=True):
        (committed / "trials.csv").write_text(trials_csv(trials_frame(made, tmp_path)))
        (committed / "curves.csv").write_text(curves_csv(curves_frame(made, tmp_path)))
        read = read_record(asked, committed)
        assert read.trials[["fid", "fid_protocol"]].isna().all(axis=None)
        assert (read.trials["state"] == "complete").all()
        assert "fid" not in set(read.curves["metric"])
        notice = f"4 earlier fid left out: not measured with {name}; `ganablate run` does that"
        assert notice in read.notices
        read = read_record(made, committed)
        assert read.trials["fid"].notna().all()
        assert (read.curves["metric"] == "fid").sum() == 8
        (notice,) = read.notices
        assert "provenance.json has no sha256 of trials.csv and curves.csv" in notice
