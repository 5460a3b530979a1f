"""Run the trials of plans with Ray Tune, and come back with how it went."""

import contextlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ray import tune
from ray.tune import TuneError

from ganablate.ledger import one_line
from ganablate.plugins import loaded_plugins
from ganablate.study.plan import Plan
from ganablate.sweep.events import Observer, Summary
from ganablate.sweep.failure import Failure
from ganablate.sweep.interrupt import Interruption, SweepInterruptedError
from ganablate.sweep.job import DEFAULT_ATTEMPT, Job
from ganablate.sweep.machine import Machine, resolve
from ganablate.sweep.profile import Profile
from ganablate.sweep.ray_session import ray_session, remove_left_folders
from ganablate.sweep.relay import Relay, Work
from ganablate.sweep.trainable import INDEX, StartLine, TrialTrainable
from ganablate.tracking import TrackedTrial, Tracker
from ganablate.work import DataKey, Wanted, has_work, wanted_of


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
    wanted = wanted_of(plans)
    known = fingerprints or {}
    pending = [
        id_
        for id_, (first, *_) in owned.items()
        if has_work(first.trial, wanted[id_], first.trials_root, known)
    ]
    waiting = frozenset(pending)
    machine = _machine(profile, owned, pending)
    jobs = _jobs(owned, pending, wanted, profile, machine, runs) if machine else []
    interruption = Interruption()
    relay = Relay(
        jobs,
        retries=profile.retries,
        observer=observer,
        tracker=tracker,
        interruption=interruption,
    )
    observer.started(len(owned), len(owned) - len(pending))
    try:
        with interruption.listening():
            for trial_id, owners in owned.items():
                if trial_id not in waiting:
                    for owner in owners:
                        tracker.completed(owner)
            if machine:
                with contextlib.suppress(SweepInterruptedError):
                    _run(relay, profile, machine, attempt, interruption)
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


def _run(
    relay: Relay, profile: Profile, machine: Machine, attempt: str, interruption: Interruption
) -> None:
    """Run Tune until every job is over.

    It takes one round, unless Tune loses a trial, or one runs out of memory beside others: that
    is tried again in a later round, in which each trial is alone on its device.
    """
    jobs = [work.job for work in relay.work]
    with ray_session(machine, interruption) as folder:
        start_line = StartLine(folder / "workers", machine.slots)
        trainable = tune.with_parameters(
            TrialTrainable, jobs=jobs, attempt=attempt, start_line=start_line
        )
        retries = profile.retries
        while (unfinished := relay.unfinished()) and not relay.stopped:
            seen = (len(unfinished), dict(relay.failures))
            together = [index for index in unfinished if index not in relay.alone]
            share = machine.share(alone=not together)
            # Tune does not retry a trial whose worker died between two trials; a second round
            # does. An error of Tune itself ends a round as well.
            why = "Ray Tune gave the trial up"
            try:
                tune.run(
                    tune.with_resources(trainable, share),
                    config={INDEX: tune.grid_search(together or unfinished)},
                    max_failures=retries,
                    reuse_actors=True,
                    callbacks=[relay],
                    # Tune's own in a notebook would clear the cell that our lines are in.
                    progress_reporter=tune.CLIReporter(),
                    storage_path=str(folder),
                    raise_on_failed_trial=False,
                    verbose=0,
                )
            except TuneError as error:
                why = f"{why}: {one_line(error)}"
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


def _machine(
    profile: Profile, owned: Mapping[str, list[TrackedTrial]], pending: Sequence[str]
) -> Machine | None:
    if not pending:
        return None
    cuda_named = any(owned[id_][0].trial.config.device == "cuda" for id_ in pending)
    return resolve(profile, trials=len(pending), cuda_named=cuda_named)


def _jobs(
    owned: Mapping[str, list[TrackedTrial]],
    pending: Sequence[str],
    wanted: Mapping[str, Wanted],
    profile: Profile,
    machine: Machine,
    runs: Path,
) -> list[Work]:
    data_root = profile.data_root.resolve() if profile.data_root else None
    return [
        Work(
            job=Job(
                trial=owned[id_][0].trial,
                wanted=wanted[id_],
                trials_root=runs / "trials",
                cache=runs / "data",
                data_root=data_root,
                device=machine.device,
                precision=machine.precision,
                threads=machine.threads,
                checkpoint_seconds=profile.checkpoint_seconds,
                keep=profile.keep,
                study=owned[id_][0].study,
                budget=owned[id_][0].budget,
                plugins=loaded_plugins(),
            ),
            owners=tuple(owned[id_]),
        )
        for id_ in pending
    ]
