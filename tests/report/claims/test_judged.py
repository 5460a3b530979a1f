"""What holds for claims of every kind, their table, and the page over all studies."""

import functools
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from ganablate.report.claims.judge import FIGURES, KINDS, judge_claims
from ganablate.report.claims.judgement import (
    CONTRADICTED,
    NONE_STATED,
    NOT_COMPARABLE,
    NOT_TESTED,
    OF_ARITHMETIC,
    OPPOSITE,
    SEEN,
    SHOWN,
    SUPPORTED,
    VERDICTS,
    Judgement,
)
from ganablate.report.claims.page_of_all import REPORTS, ledger, write_ledger
from ganablate.report.claims.sentences import NOT_RUN
from ganablate.report.claims.table import (
    COLUMNS,
    claims_csv,
    claims_markdown,
    claims_table,
    read_claims,
)
from ganablate.report.frames.look_file import LOOKS, looks_csv
from ganablate.report.frames.looks import look_at
from ganablate.report.frames.trials import trials_csv, trials_frame
from ganablate.study.claims import claims as kinds
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from tests.support.claims_cases import fid, judge, no_curves, plan_of, trials_of

STUDIES = sorted((Path(__file__).parents[3] / "studies").glob("*.yaml"))
load = functools.cache(load_study)
WORSE = {"arm": "wide", "is": "worse", "by": "1.25x"}
BASE = [20.0, 21.0, 19.5, 20.4, 20.9]


def case(**facts):
    plan = plan_of("wide", **facts)
    return plan, trials_of(plan, fid(baseline=BASE, wide=BASE[::-1]))


def test_every_kind_of_claim_has_a_judge_and_every_shape_and_figure_too():
    from ganablate.report.claims.curve import SHAPES

    assert tuple(KINDS) == kinds.KINDS
    assert tuple(SHAPES) == kinds.CURVE_SHAPES
    shows = kinds.Visual.model_fields["show"].annotation.__args__
    assert set(FIGURES) == set(shows)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_shipped_claim_is_judged_without_any_results(path, tmp_path):
    study = load(path)
    for budget in {study.default_budget, study.budget_names[1]}:
        plan = expand(study, budget)
        judged = judge_claims(plan, trials_frame(plan, tmp_path), no_curves())
        assert [x.id for x in judged] == [claim.id for claim in study.claims]
        for judgement in judged:
            assert judgement.verdict in VERDICTS
            assert judgement.budget == budget
            assert judgement.numbers or judgement.because, judgement.id
            decided = judgement.verdict in (SUPPORTED, CONTRADICTED, SEEN, OPPOSITE)
            assert not decided
            assert (judgement.verdict in OF_ARITHMETIC) <= (judgement.kind == "arithmetic")


def test_a_claim_of_another_budget_or_of_an_arm_that_is_not_here_is_not_tested():
    plan, trials = case()
    other = judge(plan, trials, compare=WORSE, budget="full")
    assert (other.verdict, other.because) == (NOT_TESTED, "judged at the budget full only")
    gone = judge(plan, trials, compare={**WORSE, "arm": "wider"})
    assert (gone.verdict, gone.because) == (NOT_TESTED, "the budget cpu has no arm wider")
    assert judge(plan, trials, compare={**WORSE, "to": "wider"}).verdict == NOT_TESTED


def test_a_substitute_data_set_never_supports_or_contradicts():
    plan, trials = case(substitutes={"wide": ("celeba", "photo_patches")})
    judged = judge(plan, trials, compare=WORSE)
    assert judged.verdict == NOT_TESTED
    assert judged.because == "this budget has photo_patches where the report has celeba"
    assert judged.numbers.startswith("On photo_patches: FID against baseline: wide")
    assert judged.estimate == pytest.approx(1.0, abs=0.01)
    # Nor as the arm that another one is compared with.
    swapped = replace(plan, substitutes={"baseline": ("celeba", "photo_patches")})
    assert judge(swapped, trials, compare=WORSE).verdict == NOT_TESTED
    assert judge(plan, trials, visual={"arm": "wide"}).verdict == NOT_TESTED
    assert judge(plan, trials, visual={"arm": "baseline"}).verdict == SHOWN
    effect = judge(plan, trials, none_stated={"arm": "wide"})
    assert (effect.verdict, effect.numbers[:17]) == (NONE_STATED, "On photo_patches:")


