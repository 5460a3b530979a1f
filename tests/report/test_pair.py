"""Two arms judged for a program (`compare --assert`, `ganablate.compare`), and reports as JSON."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind

import ganablate
from ganablate.report.analysis import read_results
from ganablate.report.facts import JudgedEffect, Number, report_facts
from ganablate.report.show.pair import Judged, Pair, Side
from ganablate.report.stats.effects import EQUIVALENT, ONE, OPEN
from ganablate.report.stats.working import NOT_WORKING
from ganablate.study.load import load_study
from tests.support.command import invoke
from tests.support.fences import ROOT
from tests.support.synthetic_study import analysed, make_plan

STUDY = "studies/quickstart.yaml"
RECORD = ROOT / "results" / "published" / "quickstart" / "full"


@pytest.fixture(autouse=True)
def _in_the_clone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def a_pair(verdict, *, direction="min", scale="ratio", ends=(0.9, 1.1), planned=5) -> Pair:
    number = Number(20.0, 1.0, 5, None)
    effect = JudgedEffect(1.0, *ends, 0.95, scale, 0.1, 0.5, 0.5, None, verdict)
    judged = Judged("fid", "FID", "units", direction, number, number, effect, None)
    sides = [Side(name, planned, 5, None) for name in ("baseline", "norm=none")]
    return Pair("s", "full", sides[0], sides[1], 0.95, "study", (judged,))


@pytest.mark.parametrize(
    ("pair", "held"),
    [
        (a_pair("better"), {"better", "not-worse"}),
        (a_pair(EQUIVALENT, ends=(0.8, 1.3)), {"equivalent", "not-worse"}),
        (a_pair(OPEN, ends=(0.5, 1.24)), {"not-worse"}),
        (a_pair(OPEN, ends=(0.9, 1.26)), set()),
        (a_pair(OPEN, ends=(0.81, 1.9), direction="max"), {"not-worse"}),
        (a_pair(OPEN, ends=(0.79, 1.1), direction="max"), set()),
        (a_pair(OPEN, ends=(-0.2, 0.0), scale="difference"), {"not-worse"}),
        (a_pair(OPEN, ends=(-0.01, 0.2), scale="difference", direction="max"), set()),
        (a_pair("worse", ends=(1.01, 1.1)), set()),
        (a_pair("worse (fails)", ends=(None, None)), set()),
        (a_pair(OPEN, ends=(None, None)), set()),
        (a_pair(ONE, ends=(None, None)), set()),
        (a_pair(NOT_WORKING), set()),
        (a_pair("lower", direction="none"), set()),
        (a_pair("better", planned=6), set()),
    ],
)
def test_what_a_verdict_and_its_interval_show(pair: Pair, held: set[str]) -> None:
    answers = [pair.judge(asked) for asked in ("better", "equivalent", "not-worse")]
    assert {answer.asked for answer in answers if answer.holds} == held
    assert all(answer.because.startswith(f'"{answer.asked}" ') for answer in answers)


def test_it_has_to_hold_in_every_metric() -> None:
    pair = a_pair("better")
    both = replace(pair, metrics=pair.metrics + a_pair(OPEN, ends=(0.5, 2.0)).metrics)
    assert not both.judge("better").holds
    with pytest.raises(ValueError, match="did you mean better"):
        pair.judge("bettr")


def test_what_the_study_compares_has_its_correction_in_either_order() -> None:
    effects = ganablate.effects(STUDY, published=True).set_index(["column", "arm"])
    pair = ganablate.compare(STUDY, "baseline", "norm=none", published=True)
    back = ganablate.compare(STUDY, "norm=none", "baseline", published=True)
    assert (pair.corrected_over, back.corrected_over) == ("study", "study")
    for there, here in zip(pair.metrics, back.metrics, strict=True):
        row = effects.loc[(there.metric, "norm=none")]
        assert there.against.p == here.against.p == row["effect_p"]
        assert (there.against.low, there.verdict) == (row["effect_low"], row["verdict"])
        assert here.verdict == "better"


def test_two_other_arms_are_corrected_over_their_own_metrics() -> None:
    trials = pd.read_csv(RECORD / "trials.csv").set_index("arm")
    ours, theirs = trials.loc["latent_dim=10"], trials.loc["norm=none"]
    fid = ttest_ind(np.log(ours["fid"]), np.log(theirs["fid"]), equal_var=False)
    recall = ttest_ind(ours["recall"], theirs["recall"], equal_var=False)
    ends = fid.confidence_interval(0.95)
    smaller = 2 * min(fid.pvalue, recall.pvalue)
    expected = [
        smaller if p == min(fid.pvalue, recall.pvalue) else max(p, smaller)
        for p in (fid.pvalue, recall.pvalue)
    ]
    pair = ganablate.compare(STUDY, "norm=none", "latent_dim=10", published=True)
    found = [judged.against.p for judged in pair.metrics]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    first = pair.metrics[0].against
    np.testing.assert_allclose([first.low, first.high], np.exp([ends.low, ends.high]), rtol=1e-9)
    alone = ganablate.compare(STUDY, "norm=none", "latent_dim=10", metric="fid", published=True)
    assert alone.metrics == pair.metrics[:1]
    assert pair.corrected_over == "pair"


def test_nothing_is_shown_of_quality_against_a_baseline_that_does_not_work() -> None:
    study = "studies/mnist_ablation.yaml"
    pair = ganablate.compare(study, "baseline", "batch_size=32", published=True)
    answer = pair.judge("not-worse")
    assert not answer.holds
    assert NOT_WORKING in answer.because
    assert pair.metrics[0].note in answer.because


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["norm=none", "baseline", STUDY, "--assert", "better"], 0),
        (["baseline", "norm=none", STUDY, "--assert", "better"], 3),
        (["baseline", "norm=none", STUDY, "--assert", "best"], 2),
        (["baseline", "norm=none", STUDY, "--assert", "better", "--metric", "fidd"], 2),
        (["baseline", "norm=none", STUDY, "--metric", "fid"], 2),
        (["baseline/0", "norm=none", STUDY, "--json"], 2),
    ],
)
def test_a_script_is_told_by_the_exit_code(arguments: list[str], code: int) -> None:
    found, out, err = invoke("compare", *arguments, "--published")
    assert found == code
    last = (err if code == 2 else out).splitlines()[-1]
    assert last.startswith('"better" is') or code == 2


def test_both_print_json_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("baseline", "norm=none", STUDY, "--published", "--json", "--assert", "equivalent")
    code, out, err = invoke("compare", *arguments)
    facts = json.loads(out, parse_constant=pytest.fail)
    assert (code, facts["assertion"]["holds"]) == (3, False)
    assert err.strip() == facts["assertion"]["because"]
    monkeypatch.chdir(tmp_path)
    code, out, _ = invoke("report", str(ROOT / STUDY), "--json")
    assert (code, json.loads(out)) == (0, [])


def test_a_report_has_the_numbers_of_its_table() -> None:
    analysis = read_results(load_study(ROOT / STUDY), "full", root=RECORD.parents[1])
    table = pd.read_csv(RECORD / "table.csv").set_index("arm")
    for arm in report_facts(analysis)["arms"][1:]:
        found = arm["metrics"]["recall"]
        row = table.loc[arm["arm"]]
        assert found["mean"] == pytest.approx(row["recall"], rel=1e-12)
        assert found["against"]["p"] == pytest.approx(row["recall_effect_p"], rel=1e-9)
        assert found["against"]["verdict"] == row["recall_verdict"]


def test_what_is_missing_is_null(tmp_path: Path) -> None:
    plan = make_plan({"baseline": {}, "d_dropout=0.0": {"d_dropout": 0.0}})
    facts = json.loads(json.dumps(report_facts(analysed(plan, tmp_path)), allow_nan=False))
    assert facts["arms"][1]["metrics"]["fid"] == {
        "mean": None, "sd": None, "n": 0, "protocol": None, "mark": None,
        "against": dict.fromkeys(facts["arms"][1]["metrics"]["fid"]["against"])
        | {"level": 0.95, "scale": "ratio"},
    }  # fmt: skip
