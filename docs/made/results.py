"""What `results/published/` holds, for the pages: the table of the quickstart, and the verdicts."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from docs.made.markdown import table

PUBLISHED = Path(__file__).parents[2] / "results" / "published"
_ALIKE = re.compile(r"correlate by (-?[\d.]+) \(± ([\d.]+) if unrelated\)(, clearly)?")


def quickstart_table() -> str:
    """The head of the published table of the quickstart."""
    text = (PUBLISHED / "quickstart" / "full" / "table.md").read_text(encoding="utf-8")
    return "\n" + text.split("\n\n")[0] + "\n\n"


def _ledger() -> str:
    return (PUBLISHED / "CLAIMS.md").read_text(encoding="utf-8")


def verdict_counts() -> str:
    """The counts of `results/published/CLAIMS.md`, as they stand there."""
    return "\n" + next(b for b in _ledger().split("\n\n") if b.startswith("| Verdict")) + "\n\n"


def claims_with(verdict: str) -> list[list[str]]:
    """Rows of the published page of claims with a verdict: id, what is said, what we measured."""
    rows = re.findall(r"^\| (R\d\S*) \| (.*?) \| (.*?) \| (.*) \|$", _ledger(), re.MULTILINE)
    return [
        [id_, says, re.sub(r"\[(.*?)\]\(.*?\)", r"\1", what)]
        for id_, says, own, what in rows
        if own == verdict
    ]


def judged(verdict: str) -> str:
    """The claims with a verdict, and what was measured."""
    return table(["claim", "the report says", "what we measured"], claims_with(verdict))


def open_claims() -> str:
    """The claims that are not decided: only what they say."""
    verdicts = ("cannot tell at this n", "cannot tell: the baseline does not work")
    rows = [row[:2] for verdict in verdicts for row in claims_with(verdict)]
    return table(["claim", "the report says"], rows)


def _tables() -> Iterator[Path]:
    """The tables that `results/published/CLAIMS.md` is made of, and that of the quickstart."""
    found = re.findall(r"^- \[.*?\]\((.*?/table\.md)\): ", _ledger(), re.MULTILINE)
    yield from (PUBLISHED / name for name in sorted([*found, "quickstart/full/table.md"]))


def replicate_correlations() -> str:
    """How alike replicates of compared arms are, study by study, in the words of their tables."""
    rows = []
    for path in _tables():
        said = _ALIKE.search(" ".join(path.read_text(encoding="utf-8").split()))
        if said is None:
            continue
        with path.with_name("trials.csv").open(encoding="utf-8", newline="") as file:
            n = 1 + max(int(row["replicate"]) for row in csv.DictReader(file))
        name = f"{path.parent.parent.name}, {path.parent.name}"
        rows.append([name, str(n), said[1], said[2], "yes" if said[3] else ""])
    head = ["study", "n", "correlation", "error if unrelated", "clearly above 0"]
    return table(head, rows)
