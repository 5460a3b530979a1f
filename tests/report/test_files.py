"""A report is taken as it lies there only if nothing that it is made of has changed."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ganablate.report.build import build_report
from ganablate.report.files import made_of, recalled, remember
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.trials.folder import TrialFolder
from tests.support.synthetic_study import (
    numbers_of,
    three_arms_plan,
    write_all,
    write_references,
    write_trial,
)

ROOT = Path(__file__).parents[2]
PLAN = three_arms_plan()
LAST = PLAN.trials[-1]
NUMBERS = numbers_of(np.random.default_rng(0))


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("once")
    write_all(PLAN, folder / "runs" / "trials", skip={LAST.trial_id})
    return folder, build_report(PLAN, **roots(folder))


@pytest.fixture
def built(once, tmp_path):
    """A folder of the test's own, with what is kept of a report that was written there."""
    own = shutil.copytree(once[0], tmp_path / "own")
    report = replace(once[1], folder=result(own, ""))
    remember(report, source_of(PLAN, own), PLAN, roots(own)["trials_root"])
    return own


def source_of(plan, folder):
    trials, results = roots(folder).values()
    return made_of(plan, trials, results / "published" / plan.study / plan.budget)


def roots(folder):
    return {"trials_root": folder / "runs" / "trials", "results_root": folder / "results"}


def unchanged(plan, folder):
    """The report there if it is unchanged."""
    trials, results = roots(folder).values()
    return recalled(source_of(plan, folder), plan, trials, results / plan.study / plan.budget)


def trial(folder):
    return TrialFolder(folder / "runs" / "trials", PLAN.trials[0].trial_id)


def result(folder, name):
    return folder / "results" / PLAN.study / PLAN.budget / name


def test_it_is_the_report_that_was_written(once):
    folder, report = once
    assert unchanged(PLAN, folder) == replace(report, unchanged=True)
    assert any(sentence.kind for sentence in report.sentences)


CHANGES = {
    "a number": lambda f: trial(f).add_metrics([], {"fid": 1.0}, {}),
    "a number, by hand": lambda f: (trial(f).path / "metrics.json").write_text("{}"),
    "a measuring during the training": lambda f: trial(f).write_evaluation(7, {}),
    "another attempt": lambda f: trial(f).begin_attempt({}),
    "a trial less": lambda f: shutil.rmtree(trial(f).path),
    "a trial more": lambda f: write_trial(
        f / "runs" / "trials", LAST, numbers=numbers_of(np.random.default_rng(0))
    ),
    "reference lines": lambda f: write_references(
        f / "runs" / "trials", "fid", {"fid": (2.0, 131.0)}
    ),
    "a table, by hand": lambda f: result(f, "table.md").write_text("better"),
    "earlier numbers": lambda f: result(f, "curves.csv").touch(),
    "a published record": lambda f: shutil.copytree(
        result(f, ""), f / "results" / "published" / PLAN.study / PLAN.budget
    ),
    "a picture less": lambda f: result(f, "figures/losses.png").unlink(),
    "no page": lambda f: result(f, "report.html").unlink(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_any_change_has_it_written_again(built, change, tmp_path):
    assert unchanged(PLAN, tmp_path / "none") is None
    assert unchanged(PLAN, built) is not None
    change(built)
    assert unchanged(PLAN, built) is None


@pytest.mark.parametrize(
    "change",
    [
        {"asks": "something else"}, {"trials": PLAN.trials[:-1]}, {"arms": PLAN.arms[:-1]},
        {"primaries": ("fid", "recall")},
    ],
)  # fmt: skip
def test_another_plan_has_it_written_again(once, change):
    assert unchanged(replace(PLAN, **change), once[0]) is None


def test_notices_are_said_again(built):
    shutil.rmtree(trial(built).path / "samples", ignore_errors=True)
    (trial(built).path / "samples.npy").unlink()
    report = build_report(PLAN, **roots(built))
    assert "samples.png stays as it is" in report.notices[0]
    assert unchanged(PLAN, built) is None


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"files": 1}'])
def test_a_damaged_record_counts_as_none(built, damage):
    (record,) = (built / "runs" / "records").glob("report-*.json")
    record.write_text(damage)
    assert unchanged(PLAN, built) is None


def of_each_study() -> str:
    """What a plan of each study of the project is, a line each, at its smallest budget."""
    return "\n".join(
        f"{path.name} {made_of(expand(load_study(path), 'smoke'), Path('no'), Path('no'))}"
        for path in sorted((ROOT / "studies").glob("*.yaml"))
    )


def test_a_plan_reads_the_same_in_every_process():
    """No address and no order of a set is in what is compared."""
    here = of_each_study()
    call = "from tests.report.test_files import of_each_study; print(of_each_study())"
    there = subprocess.run(
        [sys.executable, "-c", call], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONHASHSEED": "1"},
    ).stdout.rstrip()  # fmt: skip
    assert there == here
    assert here.count("\n") > 10
