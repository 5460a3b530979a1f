"""What `results/` holds, for the pages: the table of the quickstart, and the verdicts."""

import re
from pathlib import Path

from docs.made.markdown import table

ROOT = Path(__file__).parents[2]


def quickstart_table() -> str:
    """The head of the committed table of the quickstart."""
    text = (ROOT / "results" / "quickstart" / "full" / "table.md").read_text(encoding="utf-8")
    return "\n" + text.split("\n\n")[0] + "\n\n"


def _ledger() -> str:
    return (ROOT / "results" / "CLAIMS.md").read_text(encoding="utf-8")


def verdict_counts() -> str:
    """The counts of `results/CLAIMS.md`, as they stand there."""
    return "\n" + next(b for b in _ledger().split("\n\n") if b.startswith("| Verdict")) + "\n\n"


def claims_with(verdict: str) -> list[list[str]]:
    """Rows of `results/CLAIMS.md` with a verdict: id, what the report says, what we measured."""
    rows = re.findall(r"^\| (R\d\S*) \| (.*?) \| (.*?) \| (.*) \|$", _ledger(), re.MULTILINE)
    text = [(id_, says, re.sub(r"\[(.*?)\]\(.*?\)", r"\1", what)) for id_, says, own, what in rows
            if own == verdict]  # fmt: skip
    return [list(row) for row in text]


def judged(verdict: str) -> str:
    """The claims with a verdict, and what was measured."""
    return table(["claim", "the report says", "what we measured"], claims_with(verdict))


def open_claims() -> str:
    """The claims that are not decided: only what they say."""
    rows = [row[:2] for row in claims_with("cannot tell at this n")]
    return table(["claim", "the report says"], rows)
