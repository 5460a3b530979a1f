"""What the shell proposes: study files, and the budgets and arms of the study on the line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from ganablate.project.folders import HERE
from ganablate.study.reading.errors import StudyError
from ganablate.study.schema import Study


def study_files(incomplete: str) -> list[str]:
    """Study files that begin so: those in studies/, and whatever lies elsewhere."""
    typed = Path(incomplete)
    folder = typed if incomplete.endswith("/") else typed.parent
    found = [*HERE.study_files, *(folder.glob("*.yaml") if folder.is_dir() else ())]
    return [name for name in sorted({str(path) for path in found}) if name.startswith(incomplete)]


def budget_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Budgets of the studies on the line."""
    names = (name for study in _studies(ctx) for name in study.budget_names)
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]


def arm_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Arms of the studies on the line, at the budget on the line."""
    from ganablate.study.expand import expand

    names: dict[str, None] = {}
    for study in _studies(ctx):
        budget = ctx.params.get("budget")
        try:
            plan = expand(study, budget if budget in study.budget_names else None)
        except StudyError:
            continue
        names |= {arm.name: None for arm in plan.arms}
    return [name for name in names if name.startswith(incomplete)]


def _studies(ctx: typer.Context) -> Iterator[Study]:
    from ganablate.study.load import load_study

    given: Any = ctx.params.get("studies") or ctx.params.get("study")
    if given is None:  # an option that still waits for its value keeps arguments from being read
        given = [word for word in ctx.args if word.endswith((".yaml", ".yml"))]
    for path in [given] if isinstance(given, str | Path) else given:
        try:
            yield load_study(Path(path))
        except StudyError:
            continue  # half a line is no time to tell mistakes


def arms_of_all(ctx: typer.Context, incomplete: str) -> list[str]:
    """Arms of the studies on the line, else of all in studies/, at their default budgets."""
    from ganablate.study.expand import expand
    from ganablate.study.load import load_study

    names = dict.fromkeys(arm_names(ctx, incomplete))
    for path in [] if names else HERE.study_files:
        try:
            names |= {arm.name: None for arm in expand(load_study(path)).arms}
        except StudyError:
            continue
    return [name for name in names if name.startswith(incomplete)]
