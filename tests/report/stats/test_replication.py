"""A local record beside the published one: whether it is the same again, arm by arm."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from ganablate.report.analysis import read_record
from ganablate.report.build import build_report
from ganablate.report.stats.replication import replication
from ganablate.report.table.sections import (
    replication_notes,
    replication_section,
    replication_sentence,
)
from ganablate.study.plan import Plan
from tests.support.synthetic_study import make_plan, numbers_of, write_trial

ARMS = {"baseline": {}, "alike": {"latent_dim": 90}, "moved": {"latent_dim": 80}}
PLAN = make_plan(ARMS, replicates=5)
WIDE = make_plan(ARMS | {"new": {"latent_dim": 70}}, replicates=5)


def fids(arm: str, *, local: bool) -> list[float]:
    """Five FIDs around 20; those of `moved` are twice as high here, `baseline` is noisy."""
    random = np.random.default_rng([len(arm), local])
    sd = 0.4 if arm == "baseline" else 0.02
    middle = 40.0 if local and arm == "moved" else 20.0
    noise = random.normal(size=5)
    return [float(value) for value in middle * np.exp(sd * (noise - noise.mean()))]


def write(root, plan: Plan, *, local: bool, facts=None, **settings) -> None:
    for trial in plan.trials:
        numbers = numbers_of(np.random.default_rng(int(trial.trial_id[:8], 16)))
        numbers["fid"] = fids(trial.arm, local=local)[trial.replicate]
        own = {} if facts is None else {"facts": facts(trial)}
        write_trial(root / "runs" / "trials", trial, numbers=numbers, **own, **settings)


def record(root, plan: Plan):
    return build_report(
        plan, trials_root=root / "runs" / "trials", results_root=root / "results"
    ).folder


def compared(plan: Plan, here, published):
    reading = read_record(plan, here / "nothing", here / "runs" / "trials")
    return replication(reading, None, published)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    write(folder, PLAN, local=False)
    return record(folder, PLAN)


@pytest.fixture
def here(tmp_path):
    write(tmp_path, PLAN, local=True)
    return tmp_path


def test_effects_are_welchs_on_logs_and_p_is_holms(here, published):
    replicated = compared(PLAN, here, published)
    assert (replicated.scale, replicated.equal) == ("ratio", False)
    found = {row.arm: row for row in replicated.arms}
    verdicts = {name: row.verdict for name, row in found.items()}
    assert verdicts == {"baseline": "cannot tell", "alike": "agrees", "moved": "differs"}
    alone, equivalent = {}, {}
    for arm in ARMS:
        ours, theirs = (np.log(fids(arm, local=local)) for local in (True, False))
        test = stats.ttest_ind(ours, theirs, equal_var=False)
        effect = found[arm].effect
        assert effect.estimate == pytest.approx(math.exp(ours.mean() - theirs.mean()), rel=1e-12)
        low, high = test.confidence_interval(0.95)
        assert (effect.low, effect.high) == pytest.approx((math.exp(low), math.exp(high)), rel=1e-9)
        alone[arm] = test.pvalue
        margin = math.log(1.25)
        sides = (
            stats.ttest_ind(ours + margin, theirs, equal_var=False, alternative="greater"),
            stats.ttest_ind(ours - margin, theirs, equal_var=False, alternative="less"),
        )
        equivalent[arm] = max(side.pvalue for side in sides)
    for ps, name in ((alone, "p"), (equivalent, "equivalence_p")):
        largest = 0.0
        for rank, arm in enumerate(sorted(ps, key=ps.__getitem__)):
            largest = max(largest, min(1.0, ps[arm] * (len(ps) - rank)))
            assert getattr(found[arm].effect, name) == pytest.approx(largest, rel=1e-9), arm


def test_the_same_trainings_are_called_so_and_not_tested(tmp_path, published):
    write(tmp_path, PLAN, local=False)
    found = compared(PLAN, tmp_path, published)
    assert {row.verdict for row in found.arms} == {"the same numbers"}
    assert found.equal
    assert all(row.effect.p is None and row.effect.low is None for row in found.arms)
    assert "the published ones again" in replication_sentence(found).text


def test_the_published_trainings_themselves_replicate_nothing(tmp_path, published):
    """A record that was published from here, and grew by a replicate since."""
    write(tmp_path, PLAN, local=False, facts=lambda trial: {"finished_ms": trial.replicate})
    folder = record(tmp_path, PLAN)
    local = read_record(PLAN, folder, tmp_path / "runs" / "trials")
    facts = json.loads((folder / "provenance.json").read_text())
    assert replication(local, facts, folder) is None
    for trial in PLAN.trials:
        if trial.replicate == 4:
            facts["trials"][trial.trial_id]["finished_ms"] = 99
    found = replication(local, facts, folder)
    assert [row.local.n for row in found.arms] == [1, 1, 1]


def test_arms_of_one_record_alone_have_no_verdict(tmp_path, published):
    write(tmp_path, WIDE, local=True)
    found = compared(WIDE, tmp_path, published)
    assert [row.verdict for row in found.arms][3:] == [None]
    few = make_plan({"baseline": {}}, replicates=5)
    assert [row.arm for row in compared(few, tmp_path, published).arms] == ["baseline"]


def test_other_settings_and_other_protocols_are_not_compared(tmp_path, published):
    other = make_plan({"baseline": {"g_width": 8}, "alike": {"latent_dim": 90}}, replicates=5)
    trials = tuple(
        replace(trial, trial_id=trial.trial_id[::-1]) if trial.arm == "baseline" else trial
        for trial in other.trials
    )
    other = replace(other, trials=trials)
    write(tmp_path, other, local=True, stamp="another extractor")
    found = {row.arm: row for row in compared(other, tmp_path, published).arms}
    assert found["baseline"].verdict == "other settings"
    assert found["alike"].verdict == "other protocol"
    assert all(row.effect.estimate is None for row in found.values())


def test_one_replicate_is_not_tested_and_a_diverged_one_is_ranked(tmp_path, published):
    one = make_plan(ARMS, replicates=1)
    write(tmp_path / "one", one, local=True)
    verdicts = {row.verdict for row in compared(one, tmp_path / "one", published).arms}
    assert verdicts == {"one replicate"}
    for trial in PLAN.trials:
        write_trial(tmp_path / "runs" / "trials", trial, numbers={}, outcome="diverged")
    found = compared(PLAN, tmp_path, published)
    assert {row.verdict for row in found.arms} == {"differs"}
    assert all(row.effect.estimate is None for row in found.arms)
    assert replication_section(found).columns[2].texts() == ["5 diverged"] * 3


def test_it_stands_in_the_table_the_page_and_the_closing_lines(here, published, tmp_path):
    place = here / "results" / "published" / PLAN.study / PLAN.budget
    place.parent.mkdir(parents=True)
    published.rename(place)
    try:
        before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
        report = build_report(
            PLAN, trials_root=here / "runs" / "trials", results_root=here / "results"
        )
        text = (report.folder / "table.md").read_text()
        page = (report.folder / "report.html").read_text()
        assert "**Replication of the published record**" in text
        assert re.search(r"\| moved +\|.*differs", text)
        assert 'id="replication"' in page
        assert 'href="#replication-section"' in page
        assert '<span class="pill changed">' in page
        assert any("differs" in line for line in report.closing)
        (said,) = [row.text for row in report.sentences if row.topic == "replication"]
        assert said == (
            "agreement within a factor of 1.25 is shown for 1 of 3 arms, a difference for 1; "
            "1 of 2 verdicts on arms came out the same."
        )
        assert {path: path.read_bytes() for path in before} == before
    finally:
        place.rename(published)


def test_notes_say_in_what_the_trainings_differ(here, published):
    reading = read_record(PLAN, here / "nothing", here / "runs" / "trials")
    facts = {"seen": {"precision": ["fp32"], "device": ["cpu"]}, "trials": {}}
    notes = replication_notes(replication(reading, facts, published))
    assert notes[-1].endswith(
        "They were trained with another precision: bf16 published, fp32 here."
    )


def test_a_damaged_published_record_is_named(here, tmp_path):
    place = tmp_path / "damaged"
    place.mkdir()
    (place / "trials.csv").write_text("nothing\n")
    with pytest.raises(ValueError, match=r"damaged/trials\.csv"):
        compared(PLAN, here, place)
