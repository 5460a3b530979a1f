"""What a person may want to type after a sweep."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganablate.cli.console import FAILED, print_plain
from ganablate.study.plan import FULL, Plan
from ganablate.study.schema import Study

if TYPE_CHECKING:
    from ganablate.report.files import ReportFiles

_WIDTH = 80
_MOST_STUDIES = 3
"""Studies of one sweep whose next commands are told."""


def print_next(
    paths: Sequence[Path],
    studies: Sequence[Study],
    reports: "Sequence[tuple[Plan, ReportFiles]]",
    code: int,
) -> None:
    """Print the next commands of a sweep that ended with this code: 0, or some trial failed."""
    if code not in (0, FAILED):
        return  # how an interrupted one goes on was said
    steps: dict[str, str] = {}
    for path, study, (plan, files) in zip(paths[:_MOST_STUDIES], studies, reports, strict=False):
        usual = plan.budget == study.default_budget
        on_line = f"{path}" if usual else f"{path} --budget {plan.budget}"
        steps |= _after_failure(on_line) if code else _after_success(on_line, plan, files)
        if not usual and plan.budget != FULL:
            steps[f"ganablate run {path}"] = f"the study at its budget {study.default_budget}"
    for number, (command, purpose) in enumerate(steps.items()):
        line = f"{'     ' if number else 'next:'} {command}"
        commented = f"{line}   # {purpose}"
        print_plain(commented if len(commented) <= _WIDTH else line)


def _after_failure(on_line: str) -> dict[str, str]:
    """Command -> what it is for; `on_line` are the study file and its budget."""
    return {
        f"ganablate status {on_line}": "which trials failed, and why",
        f"ganablate run {on_line} --retry-failed": "those again",
    }


def _after_success(on_line: str, plan: Plan, files: "ReportFiles") -> dict[str, str]:
    from ganablate.report.table.summary import UNDECIDED

    compared = [arm for arm in plan.arms if arm.compare_to is not None and not arm.null]
    arm = compared[0] if compared else plan.arms[0]
    steps = {f"ganablate show {shlex.quote(arm.name)} {on_line} --open": "an arm, and the page"}
    if any(sentence.lead.startswith(UNDECIDED) for sentence in files.sentences):
        steps[f"ganablate run {on_line} --until-decided"] = "more replicates where it is open"
    elif arm.compare_to is not None and not arm.null:
        both = shlex.join([arm.compare_to, arm.name])
        steps[f"ganablate compare {both} {on_line}"] = "two arms side by side"
    return steps
