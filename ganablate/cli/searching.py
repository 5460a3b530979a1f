"""The first part of `run` for a study with a search: tune inside each arm."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import typer
from rich.text import Text

from ganablate.cli.console import FAILED, INTERRUPTED, RESULTS, RUNS, TRIALS, err, out, refuse
from ganablate.study.expand import expand
from ganablate.study.plan import Plan
from ganablate.study.schema import Study
from ganablate.study.search.wording import search_lines

if TYPE_CHECKING:
    from ganablate.sweep.profile import Profile
    from ganablate.trials.needs import DataKey


def search_first(
    studies: Sequence[Study],
    plans: Sequence[Plan],
    profile: "Profile",
    fingerprints: "Mapping[DataKey, str]",
    uri: str,
) -> list[Study]:
    """Bring the searches of these plans to their end.

    One that does not come to its end ends the command; the same command goes on.

    Returns:
        The studies with what was found.
    """
    return [
        _search(study, plan, profile, fingerprints, uri)
        if plan.search is not None and plan.search.open
        else study
        for study, plan in zip(studies, plans, strict=True)
    ]


def _search(
    study: Study,
    plan: Plan,
    profile: "Profile",
    fingerprints: "Mapping[DataKey, str]",
    uri: str,
) -> Study:
    from ganablate.project.search_first import search_inside_arms, shown_plan
    from ganablate.sweep.machine import MachineError
    from ganablate.sweep.screen import screen_for

    out.print(Text(f"{plan.study} at {plan.budget}: searching inside each arm"), soft_wrap=True)
    shown = [shown_plan(plan)]
    screen = screen_for(out, shown, TRIALS, errors=err)
    try:
        summary, found = search_inside_arms(
            study, plan, profile,
            screen=screen, uri=uri, runs=RUNS, results=RESULTS, fingerprints=fingerprints,
        )  # fmt: skip
    except MachineError as error:
        refuse(str(error).splitlines())
    searched = expand(found, plan.budget, arms=[arm.name for arm in plan.arms])
    for line in search_lines(searched):
        out.print(Text(line), soft_wrap=True)
    if summary.interrupted:
        raise typer.Exit(INTERRUPTED)
    if searched.search is not None and searched.search.open:
        raise typer.Exit(FAILED)
    return found
