"""The first part of a run of a study with a search: tune inside each arm, then plan anew."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from ganablate.study.plan import Plan
from ganablate.study.schema import Study
from ganablate.study.search.records import recalled
from ganablate.sweep.events import Observer, Summary
from ganablate.sweep.profile import Profile
from ganablate.trials.needs import DataKey


class Watching(Observer, Protocol):
    """An observer that is closed at the end."""

    def close(self) -> None:
        """Leave the terminal as it was."""


def shown_plan(plan: Plan) -> Plan:
    """What a screen shows of a search: its name alone, since its trials are not known before."""
    return replace(plan, budget=f"{plan.budget}, search", trials=())


def search_inside_arms(  # noqa: PLR0913 - what, how, who watches, where
    study: Study,
    plan: Plan,
    profile: Profile,
    *,
    screen: Watching,
    uri: str,
    runs: Path,
    results: Path,
    fingerprints: Mapping[DataKey, str],
) -> tuple[Summary, Study]:
    """Bring the searches of a plan to their end.

    Args:
        study: The study.
        plan: Of the study, with a search.
        profile: With which resources.
        screen: Is told what happens; closed at the end.
        uri: The MLflow store.
        runs: Holds trials/, searches/ and the rest.
        results: Holds what records say of searches.
        fingerprints: Of the data as it is now.

    Returns:
        How it went, and the study with what was found.

    Raises:
        MachineError: The machine lacks what the profile or a trial names; nothing was started.
    """
    from ganablate.sweep.search import run_search
    from ganablate.tracking import MlflowTracker

    try:
        summary = run_search(
            plan,
            profile,
            observer=screen,
            tracker=MlflowTracker(uri, runs, screen.warned),
            runs=runs,
            fingerprints=fingerprints,
        )
    finally:
        screen.close()
    return summary, recalled(study, runs, results)
