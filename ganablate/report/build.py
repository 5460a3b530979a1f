"""Write a study's record: a local one from trial folders, a published one from csv files."""

import csv
import io
import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganablate.files import PUBLISHED, remove_unfinished, write_text
from ganablate.report.analysis import Analysis, read_record
from ganablate.report.claims.table import claims_csv, claims_table
from ganablate.report.closing import closing
from ganablate.report.figures.all_pictures import draw_images, draw_numbers
from ganablate.report.files import (
    ReportFiles,
    made_of,
    recalled,
    remember,
    report_files,
    report_lock,
)
from ganablate.report.frames.curves import curves_csv
from ganablate.report.frames.history import next_look, read_history, remembered
from ganablate.report.frames.look_file import add_look, looks_lock, looks_path
from ganablate.report.frames.looks import is_whole, with_decided
from ganablate.report.frames.provenance import (
    provenance,
    read_provenance,
    text_hash,
    write_provenance,
)
from ganablate.report.frames.references import REFERENCES, references_csv
from ganablate.report.frames.trials import read_trials, trials_csv
from ganablate.report.page import write_page
from ganablate.report.stats.replication import Replication, replication
from ganablate.report.table.render import Table, markdown_section, to_latex, to_markdown
from ganablate.report.table.sections import (
    cross_section,
    replication_section,
    replication_sentence,
    search_section,
)
from ganablate.report.table.tables import table_csv
from ganablate.study.plan import Plan
from ganablate.study.search.records import SEARCH_CSV, search_csv

_CALCULATED = ("table.csv", "claims.csv")
_AS_NEAR = 1e-9
"""Relative: calculated numbers that are nearer than that are the ones that were there."""


class OtherRecordError(ValueError):
    """A published record is not of the study as it is now."""


def build_report(
    plan: Plan, *, trials_root: Path, results_root: Path, anew: bool = True
) -> ReportFiles:
    """Write the local record `results/<study>/<budget>/`, each file in one step, under a lock.

    It is made of the trials of this machine, and of what its own earlier csv files say of trials
    whose folders are gone; a picture of images that are gone stays as it is. Where a published
    record of the same study and budget is, both stand beside each other; it is never written.

    Unless `anew`, a report stays as it is where nothing that it is made of has changed.

    Raises:
        ValueError: a csv file of either record cannot be read as one.
    """
    folder = results_root / plan.study / plan.budget
    published = results_root / PUBLISHED / plan.study / plan.budget
    with report_lock(plan, trials_root):
        remove_unfinished(folder)
        # Before anything is read: what changes meanwhile counts.
        source = made_of(plan, trials_root, published)
        if not anew and (unchanged := recalled(source, plan, trials_root, folder)):
            return unchanged
        with looks_lock(trials_root):
            analysis = read_record(plan, folder, trials_root)
            added = _add_look(analysis, folder)
        facts = _provenance(analysis, folder, trials_root, added=added)
        if facts:
            write_provenance(folder / "provenance.json", facts)
        notices = draw_images(analysis, trials_root, folder / "figures")
        beside = replication(analysis, facts, published)
        report = _write(analysis, folder, beside, notices)
        remember(report, source, plan, trials_root)
    return report


def _add_look(analysis: Analysis, folder: Path) -> bool:
    """Add a row to the looks, if results of all trials are seen and it is nothing that is there."""
    if not is_whole(analysis.trials):
        return False
    look = next_look(analysis.history, analysis.looks, analysis.trials, analysis.plan)
    if look is None:
        return False
    add_look(
        looks_path(folder), with_decided(look, analysis.judged.values()), analysis.history.lost
    )
    return True


def _provenance(
    analysis: Analysis, folder: Path, trials_root: Path, *, added: bool
) -> dict[str, Any]:
    """What provenance.json is to say: of the trials, of the csv files as they will be, of looks.

    A row of looks that is gone stays remembered, until one was `added` that follows it.
    """
    plan, earlier = analysis.plan, read_provenance(folder / "provenance.json")
    facts = provenance(plan, trials_root, earlier) or earlier
    trials = facts.pop("trials", None)
    texts = {"trials.csv": trials_csv(analysis.trials), "curves.csv": curves_csv(analysis.curves)}
    hashes = {name: text_hash(text) for name, text in texts.items()} | {**analysis.kept_hashes}
    looks = earlier.get("looks")
    if added or not analysis.history.lost:
        looks = remembered(read_history(plan, folder)) or looks
    parts = {
        "sha256": {name: digest for name, digest in hashes.items() if digest},
        "looks": looks,
        "trials": trials,
    }
    if not (trials or looks):
        return {}
    return {**facts, **{name: part for name, part in parts.items() if part}}


