"""What `plan` says of the time that trials will take."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from ganablate.cli.console import err, print_plain
from ganablate.cli.run import prepare
from ganablate.project.folders import HERE
from ganablate.text import aligned, counted, duration, joined

if TYPE_CHECKING:
    from ganablate.study.schema import Study
    from ganablate.sweep.estimate import Estimate
    from ganablate.sweep.profile import Profile
    from ganablate.trials.status import PlanStatus


def estimated(
    surveyed: "PlanStatus", profile: "Profile", rehearsing: "Sequence[Study] | None" = None
) -> "Estimate | None":
    """What the trials that wait will take; None where nothing is known, or there are none.

    Arms of which nothing is known are rehearsed where `rehearsing` has the studies given.
    """
    from ganablate.sweep.estimate import Costs, arm_costs, estimate, rehearse_all
    from ganablate.sweep.machine import environment, worker_environment

    plan, waiting = surveyed.plan, surveyed.waiting
    costs = Costs(HERE.runs, profile)
    if not waiting or profile.address is not None:
        return None
    if rehearsing is None and costs.know_nothing(plan, waiting):
        return None
    arms = arm_costs(plan, waiting, costs)
    if rehearsing is not None and any(arm.cost is None for arm in arms.values()):
        with environment(worker_environment(profile.threads)):
            prepare([plan], profile, studies=rehearsing)
            err.print("timing some seconds of each kind of work", highlight=False)
            rehearse_all(arms, costs, lambda line: err.print(Text(line, "red"), soft_wrap=True))
        arms = arm_costs(plan, waiting, costs)
    return estimate(plan, waiting, arms, costs)


def print_estimate(time: "Estimate | None", profile: "Profile", *, arms: bool) -> None:
    """Print what the trials that wait will take; with `arms` a line for each arm as well."""
    if profile.address is not None:
        print_plain("time: not known, only what this machine takes can be")
        return
    if time is None:
        print_plain("time: not known" if arms else "time: not known; --estimate measures it")
        return
    low, likely, high = (duration(time.wall[end]) for end in ("low", "likely", "high"))
    print_plain(
        f"time: about {likely} ({low} to {high}) with {counted(time.slots, 'trial')} at a time; "
        f"{duration(time.working['likely'])} over {counted(time.trials, 'trial')}"
    )
    if arms:
        rows = []
        for arm, seconds in time.each.items():
            source = "complete trials" if arm in time.of_trials else "a rehearsal"
            rows.append((f"  {arm}", duration(seconds), f"a trial, from {source}"))
        print_plain("\n".join(aligned(rows, right=[1])))
    if time.unknown:
        hint = "" if arms else "; --estimate measures them"
        count = counted(len(time.unknown), "arm")
        print_plain(f"  without {count} of unknown cost ({joined(time.unknown, 5)}){hint}")
