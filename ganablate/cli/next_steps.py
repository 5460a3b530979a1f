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
        own = "" if plan.budget == study.default_budget else f" --budget {plan.budget}"
        steps |= _steps(f"{path}{own}", plan, files, failed=code == FAILED)
        if own and plan.budget != FULL:
            steps[f"ganablate run {path}"] = f"the study at its budget {study.default_budget}"
    for place, (command, what) in enumerate(steps.items()):
        line = f"{'     ' if place else 'next:'} {command}"
        said = f"{line}   # {what}"
        print_plain(said if len(said) <= _WIDTH else line)


def _steps(at: str, plan: Plan, files: "ReportFiles", *, failed: bool) -> dict[str, str]:
    """Command -> what it is for. `at` are the study file and its budget on the command line."""
    from ganablate.report.table.summary import UNDECIDED

    if failed:
        return {
            f"ganablate status {at}": "which trials failed, and why",
            f"ganablate run {at} --retry-failed": "those again",
        }
    arm = next((one for one in plan.arms if one.compare_to is not None and not one.null), None)
    name = shlex.quote((arm or plan.arms[0]).name)
    steps = {f"ganablate show {name} {at} --open": "an arm, and the page"}
    if any(one.lead.startswith(UNDECIDED) for one in files.sentences):
        steps[f"ganablate run {at} --until-decided"] = "more replicates where it is open"
    elif arm is not None and arm.compare_to is not None:
        both = shlex.join([arm.compare_to, arm.name])
        steps[f"ganablate compare {both} {at}"] = "two arms side by side"
    return steps