def rebuild_report(plan: Plan, folder: Path) -> ReportFiles:
    """Write tables, pictures of numbers and the page of a published record from its csv files.

    Nothing else is read: neither a trial folder nor a local record. The csv files that it is made
    of stay as they are, and so does a file that would say the same, byte for byte, on every
    machine. A column that the study has gained since is missing in every row.

    Raises:
        OtherRecordError: The record has other trials than the plan, or columns that the plan has
            not: the study was changed since. Nothing was written.
        ValueError: A csv file of the record cannot be read as one.
    """
    analysis = read_record(plan, folder)
    trials, written = analysis.trials, read_trials(folder / "trials.csv")
    if not set(written) <= set(trials) or set(written["trial_id"]) != set(trials["trial_id"]):
        raise OtherRecordError(
            f"{folder.as_posix()}/: its trials or columns are not those that the study has now, so "
            "it stays as it is; run the study and publish it again"
        )
    return _write(analysis, folder, None, data=False)


def _write(
    analysis: Analysis,
    folder: Path,
    beside: Replication | None,
    notices: Sequence[str] = (),
    *,
    data: bool = True,
) -> ReportFiles:
    """Write everything that is made of an analysis, with a published record `beside` it.

    The trials and their curves are written only as `data` that no other file holds.
    """
    plan, claims = analysis.plan, analysis.claims
    sections: list[Table] = []
    sentences = list(analysis.summary)
    if beside is not None:
        sections.append(replication_section(beside))
        sentences.append(replication_sentence(beside))
    sections += [cross_section(effects, plan) for effects in analysis.crosses]
    if plan.search is not None:
        sections.append(search_section(plan.search))
    table = to_markdown(analysis.columns, analysis.notes, analysis.head)
    captions = [*analysis.head, *analysis.notes]
    texts = {
        "trials.csv": trials_csv(analysis.trials) if data else None,
        "curves.csv": curves_csv(analysis.curves) if data else None,
        "table.csv": table_csv(analysis.table),
        "table.md": "".join([table, *map(markdown_section, sections)]),
        "table.tex": to_latex(analysis.columns, captions, f"{plan.study}-{plan.budget}"),
        SEARCH_CSV: search_csv(plan),
        "claims.csv": claims_csv(claims_table(claims)) if claims else None,
        REFERENCES: references_csv(analysis.references) if analysis.references.rows else None,
    }
    for name, text in texts.items():
        if text is not None:
            _write_changed(folder / name, text)
    for name in ("claims.csv", REFERENCES):
        if texts[name] is None:
            (folder / name).unlink(missing_ok=True)
    draw_numbers(analysis, folder / "figures")
    write_text(folder / "report.html", write_page(analysis, sentences, sections, folder))
    lines = closing(analysis, sentences, beside, folder)
    return report_files(folder, [*analysis.notices, *notices], sentences, lines)


def _write_changed(path: Path, text: str) -> None:
    """Write the text, unless the file says the same.

    Of what is calculated from the trials the last digits of numbers do not count: they depend on
    the processor, by which numpy chooses how it calculates.
    """
    if path.exists():
        old = path.read_text(encoding="utf-8")
        if old == text or (path.name in _CALCULATED and _says_the_same(old, text)):
            return
    write_text(path, text)


def _says_the_same(old: str, new: str) -> bool:
    before, after = ([*csv.reader(io.StringIO(text))] for text in (old, new))
    if [len(row) for row in before] != [len(row) for row in after]:
        return False
    cells = zip(itertools.chain(*before), itertools.chain(*after), strict=True)
    return all(_is_near(old_cell, new_cell) for old_cell, new_cell in cells)


def _is_near(old: str, new: str) -> bool:
    try:
        return old == new or math.isclose(float(old), float(new), rel_tol=_AS_NEAR)
    except ValueError:
        return False
