"""What was searched inside each arm and found: a section below the table of arms."""

from ganablate.report.table.captions import MISSING
from ganablate.report.table.columns import TextColumn
from ganablate.report.table.effect_wording import significant
from ganablate.report.table.render import markdown_section
from ganablate.study.arms.settings import text_of
from ganablate.study.plan import Plan
from ganablate.study.search.arm_search import Search
from ganablate.study.search.wording import ended_text, how

TITLE = "Found by the search inside each arm"


def search_columns(search: Search) -> list[TextColumn]:
    """The columns of the section: an arm a row."""
    arms = list(search.arms.values())
    columns = [TextColumn("Arm", [arm.arm for arm in arms], left=True)]
    for name in search.spaces:
        found = [
            text_of(name, arm.found.values[name]) if arm.found and name in arm.spaces else MISSING
            for arm in arms
        ]
        columns.append(TextColumn(name, found))
    best = [None if arm.found is None else arm.found.value for arm in arms]
    texts = [MISSING if value is None else significant(value) for value in best]
    columns.append(TextColumn(f"{search.column}, best of search", texts))
    return [*columns, TextColumn("Search trials", [ended_text(arm) for arm in arms], left=True)]


def search_notes(search: Search) -> list[str]:
    """How it was searched, and what its numbers are not: one a paragraph."""
    lines = [
        f"Searched inside each arm before its replicates: {how(search)}. The replicates were "
        "trained with the values found, on seeds that no search trial had; they alone are in the "
        "table of arms.",
        f"The best {search.column} of a search is the luckiest of several, on the search's own "
        "seeds and length: it is no estimate of the arm. What an arm comes to depends on how much "
        "it was searched (Lucic et al. 2018, arXiv 1711.10337); here all had as many trials.",
    ]
    if edges := _at_edges(search):
        lines.append(f"At the edge of its space, so the best may lie outside: {edges}.")
    if search.open:
        lines.append(f"Not searched to its end yet: {', '.join(search.open)}.")
    return lines


def _at_edges(search: Search) -> str:
    """Values found within a twentieth of their range of its end, which is in logs where it is."""
    found = []
    for arm in search.arms.values():
        for name, space in arm.spaces.items():
            if arm.found is not None and space.near_edge(arm.found.values[name]):
                found.append(f"{arm.arm} ({name} {text_of(name, arm.found.values[name])})")
    return ", ".join(found)


def search_section(plan: Plan) -> str:
    """The section in markdown; empty where the study searches nothing."""
    if plan.search is None:
        return ""
    return markdown_section(TITLE, search_columns(plan.search), search_notes(plan.search))
