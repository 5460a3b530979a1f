"""The files of a report, the lock of whoever writes them, and whether they still hold.

A report need not be written again if nothing that it was made of has changed since: the plan, the
trials' folders, the program with its libraries, and the parts from plug-ins; and if its own files
are as it left them. Files are compared by number, time and size, as git does. What is known of a
report lies in `runs/`, since it holds on this machine alone.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock
from pydantic import TypeAdapter

from ganablate.files import RECORDS, read_json, remove_unfinished, write_json
from ganablate.report.closing import WIDTH
from ganablate.report.frames.look_file import LOOKS
from ganablate.report.frames.provenance import plugins_of
from ganablate.report.frames.references import REFERENCES
from ganablate.report.table.summary import Sentence
from ganablate.study.plan import Plan
from ganablate.study.search.records import SEARCH_CSV
from ganablate.text import screen_width
from ganablate.trials.references import references_beside

_NAMES = (
    "trials.csv", "curves.csv", "table.csv", "table.md", "table.tex", "claims.csv",
    "provenance.json", SEARCH_CSV, LOOKS, REFERENCES,
)  # fmt: skip
_LIBRARIES = ("jinja2", "matplotlib", "numpy", "pandas", "scipy", "seaborn")
"""They calculate and draw: with another version a report may be another."""
_SENTENCES = TypeAdapter(tuple[Sentence, ...])


@dataclass(frozen=True)
class ReportFiles:
    """What a report consists of.

    `notices` are lines that a person should see, `files` are the paths of everything the report
    holds now, in a fixed order, `sentences` say what was found, and `closing` are the lines that a
    terminal shows of it. An `unchanged` one was there already.
    """

    folder: Path
    notices: tuple[str, ...]
    files: tuple[Path, ...]
    sentences: tuple[Sentence, ...] = ()
    closing: tuple[str, ...] = ()
    unchanged: bool = False

    @property
    def said(self) -> str:
        """The sentences in Markdown, a paragraph each."""
        pairs = ((f"**{x.lead}** " if x.lead else "", x.text) for x in self.sentences)
        return "\n\n".join(f"{lead}{text}".strip() for lead, text in pairs)


def report_files(
    folder: Path,
    notices: Sequence[str] = (),
    sentences: Sequence[Sentence] = (),
    closing: Sequence[str] = (),
) -> ReportFiles:
    """The report that lies in `folder`."""
    named = [folder / name for name in _NAMES if (folder / name).exists()]
    files = (*named, *sorted((folder / "figures").glob("*.png")), folder / "report.html")
    return ReportFiles(folder, tuple(notices), files, tuple(sentences), tuple(closing))


def report_lock(plan: Plan, trials_root: Path) -> FileLock:
    """Held by whoever writes results of the study at this budget."""
    trials_root.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(trials_root.parent / f".report-{plan.study}-{plan.budget}.lock")


# --- whether a report still holds ---


def recalled(source: str, plan: Plan, trials_root: Path, folder: Path) -> ReportFiles | None:
    """The report in `folder`, if it is made of this; None: it has to be written.

    Args:
        source: What `made_of` says now.
        plan: What it is of.
        trials_root: Holds one folder a trial.
        folder: Of the report.
    """
    record = read_json(_record(plan, trials_root)) or {}
    if record.get("made_of") != source or record.get("files") != _digest(_tree(folder)):
        return None
    sentences = _SENTENCES.validate_python(record["sentences"])
    return replace(report_files(folder, (), sentences, record["closing"]), unchanged=True)


def remember(report: ReportFiles, source: str, plan: Plan, trials_root: Path) -> None:
    """Keep that a report was written, unless it has notices: they are to be seen again.

    Call it under the report's lock, with what `made_of` said before the report was made.
    """
    path = _record(plan, trials_root)
    remove_unfinished(path.parent, path.name)
    if report.notices:
        path.unlink(missing_ok=True)
        return
    content = {
        "made_of": source,
        "files": _digest(_tree(report.folder)),
        "sentences": _SENTENCES.dump_python(report.sentences),
        "closing": list(report.closing),
    }
    write_json(path, content)


def made_of(plan: Plan, trials_root: Path, published: Path) -> str:
    """A digest of everything that the report of a plan is made of.

    Args:
        plan: What it is of.
        trials_root: Holds one folder a trial.
        published: The folder of the published record, which need not be there.
    """
    trials = [(trial.trial_id, trial.arm, trial.replicate) for trial in plan.trials]
    versions = [version(name) for name in _LIBRARIES]
    # Field by field, since a plan shows itself in one short line.
    content = {each.name: getattr(plan, each.name) for each in fields(plan)} | {"trials": trials}
    # What a terminal shows of it is as wide as the terminal.
    planned = repr((content, plugins_of(plan), versions, min(WIDTH, screen_width())))
    here = (f"{id_} {line}" for id_, *_ in trials for line in _entries(trials_root / id_))
    program, lines = _tree(Path(__file__).parents[1]), _tree(references_beside(trials_root))
    return _digest([planned, *here, *_tree(published), *program, *lines])


def _record(plan: Plan, trials_root: Path) -> Path:
    return trials_root.parent / RECORDS / f"report-{plan.study}-{plan.budget}.json"


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def _entries(folder: Path) -> Iterator[str]:
    """A line for each file and folder in a folder; a folder's time tells of what it holds."""
    try:
        with os.scandir(folder) as entries:
            facts = {entry.name: entry.stat() for entry in entries}
    except FileNotFoundError:
        return
    for name in sorted(facts):
        yield _line(name, facts[name])


def _tree(folder: Path) -> Iterator[str]:
    """A line for each source or result file below a folder."""
    for path in sorted(folder.rglob("*.*")):
        if path.suffix != ".pyc" and path.is_file():
            yield _line(str(path.relative_to(folder)), path.stat())


def _line(name: str, facts: os.stat_result) -> str:
    return f"{name} {facts.st_ino} {facts.st_mtime_ns} {facts.st_size}"