def test_a_data_set_that_the_report_may_mean_is_no_substitute():
    plan, trials = case(substitutes={"wide": ("celeba", "mnist_5k")})
    assert judge(plan, trials, compare=WORSE, data="mnist").verdict == CONTRADICTED
    assert judge(plan, trials, compare=WORSE, data=["lsun_bedroom"]).verdict == NOT_TESTED


def test_a_contradiction_says_why_it_may_be():
    plan, trials = case()
    judged = judge(plan, trials, compare=WORSE, perhaps="the report ran once")
    assert (judged.verdict, judged.because) == (CONTRADICTED, "the report ran once")
    assert judge(plan, trials, compare=WORSE).because is None
    agreed = judge(plan, trials, compare={"arm": "wide", "is": "equivalent"}, perhaps="no matter")
    assert (agreed.verdict, agreed.because) == (SUPPORTED, None)


def test_what_cannot_be_compared_is_shown_without_a_verdict():
    plan, trials = case()
    why = "the report states no rate"
    judged = judge(plan, trials, compare=WORSE, not_comparable=why)
    assert (judged.verdict, judged.because) == (NOT_COMPARABLE, why)
    assert judged.numbers == judge(plan, trials, compare=WORSE).numbers
    # What was not tested stays so.
    gone = judge(plan, trials, compare={**WORSE, "arm": "wider"}, not_comparable=why)
    assert gone.verdict == NOT_TESTED


def test_a_stricter_level_asks_for_more():
    plan = plan_of("wide")
    trials = trials_of(plan, fid(baseline=BASE, wide=[22.4, 28.0, 21.6, 22.5, 26.5]))
    loose = judge(plan, trials, compare={"arm": "wide", "is": "worse"})
    strict = judge(plan, trials, alpha=0.01, compare={"arm": "wide", "is": "worse"})
    assert loose.verdict == SUPPORTED != strict.verdict
    assert strict.high - strict.low > loose.high - loose.low


ONE = Judgement(
    SUPPORTED, "FID: 1", ("a", "b"), estimate=1.23456789, p=0.04, n="5 trials an arm",
    id="R9.1", says="a | b", tested_by="FID", kind="compare", budget="cpu",
)  # fmt: skip
BARE = Judgement(
    SHOWN, "See figures/samples.png", id="R9.2", says="it looks good", kind="visual", budget="cpu"
)


def test_the_table_keeps_missing_numbers_missing_and_reads_back(tmp_path):
    table = claims_table([ONE, BARE])
    assert tuple(table.columns) == COLUMNS
    assert table["estimate"][0] == 1.23457
    assert table[["estimate", "low", "p"]].isna().to_numpy().tolist() == [
        [False, True, False], [True, True, True],
    ]  # fmt: skip
    path = tmp_path / "claims.csv"
    path.write_text(claims_csv(table))
    pd.testing.assert_frame_equal(read_claims(path), table)
    path.write_text("id,kind\nR1,compare\n")
    with pytest.raises(ValueError, match="not a table of claims, the column verdict is missing"):
        read_claims(path)


def test_the_markdown_has_a_line_for_each_claim_with_n_and_budget():
    lines = claims_markdown(claims_table([ONE, BARE])).splitlines()
    assert lines[2] == "| R9.1 | a \\| b | FID | supported | FID: 1. (5 trials an arm, cpu) |"
    assert lines[3] == "| R9.2 | it looks good | — | shown, not judged | See figures/samples.png. |"


def results(study, root, budget, complete=None):
    """Results of a study as a report leaves them, with so many of its trials complete."""
    plan = expand(study, budget)
    trials = trials_frame(plan, root / "none")
    trials.loc[: len(trials) if complete is None else complete - 1, "state"] = "complete"
    folder = root / study.name / budget
    folder.mkdir(parents=True)
    (folder / "trials.csv").write_text(trials_csv(trials))
    judged = judge_claims(plan, trials, no_curves())
    (folder / "claims.csv").write_text(claims_csv(claims_table(judged)))


