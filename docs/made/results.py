"""What `results/published/` holds, for the pages: the table of the quickstart, and the verdicts."""

import csv
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from docs.made.markdown import table
from ganablate.report.claims.judgement import CANNOT_TELL, NOT_WORKING, OPEN

PUBLISHED = Path(__file__).parents[2] / "results" / "published"
_ALIKE = re.compile(r"(-?[\d.]+)(?: in ([^(,]+?))? \(± ([\d.]+) if unrelated\)(, so that)?")


def quickstart_table() -> str:
    """The head of the published table of the quickstart."""
    text = (PUBLISHED / "quickstart" / "full" / "table.md").read_text(encoding="utf-8")
    return "\n" + next(b for b in text.split("\n\n") if b.startswith("|")) + "\n\n"


def _ledger() -> str:
    return (PUBLISHED / "CLAIMS.md").read_text(encoding="utf-8")


def verdict_counts() -> str:
    """The counts of `results/published/CLAIMS.md`, as they stand there."""
    return "\n" + next(b for b in _ledger().split("\n\n") if b.startswith("| Sentences")) + "\n\n"


def claims_with(verdicts: Collection[str]) -> list[list[str]]:
    """Rows of the published page with one of these verdicts.

    Each is: id, what is said, how it is tested, the verdict with its reach, what we measured.
    """
    rows = re.findall(r"^\| (R\d\S*) " + r"\| (.*?) " * 3 + r"\| (.*) \|$", _ledger(), re.MULTILINE)
    return [
        [*texts, re.sub(r"\[(.*?)\]\(.*?\)", r"\1", what)]
        for *texts, what in rows
        if re.sub(" at [0-9./,]+ of the report's .*", "", texts[-1]) in verdicts
    ]


def judged(*verdicts: str) -> str:
    """The claims with these verdicts, and what was measured."""
    rows = claims_with(verdicts)
    if not rows:
        return "\nNone so far.\n\n"
    return table(["claim", "the report says", "tested by", "verdict", "what we measured"], rows)


def open_claims() -> str:
    """The claims that are not decided: only what they say, and how that is tested."""
    rows = [row[:3] for row in claims_with((CANNOT_TELL, OPEN, NOT_WORKING))]
    return table(["claim", "the report says", "tested by"], rows)


def _tables() -> Iterator[Path]:
    """The tables that `results/published/CLAIMS.md` is made of, and that of the quickstart."""
    found = re.findall(r"^- \[.*?\]\((.*?/table\.md)\): ", _ledger(), re.MULTILINE)
    yield from (PUBLISHED / name for name in sorted([*found, "quickstart/full/table.md"]))


def replicate_correlations() -> str:
    """How alike replicates of compared arms are, study by study, in the words of their tables."""
    rows = []
    for path in _tables():
        _, _, after = " ".join(path.read_text(encoding="utf-8").split()).partition(" correlate ")
        found = list(_ALIKE.finditer(after.partition(":")[0]))
        with path.with_name("trials.csv").open(encoding="utf-8", newline="") as file:
            n = 1 + max(int(row["replicate"]) for row in csv.DictReader(file))
        name = f"{path.parent.parent.name}, {path.parent.name}"
        for each in found:
            clear = "yes" if each[4] else ""
            rows.append([name, str(n), each[2] or "FID", each[1], each[3], clear])
    head = ["study", "n", "metric", "correlation", "error if unrelated", "clearly above 0"]
    return table(head, rows)
