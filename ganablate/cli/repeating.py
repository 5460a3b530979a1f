"""`run --force` and `run --retry-failed`: which trials are trained again, and which alone."""

from collections.abc import Sequence
from dataclasses import replace

from ganablate.cli.console import TRIALS, out, refuse
from ganablate.study.plan import Plan
from ganablate.study.reading.wording import unknown


def forced_trials(plans: Sequence[Plan], names: Sequence[str]) -> list[str]:
    """The ids of the trials that --force names, by id or by arm; a wrong name ends the command."""
    ids = dict.fromkeys(trial.trial_id for plan in plans for trial in plan.trials)
    arms = dict.fromkeys(arm.name for plan in plans for arm in plan.arms)
    problems = [
        f"--force: {unknown('an arm or the id of a trial here', name, [*arms, *ids])}"
        for name in names
        if name not in ids and name not in arms
    ]
    if problems:
        refuse(problems)
    named = set(names)
    return list(
        dict.fromkeys(
            trial.trial_id
            for plan in plans
            for trial in plan.trials
            if trial.trial_id in named or trial.arm in named
        )
    )


def retire_all(trial_ids: Sequence[str]) -> None:
    """Put the folders of these trials aside, with all that they hold, so that they run again.

    A trial that another process works on at this moment ends the command before anything is moved.
    """
    from ganablate.trials.folder import TrialFolder

    folders = [TrialFolder(TRIALS, trial_id) for trial_id in trial_ids]
    begun = [folder for folder in folders if folder.path.exists()]
    busy = [folder.trial_id for folder in begun if folder.is_claimed()]
    if busy:
        refuse([f"--force: trial {id_} is being run by another process" for id_ in busy])
    for folder in begun:
        with folder.claim():
            aside = folder.retire()
        out.print(f"trained again: {folder.trial_id} (kept as {aside.name})", highlight=False)


def only_failed(plans: Sequence[Plan]) -> list[Plan]:
    """The plans with the trials alone that failed; those without any are left out."""
    from ganablate.trials.needs import state_of

    kept = []
    for plan in plans:
        failed = tuple(trial for trial in plan.trials if state_of(trial, TRIALS) == "failed")
        if failed:
            kept.append(replace(plan, trials=failed))
    return kept
