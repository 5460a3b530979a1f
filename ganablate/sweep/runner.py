"""Run the trials of plans with Ray Tune, and come back with how it went."""

import contextlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ray import tune

from ganablate.study.plan import Plan
from ganablate.sweep.estimate import running_order
from ganablate.sweep.events import Observer, Summary
from ganablate.sweep.failure import Failure
from ganablate.sweep.interrupt import Interruption, SweepInterruptedError
from ganablate.sweep.job import DEFAULT_ATTEMPT
from ganablate.sweep.machine import Machine
from ganablate.sweep.profile import Profile
from ganablate.sweep.ray_session import remove_left_folders
from ganablate.sweep.supply import Session, machine_for, owned_job, session_on
from ganablate.sweep.trainable import INDEX, StartLine, TrialTrainable
from ganablate.sweep.tune_callback import Relay
from ganablate.sweep.tune_round import run_round
from ganablate.tracking import TrackedTrial, Tracker
from ganablate.trials.needs import DataKey, measurements_of, needs_run


def run_sweep(  # noqa: PLR0913 - what, how, who watches, where
    plans: Sequence[Plan],
    profile: Profile,
    *,
    observer: Observer,
    tracker: Tracker,
    runs: Path = Path("runs"),
    fingerprints: Mapping[DataKey, str] | None = None,
    attempt: str = DEFAULT_ATTEMPT,
) -> Summary:
    """Bring every trial of the plans to completion, or to the end of its retries.

    A trial that several plans share is run once. Complete trials are not run again, unless a
    metric or a probe is missing, which is then measured, or measurements during training are,
    which takes training again. SIGINT and SIGTERM end the sweep early: workers are
    stopped, their last checkpoints stay, and the same call goes on from there. So does a disk that
    takes nothing more, once a trial has met it on its last attempt.

    Args:
        plans: What to run, in this order.
        profile: With which resources.
        observer: Is told what happens, in this thread.
        tracker: Gets a copy of the results; closed at the end, whatever happens.
        runs: Holds trials/, data/ and the rest.
        fingerprints: Of the data as it is now, where known; what saw other bytes runs again.
        attempt: "module:function" of the attempt factory that workers import.

    Raises:
        MachineError: The machine lacks what the profile or a trial names; nothing was started.
    """
    began = time.monotonic()
    runs = runs.resolve()
    owned = _owners(plans, runs / "trials")
    wanted = measurements_of(plans)
    known = fingerprints or {}
    pending = [
        id_
        for id_, (first, *_) in owned.items()
        if needs_run(first.trial, wanted[id_], first.trials_root, known)
    ]
    waiting = frozenset(pending)
    interruption = Interruption()
    named = any(owned[id_][0].trial.config.device == "cuda" for id_ in pending)
    machine = (
        machine_for(profile, len(pending), runs, interruption, cuda_named=named)
        if pending
        else None
    )
    jobs = (
        [owned_job(owned[id_], wanted[id_], profile, machine, runs) for id_ in pending]
        if machine
        else []
    )
    relay = Relay(
        jobs,
        retries=profile.retries,
        observer=observer,
        tracker=tracker,
        interruption=interruption,
        order=running_order(plans, pending, profile, runs),
    )
    observer.started(len(owned), len(owned) - len(pending), machine.slots if machine else 0)
    try:
        with interruption.listening():
            for trial_id, owners in owned.items():
                if trial_id not in waiting:
                    for owner in owners:
                        tracker.completed(owner)
            if machine:
                tracker.prepare()
                with (
                    contextlib.suppress(SweepInterruptedError),
                    session_on(profile, machine, runs, observer, interruption) as session,
                ):
                    _run(relay, session, machine, profile, attempt)
            else:
                remove_left_folders()  # no session of Ray begins, which would do it
    finally:
        tracker.close()
    summary = Summary(
        complete=len(relay.complete),
        failed=len(relay.failed),
        reused=len(owned) - len(pending),
        interrupted=bool(relay.unfinished()) and not relay.stopped,
        wall_seconds=time.monotonic() - began,
        failures=relay.failed_trials(),
        stopped=relay.stopped,
    )
    observer.finished(summary)
    return summary


def _run(relay: Relay, session: Session, machine: Machine, profile: Profile, attempt: str) -> None:
    """Run Tune until every job is over.

    It takes one round, unless Tune loses a trial, or one runs out of memory beside others: that
    is tried again in a later round, in which each trial is alone on its device.
    """
    trainable = tune.with_parameters(
        TrialTrainable,
        jobs=[owned.job for owned in relay.jobs],
        attempt=attempt,
        start_line=StartLine(session.folder / "workers", machine.slots),
    )
    retries = profile.retries
    while (unfinished := relay.unfinished()) and not relay.stopped:
        seen = (len(unfinished), dict(relay.failures))
        together = [index for index in unfinished if index not in relay.alone]
        # Tune does not retry a trial whose worker died between two trials; a second round
        # does. An error of Tune itself ends a round as well.
        why = run_round(
            trainable, relay, session, machine, profile,
            alone=not together, retries=retries,
            config={INDEX: tune.grid_search(together or unfinished)},
        )  # fmt: skip
        if seen == (len(relay.unfinished()), relay.failures):
            for index in together or unfinished:
                relay.attempt_failed(index, Failure("other", why))
        retries = 0


def _owners(plans: Sequence[Plan], root: Path) -> dict[str, list[TrackedTrial]]:
    """The places of each trial id, in plan order."""
    owned: dict[str, list[TrackedTrial]] = {}
    for plan in plans:
        for trial in plan.trials:
            owner = TrackedTrial(
                study=plan.study,
                budget=plan.budget,
                trial=trial,
                trials_root=root,
                metrics=plan.measured,
            )
            owned.setdefault(trial.trial_id, []).append(owner)
    return owned