def study_of(name):
    return load(next(path for path in STUDIES if path.stem == name))


def test_the_page_has_every_claim_and_says_what_was_not_run(tmp_path):
    studies = [load(path) for path in STUDIES]
    results(study_of("latent_size"), tmp_path, "cpu")
    results(study_of("optimizers"), tmp_path, "smoke")
    path = write_ledger(studies, tmp_path)
    page = path.read_text()
    assert page == ledger(studies, tmp_path)
    assert path == tmp_path / "CLAIMS.md"
    rows = [line.split(" | ")[0][2:] for line in page.splitlines() if line.startswith("| R")]
    claims = [claim.id for study in studies for claim in study.claims]
    assert sorted(rows) == sorted(claims)
    assert [row[:2] for row in rows] == sorted(row[:2] for row in rows)  # by report
    assert all(f"## {name}: " in page for name in REPORTS)
    assert "| R3.B-curves |" in page
    assert "[losses.png](latent_size/cpu/figures/losses.png)" in page
    # A smoke run is no result; numbers of a report need none of ours.
    assert "optimizers: not run, or only at the budget smoke" in page
    (line,) = [x for x in page.splitlines() if x.startswith("| R3.D |")]
    assert "FID of SGD against that of each other optimizer, better" in line
    assert f"| {NOT_RUN} | — |" in line
    assert "| R4-generator |" in page
    assert "| does not hold | They add up to 1,486,352" in page


def test_the_page_counts_verdicts_and_prefers_the_whole_study_once_it_is_whole(tmp_path):
    study = study_of("latent_size")
    results(study, tmp_path, "cpu")
    page = ledger([study], tmp_path)
    assert "| Sentences | R3 | All |" in page
    # Two claims on the losses read one sentence, and figure 6 that of the output.
    for label, count in (("shown, not judged", 1), ("open", 2), ("claims on them", 6)):
        assert f"| {label} | {count} | {count} |" in page
    assert "| **Sentences in all** | **3** | **3** |" in page
    assert "budget cpu, 15 of 15 trials, mnist_5k (5,000 images of mnist)" in page
    results(study, tmp_path, "full", complete=3)
    assert "budget cpu, 15 of 15 trials" in ledger([study], tmp_path)
    results(study, tmp_path / "whole", "cpu")
    results(study, tmp_path / "whole", "full")
    assert "budget full, 15 of 15 trials, mnist\n" in ledger([study], tmp_path / "whole")


def test_a_line_names_a_level_other_than_five_percent(tmp_path):
    study = study_of("latent_size")
    results(study, tmp_path, "cpu")
    (line,) = [x for x in ledger([study], tmp_path).splitlines() if "| R3.B |" in x]
    assert "cpu)" in line
    plan = expand(study, "cpu")
    seen = {arm.name: 3 for arm in plan.arms}
    before = look_at(plan, "by hand", seen, 0.05)
    (tmp_path / LOOKS).write_text(looks_csv([before]))
    page = ledger([study], tmp_path)
    (line,) = [x for x in page.splitlines() if "| R3.B |" in x]
    assert "cpu, at 2.5 %)" in line
    assert "at 5 % unless it\nnames another level" in page
    (shown,) = [x for x in page.splitlines() if "| R3.B-curves |" in x]
    assert "2.5 %" not in shown


def test_a_question_that_was_changed_since_is_told_of_its_study(tmp_path):
    study = study_of("latent_size")
    results(study, tmp_path, "cpu")
    assert "Changed after" not in ledger([study], tmp_path)
    plan = expand(study, "cpu")
    look = look_at(plan, "by hand", dict.fromkeys((arm.name for arm in plan.arms), 5), 0.05)
    asked = {**look.asked, "margin": "2x"}
    (tmp_path / LOOKS).write_text(looks_csv([replace(look, asked=asked)]))
    (line,) = [x for x in ledger([study], tmp_path).splitlines() if x.startswith("- [latent_size]")]
    assert r"margin of equivalence was 2x, now 1.25x" in line
    assert f". Changed after results were seen (first on {look.date}): " in line


def test_studies_without_claims_leave_the_page_empty(tmp_path):
    assert "No study holds a claim." in ledger([study_of("quickstart")], tmp_path)
