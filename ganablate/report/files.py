"""The files of a report, and the lock of whoever writes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from ganablate.report.frames.looks import LOOKS
from ganablate.report.table.summary import Sentence
from ganablate.study.plan import Plan
from ganablate.study.search.records import SEARCH_CSV

_NAMES = (
    "trials.csv",
    "curves.csv",
    "table.csv",
    "table.md",
    "table.tex",
    "claims.csv",
    "provenance.json",
    SEARCH_CSV,
    LOOKS,
)


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
        return "\n\n".join(f"**{sentence.lead}** {sentence.text}" for sentence in self.sentences)


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
