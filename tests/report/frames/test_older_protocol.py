"""A report does not mix numbers of today's protocol with older ones."""

from dataclasses import replace

import pytest

from ganablate.catalog import weights_stamp
from ganablate.report.analysis import read_record
from ganablate.report.frames.curves import curves_csv
from ganablate.report.frames.trials import curves_frame, trials_csv, trials_frame
from ganablate.trials.folder import TrialFolder
from tests.support.synthetic_study import make_plan, write_trial

REST = ", real 5000 of 5000 train, fake 5000, 28x28 bilinear, float64, running statistics"
NOW, OLDER = weights_stamp("mnist_classifier") + REST, "mnist_classifier@2b10d600" + REST


@pytest.fixture
def plan():
    arms = {"baseline": {}, "a": {"latent_dim": 10}}
    return replace(make_plan(arms, replicates=2, metrics=("d_loss", "fid")), evaluations=2)


def write(root, trial, stamp, fid, **point):
    facts = {"planned_iterations": 20}
    write_trial(root, trial, numbers={"fid": fid}, stamp=stamp, updates=20, facts=facts)
    folder = TrialFolder(root, trial.trial_id)
    content = {"evaluated": ["fid"], "images_seen": 640, "measured_ms": 1, "numbers": {"fid": 30.0}}
    folder.write_evaluation(10, content | point)


def record_of(plan, made, folder):
    """A record of trials whose folders lie in `made`."""
    folder.mkdir()
    (folder / "trials.csv").write_text(trials_csv(trials_frame(plan, made)))
    (folder / "curves.csv").write_text(curves_csv(curves_frame(plan, made)))
    return folder


def test_a_record_of_older_numbers_alone_is_as_it_is(plan, tmp_path):
    for trial in plan.trials:
        write(tmp_path / "then", trial, OLDER, 20.0)
    folder = record_of(plan, tmp_path / "then", tmp_path / "record")
    read = read_record(plan, folder)
    assert read.trials["fid"].tolist() == [20.0] * 4
    assert read.curves[read.curves["metric"] == "fid"]["value"].tolist() == [30.0, 20.0] * 4
    assert not any("left out" in text for text in read.notices)


def test_older_numbers_give_way_to_any_of_today(plan, tmp_path):
    for trial in plan.trials:
        write(tmp_path / "then", trial, OLDER, 20.0)
    folder = record_of(plan, tmp_path / "then", tmp_path / "record")
    last = plan.trials[-1]
    write(tmp_path / "here", last, NOW, 90.0, protocols={"fid": NOW})
    read = read_record(plan, folder, tmp_path / "here")
    assert read.trials["fid"].fillna(-1).tolist() == [-1, -1, -1, 90.0]
    assert read.trials["fid_protocol"].dropna().tolist() == [NOW]
    curves = read.curves[read.curves["metric"] == "fid"]
    assert curves["trial_id"].tolist() == [last.trial_id] * 2
    assert (read.trials["state"] == "complete").all()
    (notice,) = [text for text in read.notices if "older fid" in text]
    assert notice.startswith("3 older fid left out")


@pytest.mark.parametrize(
    ("point", "kept"),
    [({}, []), ({"protocols": {"fid": OLDER}}, []), ({"protocols": {"fid": NOW}}, [30.0])],
)
def test_a_point_of_another_protocol_than_the_end_is_missing(plan, tmp_path, point, kept):
    trial = plan.trials[0]
    write(tmp_path, trial, NOW, 90.0, **point)
    curves = curves_frame(plan, tmp_path)
    assert curves[curves["metric"] == "fid"]["value"].tolist() == [*kept, 90.0]
