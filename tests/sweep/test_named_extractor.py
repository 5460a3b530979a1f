"""A trial that two studies share is measured with the extractor of each; a missing one is told."""

import dataclasses
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganablate.catalog import NAMED_EXTRACTORS
from ganablate.metrics import evaluate as evaluate_module
from ganablate.metrics import weight_files
from ganablate.metrics.weight_files import weights_of
from ganablate.sweep.prepare import prepare_data
from ganablate.tracking.trial_copy import final_points
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import Measurements, measurements_of, missing, needs_run
from tests.support import stand_in_extractor
from tests.support.real_attempt import job_for, run
from tests.support.sweep_cases import plan as plan_of

LINE = NAMED_EXTRACTORS["inception"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, digits_cache: Path) -> Path:
    """Where the data lie, read once."""
    runs = tmp_path_factory.mktemp("runs")
    shutil.copytree(digits_cache, runs / "data")
    return runs


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    implementation = "tests.support.stand_in_extractor:see"
    changed = dataclasses.replace(LINE, implementation=implementation)
    monkeypatch.setitem(NAMED_EXTRACTORS, "inception", changed)
    monkeypatch.setattr(evaluate_module, "N_FAKE", 200)
    monkeypatch.setattr(evaluate_module, "N_REAL", 500)
    stand_in_extractor.asked.clear()
    yield
    stand_in_extractor.asked.clear()


@pytest.mark.usefixtures("stand_in")
def test_two_extractors_measure_one_trial_side_by_side(tmp_path: Path, runs: Path) -> None:
    first = job_for(tmp_path, runs / "data")
    run(first)
    folder = TrialFolder(first.trials_root, first.trial.trial_id)
    own = folder.metrics()
    assert own["evaluated"] == ["d_loss", "fid"]
    named = replace(first, wanted=Measurements(("fid.inception", "kid.inception", "d_loss")))
    assert missing(named.trial, named.trials_root, named.wanted.measured) == [
        "fid.inception", "kid.inception",
    ]  # fmt: skip
    assert needs_run(named.trial, named.wanted, named.trials_root, {})
    run(named)
    both = folder.metrics()
    assert both["evaluated"] == ["d_loss", "fid", "fid.inception", "kid.inception"]
    for kind in ("numbers", "protocols"):
        assert own[kind].items() <= both[kind].items()
        added = {"fid.inception", "kid.inception", "kid_error.inception"}
        assert both[kind].keys() - own[kind].keys() == added
    assert both["numbers"]["fid.inception"] != both["numbers"]["fid"]
    assert both["protocols"]["fid.inception"] == (
        "inception@6726825d, real 500 of 5000 train, fake 200, 299x299 bilinear of TensorFlow 1, "
        "float64, running statistics"
    )
    # The real images once; those of the trial, ten repeated ones and other real ones once each; all
    # where the weights are looked for.
    assert stand_in_extractor.asked == [
        (n, runs / "downloads", "cpu") for n in (500, 200, 200, 200)
    ]
    assert not needs_run(first.trial, first.wanted, first.trials_root, {})
    assert not needs_run(named.trial, named.wanted, named.trials_root, {})
    assert {"fid", "fid.inception"} <= {point.key for point in final_points(folder)}


@pytest.mark.usefixtures("stand_in")
def test_points_of_the_training_have_both(tmp_path: Path, runs: Path) -> None:
    job = job_for(tmp_path, runs / "data")
    wanted = Measurements(("fid", "fid.inception"), ((2, ("fid",)), (2, ("fid.inception",))))
    run(replace(job, wanted=wanted))
    (point,) = TrialFolder(job.trials_root, job.trial.trial_id).evaluations().values()
    assert sorted(point["numbers"]) == ["fid", "fid.inception"]


def test_plans_of_both_kinds_want_all_of_a_trial() -> None:
    own = replace(plan_of(["baseline"]), evaluations=2)
    named = replace(own, extractor="inception")
    (wanted,) = measurements_of([own, named]).values()
    assert wanted == Measurements(
        ("fid", "fid.inception"), ((2, ("fid",)), (2, ("fid.inception",)))
    )


def test_what_an_extractor_lacks_is_told_before_the_first_trial(
    tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights_of.cache_clear()
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(weight_files, "find_spec", lambda name: name)
    plan = replace(plan_of(["baseline"]), extractor="inception")
    _, problems = prepare_data([plan, replace(plan, extractor=None)], None, runs)
    (line,) = problems
    assert "\n" not in line
    assert f"{LINE.weights} is not in {runs / 'downloads' / 'inception'} or" in line
    (trial,) = plan.trials
    folder = TrialFolder(runs / "trials", trial.trial_id)
    folder.add_metrics(["fid.inception"], {}, {})
    folder.write_complete({"outcome": None})
    assert prepare_data([plan], None, runs)[1] == []  # nothing is left to measure
