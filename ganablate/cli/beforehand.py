"""What is looked at before a sweep begins, so that a slip costs a line instead of a night."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganablate import files
from ganablate.cli.console import RUNS, TRIALS, refuse
from ganablate.study.arms.grid import MOST_UNASKED
from ganablate.study.plan import Plan
from ganablate.trials.needs import state_of

if TYPE_CHECKING:
    from ganablate.sweep.profile import Profile


def agree_to_size(plans: Sequence[Plan], yes: bool) -> None:
    """Leave with exit code 2 where there is more to run than is run unasked."""
    own = {trial.trial_id: trial for plan in plans for trial in plan.trials}
    searched = sum(plan.search.left for plan in plans if plan.search is not None)
    if yes or len(own) + searched <= MOST_UNASKED:
        return
    trials = searched + sum(state_of(trial, TRIALS) != "complete" for trial in own.values())
    if trials > MOST_UNASKED:
        refuse(
            [
                f"{trials:,} trials to run, more than the {MOST_UNASKED:,} run unasked: add --yes "
                "if that is meant, or choose less by --budget, --arm or --replicates"
            ]
        )


def tracking_store(argument: str | None, profile: "Profile") -> str:
    """The address of the tracking store; one that is none ends the command."""
    from ganablate.tracking import resolve_uri

    try:
        return resolve_uri(RUNS, argument=argument, profile=profile.tracking_uri)
    except ValueError as error:
        refuse([str(error)])


def need_room(*folders: Path) -> None:
    """End the command unless something can be written to every folder, made already or not."""
    found = (files.obstacle(folder) for folder in folders)
    if obstacles := list(dict.fromkeys(line for line in found if line is not None)):
        refuse([f"{line}; nothing was started" for line in obstacles])
