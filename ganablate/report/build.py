"""Write a study's results: from trial folders where they are, else from the committed csv files."""

import json
from pathlib import Path

import pandas as pd

from ganablate.atomic_write import remove_unfinished, write_text
from ganablate.report.captions import table_notes
from ganablate.report.claims.judge import judge_claims
from ganablate.report.claims.judgement import Judgement
from ganablate.report.claims.table import claims_csv, claims_table
from ganablate.report.cross_wording import cross_section
from ganablate.report.curves import curves_csv, curves_frame, merge_curves, read_curves
from ganablate.report.files import ReportFiles, report_files, report_lock
from ganablate.report.looks import (
    LOOKS,
    is_whole,
    level_of,
    look_notes,
    looks_csv,
    read_looks,
    with_decided,
    with_look_by_hand,
)
from ganablate.report.other_extractor import without_other_extractor
from ganablate.report.page import Findings, write_page
from ganablate.report.pictures import Shown, draw_pictures
from ganablate.report.provenance import provenance, read_provenance
from ganablate.report.render import to_latex, to_markdown
from ganablate.report.search_wording import search_section
from ganablate.report.summary import summary
from ganablate.report.tables import arm_table, primary_effects, table_csv
from ganablate.report.trials import merge_trials, read_trials, trials_csv, trials_frame
from ganablate.report.unchanged import made_of, recalled, remember
from ganablate.search.records import SEARCH_CSV, search_csv
from ganablate.study.plan import Plan


def build_report(
    plan: Plan, *, trials_root: Path, results_root: Path, anew: bool = True
) -> ReportFiles:
    """Write `results/<study>/<budget>/`, each file in one step, under a lock beside the trials.

    On a fresh clone, without trial folders, the committed `trials.csv` and `curves.csv` give the
    same tables, byte for byte; a picture that needs images which are not here stays as it is.

    Unless `anew`, a report stays as it is where nothing that it is made of has changed.

    Raises:
        ValueError: a committed csv file cannot be read as one.
    """
    folder = results_root / plan.study / plan.budget
    with report_lock(plan, trials_root):
        remove_unfinished(folder)
        source = made_of(plan, trials_root)  # before it is read: what changes meanwhile counts
        if not anew and (there := recalled(source, plan, trials_root, folder)):
            return there
        trials, curves, notices = read_frames(plan, trials_root, folder)
        known = read_looks(folder / LOOKS, plan)
        looks = with_look_by_hand(known, trials, plan)
        alpha = level_of(looks)
        table = arm_table(trials, plan, alpha=alpha)
        notes = table_notes(trials, table, plan, alpha=alpha) + look_notes(looks)
        markdown = to_markdown(table, plan, notes)
        markdown += cross_section(trials, table, plan, alpha=alpha)
        markdown += search_section(plan)
        if looks != known and is_whole(trials):
            write_text(folder / LOOKS, looks_csv(with_decided(looks, table)))
        write_text(folder / "trials.csv", trials_csv(trials))
        write_text(folder / "curves.csv", curves_csv(curves))
        write_text(folder / "table.csv", table_csv(table))
        write_text(folder / "table.md", markdown)
        write_text(folder / "table.tex", to_latex(table, plan, notes))
        if (found := search_csv(plan)) is not None:
            write_text(folder / SEARCH_CSV, found)
        judgements = judge_claims(plan, trials, curves, alpha=alpha)
        _claims(judgements, folder / "claims.csv")
        shown = Shown(
            plan, trials, curves, table, primary_effects(trials, table, plan, alpha=alpha)
        )
        notices += draw_pictures(shown, trials_root, folder / "figures")
        facts = provenance(plan, trials_root, read_provenance(folder / "provenance.json"))
        if facts is not None:
            text = json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False)
            write_text(folder / "provenance.json", text + "\n")
        findings = Findings(trials, table, notes, judgements, alpha)
        write_text(folder / "report.html", write_page(plan, findings, folder))
        said = tuple(summary(table, plan, judgements))
        report = report_files(folder, tuple(notices), said)
        remember(report, source, plan, trials_root)
    return report


def read_frames(
    plan: Plan, trials_root: Path, folder: Path
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Trials and curves of here, completed by the committed ones in `folder`, and notices."""
    notices: list[str] = []
    trials, curves = trials_frame(plan, trials_root), curves_frame(plan, trials_root)
    committed = folder / "curves.csv"
    old = read_curves(committed) if committed.exists() else curves.iloc[:0]
    if (folder / "trials.csv").exists():
        rows = read_trials(folder / "trials.csv")
        rows, old, others = without_other_extractor(rows, old, plan)
        trials, notices = merge_trials(trials, rows, plan)
        notices = others + notices
    if not (trials["state"] == "complete").any():
        notices.append(
            f"no trial of {plan.study} at budget {plan.budget} is complete yet: "
            "the table has no numbers"
        )
    return trials, merge_curves(curves, old, trials), notices


def _claims(judgements: tuple[Judgement, ...], path: Path) -> None:
    if judgements:
        write_text(path, claims_csv(claims_table(judgements)))
    else:
        path.unlink(missing_ok=True)
