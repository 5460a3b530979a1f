"""What `plan` says of the time that trials will take."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ganablate.cli.console import err, print_plain
from ganablate.cli.run import prepare
from ganablate.project.folders import HERE

if TYPE_CHECKING:
    from ganablate.study.schema import Study
    from ganablate.sweep.costs import Costs
    from ganablate.sweep.estimate import Estimate, Priced, Span
    from ganablate.sweep.profile import Profile
    from ganablate.trials.status import Survey


def estimated(
    surveyed: "Survey", profile: "Profile", rehearsing: "Sequence[Study] | None" = None
) -> "Estimate | None":
    """What the trials that wait will take; None where nothing is known, or there are none.

    Args:
        surveyed: The plan, and where its trials stand.
        profile: How they are to be executed.
        rehearsing: The studies given: arms of which nothing is known are rehearsed. None: they
            are not.
    """
    from ganablate.sweep.costs import Costs, conditions_of
    from ganablate.sweep.estimate import estimate, priced

    plan, waiting = surveyed.plan, surveyed.waiting
    if not waiting or profile.address is not None:
        return None
    costs = Costs(HERE.runs, conditions_of(profile, len(plan.trials)))
    if rehearsing is None and costs.know_nothing(plan, waiting):
        return None
    arms = priced(plan, waiting, costs)
    if rehearsing is not None and any(one.cost is None for one in arms):
        prepare([plan], profile, studies=rehearsing)
        _rehearse(arms, costs, profile.data_root)
        arms = priced(plan, waiting, costs)
    return estimate(plan, waiting, arms, costs, HERE.trials)


def _rehearse(arms: Sequence["Priced"], costs: "Costs", data_root: Path | None) -> None:
    """Rehearse what is not known, and keep what was found."""
    from ganablate.study.plugins import loaded_plugins
    from ganablate.sweep.rehearsal import Rehearsed, rehearse_all

    lacking: dict[str, Priced] = {}
    for one in arms:
        if one.cost is None:
            lacking.setdefault(one.work, one)
    asked = {
        work: Rehearsed(
            trial=one.first,
            wanted=one.wanted,
            conditions=costs.conditions,
            cache=HERE.runs.resolve() / "data",
            data_root=data_root.resolve() if data_root else None,
            plugins=loaded_plugins(),
        )
        for work, one in lacking.items()
    }
    count = f"{len(asked)} arm{'s' if len(asked) > 1 else ''}"
    err.print(f"rehearsing {count}, some seconds each", highlight=False)

    def told(work: str, fault: str | None) -> None:
        if fault is not None:
            line = f"{lacking[work].arm.name} cannot be rehearsed: {fault}"
            err.print(Text(line, style="red"), soft_wrap=True)

    found = rehearse_all(asked, slots=costs.conditions.slots, told=told)
    for work, cost in found.items():
        costs.keep(work, lacking[work].first.config, cost)


def print_estimate(found: "Estimate | None", profile: "Profile", *, arms: bool) -> None:
    """Print what the trials that wait will take; with `arms` a line for each arm as well."""
    if profile.address is not None:
        print_plain("time: not known, only what this machine takes can be")
        return
    if found is None:
        print_plain("time: not known" if arms else "time: not known; --estimate measures it")
        return
    from ganablate.text import duration

    at_a_time = f"{found.slots} trial{'s' if found.slots > 1 else ''} at a time"
    print_plain(
        f"time: about {duration(found.wall.likely)} ({_range(found.wall)}) with {at_a_time}; "
        f"{duration(found.working.likely)} ({_range(found.working)}) over {found.trials:,} trials"
    )
    width = max(map(len, found.each))
    for arm, seconds in found.each.items() if arms else ():
        source = "complete trials" if arm in found.of_trials else "a rehearsal"
        print_plain(f"  {arm:{width}}  {duration(seconds):>10} a trial, from {source}")
    if found.unknown:
        named = ", ".join(found.unknown[:5]) + (", ..." if len(found.unknown) > 5 else "")
        hint = "" if arms else "; --estimate measures them"
        print_plain(f"  without {len(found.unknown)} arms of unknown cost ({named}){hint}")


def _range(found: "Span") -> str:
    from ganablate.text import duration

    return f"{duration(found.low)} to {duration(found.high)}"


def time_as_json(found: "Estimate | None") -> Mapping[str, Any] | None:
    """The estimate as plain values, in seconds."""
    from dataclasses import asdict

    if found is None:
        return None
    return {
        **asdict(found),
        "of_trials": sorted(found.of_trials),
        "unknown": list(found.unknown),
    }
