"""What a person can change after looking, and that the report tells it."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ganablate.project.folders import Project, WrongInputError
from ganablate.project.preregister import preregister
from ganablate.report import build
from ganablate.report.frames.history import looked_plan
from ganablate.report.frames.look_file import LookFile, read_looks
from ganablate.study.load import load_study
from ganablate.study.schema import Study
from tests.support.synthetic_study import numbers_of, write_trial

STUDY = """\
study: tiny
base: {dataset: mnist_5k, network: mlp, latent_dim: 8, iterations: 450, batch_size: 64}
ablate: {latent_dim: [4, 16]}
arms: {wide: {g_width: 64}}
replicates: 3
evaluations: 2
primary: fid
metrics: [d_loss, g_loss, fid, modes]
claims:
  - {id: R9.1, says: small is worse, compare: {arm: latent_dim=4, is: worse, by: 1.25x}}
  - {id: R9.2, says: it fails, outcome: {arm: latent_dim=4, is: fails, at_least: 0.5}}
  - {id: R9.3, says: wide is as good, compare: {arm: wide, is: equivalent, within: 1.25x}}
"""


class Desk:
    """A project whose trials are written when they are asked for, and reported without pictures."""

    def __init__(self, root: Path, template: Path) -> None:
        self.root, self.project, self.template = root, Project(root), template
        self.looks = root / "results" / "looks.csv"

    def study(self, text: str = STUDY) -> Study:
        path = self.root / "study.yaml"
        path.write_text(text)
        return load_study(path)

    def first_report(self) -> None:
        """As `report()` of a new project, made once for all tests."""
        if not (self.template / "results").exists():
            Desk(self.template, self.template).report()
        shutil.copytree(self.template, self.root, dirs_exist_ok=True)

    def report(self, text: str = STUDY, budget: str = "full", *, trained: bool = True) -> str:
        """The notes of the report of a study, every one of whose trials is complete."""
        plan, _ = looked_plan(self.study(text), budget, self.project.results)
        for trial in plan.trials if trained else ():
            if not (self.project.trials / trial.trial_id).exists():
                random = np.random.default_rng(int(trial.trial_id[:8], 16))
                write_trial(self.project.trials, trial, numbers=numbers_of(random))
        self.files = build.build_report(
            plan, trials_root=self.project.trials, results_root=self.project.results
        )
        text = (self.files.folder / "table.md").read_text(encoding="utf-8")
        return " ".join(text.replace("\\>", ">").split())

    def rows(self) -> LookFile:
        return read_looks(self.looks)

    def bytes(self) -> dict[str, bytes]:
        found = (path for path in self.project.results.rglob("*.*") if path.is_file())
        return {str(path): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("template")


@pytest.fixture
def desk(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(build, "draw_images", lambda *_: [])
    monkeypatch.setattr(build, "draw_numbers", lambda *_: None)
    monkeypatch.setattr(build, "write_page", lambda *_: "")
    return Desk(tmp_path, template)


TOLD = ("Changed after", "Seen elsewhere", "Other trainings", "edited", "Preregistered")


def test_who_changes_nothing_reads_nothing_of_it(desk: Desk) -> None:
    notes = desk.report()
    assert not [words for words in TOLD if words in notes]
    first = desk.bytes()
    assert desk.report() == notes
    assert desk.bytes() == first
    (look,) = desk.rows().looks
    assert (look.kind, look.level, look.name) == ("by hand", 0.05, "study tiny at the budget full")
    assert look.replicates == dict.fromkeys(
        ["baseline", "latent_dim=4", "latent_dim=16", "wide"], 3
    )
    assert look.asked["primary"] == [["fid", "min"]]
    assert desk.files.notices == ()


def edited(old: str, new: str) -> str:
    assert old in STUDY
    return STUDY.replace(old, new)


CHANGED = {
    "the primary metric": (edited("primary: fid", "primary: modes"),
                           "the primary metric FID became Classes covered"),
    "arms": (edited("[4, 16]", "[4]").replace("arms: {wide: {g_width: 64}}\n", "")
             .replace(STUDY.splitlines()[-1] + "\n", ""),
             "2 arms were taken out (latent_dim=16, wide); 1 claim was taken out (R9.3)"),
    "an arm more": (edited("{wide: {g_width: 64}}", "{wide: {g_width: 64}, flat: {g_width: 8}}"),
                    "1 arm was added (flat)"),
    "a claim's margin": (edited("by: 1.25x", "by: 1.3x"),
                    "the margin of R9.1 was 1.25x, now 1.3x"),
    "its tolerance": (edited("within: 1.25x", "within: 2x"),
                    "the margin of R9.3 was 1.25x, now 2x"),
    "its share": (edited("at_least: 0.5", "at_least: 0.3"),
                    "the at_least of R9.2 was 0.5, now 0.3"),
    "its partner": (edited("is: worse,", "is: worse, to: baseline,"),
                    "the partner of R9.1 was not stated, now baseline"),
    "its statement": (edited("is: worse", "is: better"),
                    "the statement of R9.1 was worse, now better"),
    "a claim less": (edited(STUDY.splitlines()[-1] + "\n", ""), "1 claim was taken out (R9.3)"),
    "a claim of another kind": (
        edited("compare: {arm: wide, is: equivalent, within: 1.25x}",
               "none_stated: {arm: wide}"), "the kind of R9.3 was compare, now none_stated"),
    "points": (edited("primary: fid", "points: {fid: lowest}\nprimary: fid"),
               "point of fid was last, now lowest"),
    "what an arm is compared with": (
        edited("{g_width: 64}", "{g_width: 64, compare_to: latent_dim=16}"),
        "what wide is compared with was baseline, now latent_dim=16"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "told"), CHANGED.values(), ids=CHANGED)
def test_a_question_that_is_changed_after_results_were_seen_is_told(
    desk: Desk, text: str, told: str
) -> None:
    desk.first_report()
    (first,) = desk.rows().looks
    said = f"Changed after results were seen (first on {first.date}): {told}."
    assert said in desk.report(text)
    assert said in [f"{sentence.lead} {sentence.text}" for sentence in desk.files.sentences]
    assert [look.kind for look in desk.rows().looks] == ["by hand", "seen"]


def test_a_question_that_is_changed_back_was_changed(desk: Desk) -> None:
    desk.first_report()
    modes = edited("primary: fid", "primary: modes")
    notes = desk.report(modes)
    assert desk.report(modes) == notes
    assert "In between it was asked in 1 other way (looks.csv)" in desk.report()
    file = desk.rows()
    assert (len(file.looks), file.breaks) == (3, ())


def test_the_words_of_a_claim_and_the_names_of_arms_may_be_changed(desk: Desk) -> None:
    desk.first_report()
    text = STUDY.replace("wide", "broad").replace("small is worse", "small is poor")
    assert "Changed after" not in desk.report(text)


def test_replicates_added_by_hand_halve_the_level_and_stay_seen(desk: Desk) -> None:
    desk.first_report()
    more = edited("replicates: 3", "replicates: 5")
    assert "are at a level of 2.5 %" in desk.report(more)
    assert "are at a level of 2.5 %" in desk.report(STUDY)
    assert [look.level for look in desk.rows().looks] == [0.05, 0.025]


RENAMED = {
    "study": ("study: tiny", "study: other", "full", "study tiny at the budget full"),
    "budget": (
        "claims:",
        "budgets: {again: {}}\nclaims:",
        "again",
        "study tiny at the budget full",
    ),
}


@pytest.mark.parametrize(("old", "new", "budget", "name"), RENAMED.values(), ids=RENAMED)
def test_under_another_name_the_same_trials_are_told_and_spend_the_same_level(
    desk: Desk, old: str, new: str, budget: str, name: str
) -> None:
    desk.first_report()
    text = edited(old, new)
    notes = desk.report(text, budget)
    date = desk.rows().looks[0].date
    assert f"Seen elsewhere. The same trials were reported as {name} on {date}." in notes
    assert "at a level of" not in notes
    notes = desk.report(text.replace("replicates: 3", "replicates: 5"), budget)
    assert "are at a level of 2.5 %" in notes
    assert [look.level for look in desk.rows().looks] == [0.05, 0.05, 0.025]
    # The first study has them too: those replicates were seen.
    assert "are at a level of 2.5 %" in desk.report()


def test_a_renamed_study_with_another_question_is_told_of_both(desk: Desk) -> None:
    desk.first_report()
    text = edited("study: tiny", "study: other").replace("primary: fid", "primary: modes")
    notes = desk.report(text)
    assert "The same trials were reported as study tiny at the budget full" in notes
    assert "): the primary metric FID became Classes covered." in notes


def test_studies_that_share_a_baseline_alone_are_strangers(desk: Desk) -> None:
    desk.first_report()
    text = edited("study: tiny", "study: other").replace("[4, 16]", "[2, 32]")
    text = text.replace("arm: wide", "arm: latent_dim=2").replace("latent_dim=4", "latent_dim=2")
    notes = desk.report(text.replace("arms: {wide: {g_width: 64}}\n", ""))
    assert not [words for words in TOLD if words in notes]
    assert [look.kind for look in desk.rows().looks] == ["by hand", "by hand"]


def test_another_seed_is_another_row_and_the_first_is_told(desk: Desk) -> None:
    desk.first_report()
    text = edited("replicates: 3", "replicates: 3\nseed: 1")
    notes = desk.report(text)
    date = desk.rows().looks[0].date
    said = f"Changed after other trainings were seen (1 report with seed 0, first on {date}): "
    assert f"{said}seed was 0, now 1." in notes
    assert desk.report(text) == notes
    assert [look.asked["seed"] for look in desk.rows().looks] == [0, 1]
    both = text.replace("study: tiny", "study: other").replace("primary: fid", "primary: modes")
    assert "): seed was 0, now 1; the primary" not in (notes := desk.report(both))
    assert "became Classes covered; seed was 0, now 1." in notes


def test_looks_that_are_deleted_are_told_for_good(desk: Desk) -> None:
    desk.first_report()
    desk.looks.unlink()
    notes = desk.report()
    assert "Looks were edited: looks.csv had 1 row when this was written, and the last" in notes
    for _ in range(2):  # the new first row follows one that is not there
        assert "Looks were edited: a row before the first of looks.csv was" in desk.report()


def test_a_look_that_is_changed_or_taken_out_is_told_for_good(desk: Desk) -> None:
    desk.first_report()
    desk.report(edited("primary: fid", "primary: modes"))
    text = desk.looks.read_text()
    header, first, second = text.splitlines(keepends=True)
    for damaged, place in (
        (header + second, "a row before the first of looks.csv was changed or taken out"),
        (header + first.replace("0.05", "0.01", 1) + second, "the row before row 2 of looks.csv"),
        (text.replace(", at_least", "").replace("modes", "d_loss"), "the question in row 2 of"),
    ):
        desk.looks.write_text(damaged)
        for _ in range(2):
            assert place in desk.report(edited("primary: fid", "primary: modes"))
    desk.looks.write_text(header + first)  # the last one is taken out
    assert "looks.csv had" in desk.report()
    assert "looks.csv had" in desk.report(edited("primary: fid", "primary: modes"))
    assert "the row before row 2 of looks.csv was changed or taken out" in desk.report()


@pytest.mark.parametrize("name", ["trials.csv", "curves.csv"])
def test_a_number_that_is_edited_is_told_while_it_is_used(desk: Desk, name: str) -> None:
    desk.first_report()
    kept = desk.root / "kept"
    desk.project.trials.rename(kept)
    silent = desk.report(trained=False)
    assert "edited" not in silent
    path = desk.files.folder / name
    text = path.read_text()
    frame = pd.read_csv(path, dtype=str)
    column = "fid" if name == "trials.csv" else "value"
    if not len(frame):
        path.write_text(text + "a,b,1,2\n")
    else:
        frame.loc[0, column] = "1.5"
        frame.to_csv(path, index=False, lineterminator="\n")
    for _ in range(2):
        notes = desk.report(trained=False)
        assert f"Numbers were edited: {name} changed since it was written" in notes
        assert any("Numbers were edited" in notice for notice in desk.files.notices)
    # With the trials' folders every number is read anew: said once, and it is as it was.
    kept.rename(desk.project.trials)
    assert "edited" not in desk.report()
    assert any(f"{name} was edited by hand: it is written anew" in n for n in desk.files.notices)
    assert path.read_text() == text
    desk.report()
    assert desk.files.notices == ()


def test_a_record_without_hashes_does_not_pretend(desk: Desk) -> None:
    desk.first_report()
    shutil.rmtree(desk.project.trials)
    path = desk.project.results / "tiny" / "full" / "provenance.json"
    facts = json.loads(path.read_text())
    del facts["sha256"]
    path.write_text(json.dumps(facts))
    for _ in range(2):
        notes = desk.report(trained=False)
        assert "provenance.json has no sha256 of trials.csv and curves.csv." in notes


def test_reports_at_once_lose_no_look(desk: Desk) -> None:
    texts = [edited("study: tiny", f"study: s{n}") for n in range(4)]
    plans = []
    for text in texts:
        desk.report(text)
        plans.append(looked_plan(desk.study(text), "full", desk.project.results)[0])
    desk.looks.unlink()

    def rebuild(plan: object) -> None:
        build.build_report(
            plan,
            trials_root=desk.project.trials,
            results_root=desk.project.results,  # type: ignore[arg-type]
        )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(rebuild, plans))
    file = desk.rows()
    assert sorted(look.study for look in file.looks) == ["s0", "s1", "s2", "s3"]
    assert [look.kind for look in file.looks] == ["by hand", "seen", "seen", "seen"]


# Preregistered


def registered(desk: Desk, text: str = STUDY) -> bool:
    plan, _ = looked_plan(desk.study(text), None, desk.project.results)
    return preregister(desk.project, plan)[1]


def test_a_preregistered_study_says_so_with_date_and_hash(desk: Desk) -> None:
    assert registered(desk)
    assert not registered(desk)
    notes = desk.report()
    first, second = desk.rows().looks
    assert (first.kind, second.kind, second.level) == ("preregistered", "by hand", 0.05)
    row = desk.looks.read_text().splitlines()[1]
    sha256 = next(cell for cell in row.split(",") if len(cell) == 64 and cell != "")
    assert (
        f"Preregistered on {first.date}, before results were seen (sha256 {sha256[:12]})." in notes
    )
    assert "Changed after" not in notes
    notes = desk.report(edited("primary: fid", "primary: modes"))
    assert f"Changed after results were seen (first on {first.date}): the primary" in notes


def test_what_is_changed_between_preregistration_and_results_is_told(desk: Desk) -> None:
    registered(desk)
    text = edited("replicates: 3", "replicates: 5").replace("by: 1.25x", "by: 2x")
    assert "it was preregistered" in desk.report(text)
    assert "): the margin of R9.1 was 1.25x, now 2x; the replicates were 3, now 5." in desk.report(
        text
    )


def test_who_changes_the_question_before_results_preregisters_again(desk: Desk) -> None:
    registered(desk)
    text = edited("by: 1.25x", "by: 2x")
    assert registered(desk, text)
    assert "Changed" not in desk.report(text)


def test_after_results_nothing_is_preregistered(desk: Desk) -> None:
    desk.first_report()
    for text in (STUDY, edited("primary: fid", "primary: modes"), edited("tiny", "other")):
        with pytest.raises(WrongInputError, match="its results were seen on 2"):
            registered(desk, text)
    desk.looks.unlink()
    with pytest.raises(WrongInputError, match=r"9 trials of latent_dim=4, latent_dim=16, wide"):
        registered(desk)
    # A baseline that another study trained is no result yet.
    text = edited("study: tiny", "study: other").replace("[4, 16]", "[2, 32]")
    text = text.replace("{g_width: 64}", "{g_width: 65}").replace("latent_dim=4", "latent_dim=2")
    assert registered(desk, text)
