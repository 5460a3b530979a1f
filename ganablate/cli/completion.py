"""What the shell proposes: study files, and the budgets and arms of the studies on the line."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import typer

from ganablate.project.folders import HERE
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.reading.errors import StudyError
from ganablate.study.schema import Study


def study_files(incomplete: str) -> list[str]:
    """Study files that begin so: those in studies/, and whatever lies elsewhere."""
    folder = Path(incomplete) if incomplete.endswith("/") else Path(incomplete).parent
    files = {str(path) for place in (HERE.studies, folder) for path in place.glob("*.yaml")}
    return sorted(name for name in files if name.startswith(incomplete))


def budget_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Budgets of the studies on the line."""
    names = (name for study in _studies(ctx, ()) for name in study.budget_names)
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]


def arm_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Arms of the studies on the line, else of all in studies/, at the budget on the line."""
    budget = ctx.params.get("budget")
    studies = _studies(ctx, sorted(HERE.studies.glob("*.yaml")))
    plans = [expand(each, budget if budget in each.budget_names else None) for each in studies]
    names = dict.fromkeys(arm.name for plan in plans for arm in plan.arms)
    return [name for name in names if name.startswith(incomplete)]


def _studies(ctx: typer.Context, usual: Sequence[Path]) -> list[Study]:
    given = ctx.params.get("studies") or ctx.params.get("study")
    if given is None:  # an option that still waits for its value keeps arguments from being read
        given = [word for word in ctx.args if word.endswith((".yaml", ".yml"))] or usual
    studies = []
    for path in [given] if isinstance(given, str | Path) else given:
        with contextlib.suppress(StudyError):  # half a line is no time to tell mistakes
            studies.append(load_study(Path(path)))
    return studies
