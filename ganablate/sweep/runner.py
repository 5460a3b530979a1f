"""Run trials with Ray Tune, round by round in one session, and come back with how it went."""

import contextlib
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray import tune

from ganablate.catalog import DataKey
from ganablate.gan.data import downloads_beside
from ganablate.study.plan import Plan, Trial
from ganablate.study.plugins import loaded_plugins
from ganablate.sweep.cluster import NodeWatch, look_at_nodes
from ganablate.sweep.estimate import running_order
from ganablate.sweep.events import Observer, Summary
from ganablate.sweep.eviction import expect_evictions
from ganablate.sweep.job import DEFAULT_ATTEMPT, Failure, Job
from ganablate.sweep.machine import Machine, resolve, resolve_on, wants_cuda
from ganablate.sweep.profile import Profile
from ganablate.sweep.ray_session import (
    Interruption,
    SweepInterruptedError,
    cluster_session,
    ray_session,
    remove_left_folders,
)
from ganablate.sweep.trainable import INDEX, TrialTrainable
from ganablate.sweep.tune_callback import OwnedJob, Relay
from ganablate.sweep.worker_log import STANDSTILL_SECONDS
from ganablate.tracking import TrackedTrial, Tracker
from ganablate.trials.folder import one_line
from ganablate.trials.needs import Measurements, measurements_of, needs_run

_NO_END = "Ray Tune gave the trial up"


@dataclass(frozen=True)
class Work:
    """A trial that is to be run, for these places in studies (at least one)."""

    owners: tuple[TrackedTrial, ...]
    wanted: Measurements


@dataclass(frozen=True)
class Round:
    """What is run together, in plan order; `order` says which comes when, else as it stands."""

    work: Sequence[Work]
    order: Sequence[int] | None = None


@dataclass(frozen=True, kw_only=True)
class Agenda:
    """What a sweep is to do.

    Attributes:
        total: Trials of the sweep.
        left: Those of them that are to be run.
        complete: The places of the others in studies.
        rounds: Each is asked for when the one before has ended.
        cuda_named: Some trial that is to be run names the device `cuda` itself.
        stop_at: A time of `time.monotonic` at which it ends early, as by a signal.
        completed: Is told of each trial that becomes complete, before the observer is.
    """

    total: int
    left: int
    complete: Sequence[TrackedTrial]
    rounds: Iterable[Round]
    cuda_named: bool
    completed: Callable[[Trial], None] | None = None
    stop_at: float = math.inf


@dataclass(frozen=True)
class Session:
    """Ray as it runs for a sweep: a folder for Tune's files, and who watches the nodes."""

    profile: Profile
    machine: Machine
    folder: Path
    watches: tuple[tune.Callback, ...] = ()

    @property
    def stop_file(self) -> Path:
        """Its being there tells all workers to write a checkpoint and to stop."""
        return self.folder / "stop"


def run_sweep(  # noqa: PLR0913 - what, how, who watches, where
    plans: Sequence[Plan],
    profile: Profile,
    *,
    observer: Observer,
    tracker: Tracker,
    runs: Path = Path("runs"),
    fingerprints: Mapping[DataKey, str] | None = None,
    attempt: str = DEFAULT_ATTEMPT,
    stop_at: float = math.inf,
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
        stop_at: A time of `time.monotonic` at which it ends early, as by a signal.

    Raises:
        MachineError: The machine lacks what the profile or a trial names; nothing was started.
    """
    runs = runs.resolve()
    owners: dict[str, list[TrackedTrial]] = {}  # the places of each trial id, in plan order
    for plan in plans:
        for trial in plan.trials:
            owner = TrackedTrial(
                study=plan.study,
                budget=plan.budget,
                trial=trial,
                trials_root=runs / "trials",
                metrics=plan.measured,
            )
            owners.setdefault(trial.trial_id, []).append(owner)
    wanted = measurements_of(plans)
    work = {
        id_: Work(tuple(places), wanted[id_])
        for id_, places in owners.items()
        if needs_run(places[0].trial, wanted[id_], runs / "trials", fingerprints or {})
    }
    order = running_order(plans, list(work), profile, runs)
    agenda = Agenda(
        total=len(owners),
        left=len(work),
        complete=[owner for id_, places in owners.items() if id_ not in work for owner in places],
        rounds=[Round(list(work.values()), order)] if work else [],
        cuda_named=any(owners[id_][0].trial.config.device == "cuda" for id_ in work),
        stop_at=stop_at,
    )
    return run_rounds(
        agenda, profile, observer=observer, tracker=tracker, runs=runs, attempt=attempt
    )


def run_rounds(
    agenda: Agenda,
    profile: Profile,
    *,
    observer: Observer,
    tracker: Tracker,
    runs: Path,
    attempt: str,
) -> Summary:
    """Run one round after another in one session of Ray; the arguments are those of `run_sweep`.

    Tune starts the workers of each round anew, which takes some seconds.
    """
    began = time.monotonic()
    interruption = Interruption(agenda.stop_at)
    reused = agenda.total - agenda.left
    relays: list[Relay] = []
    cut_off = False
    try:
        machine = _machine_for(agenda, profile, runs, interruption) if agenda.left else None
        observer.started(agenda.total, reused, machine.slots if machine else 0)
        with interruption.listening():
            for owner in agenda.complete:
                tracker.completed(owner)
            if machine:
                tracker.prepare()
                with session_on(profile, machine, runs, observer, interruption) as session:
                    for round_ in agenda.rounds:
                        relay = Relay(
                            [_owned_job(work, profile, machine, runs) for work in round_.work],
                            retries=profile.retries,
                            observer=observer,
                            tracker=tracker,
                            interruption=interruption,
                            order=round_.order,
                            completed=agenda.completed,
                            stop_file=session.stop_file,
                            standstill_after=STANDSTILL_SECONDS,
                        )
                        relays.append(relay)
                        _run_round(relay, session, attempt, len(relays))
                        if relay.stopped:
                            break
            else:
                remove_left_folders()  # no session of Ray begins, which would do it
    except SweepInterruptedError:
        cut_off = True
    finally:
        tracker.close()
    summary = _summary(agenda, relays, interruption, began, cut_off=cut_off)
    observer.finished(summary)
    return summary


def _summary(
    agenda: Agenda,
    relays: Sequence[Relay],
    interruption: Interruption,
    began: float,
    *,
    cut_off: bool,
) -> Summary:
    """How a sweep went that was left in mid-course (`cut_off`) or not."""
    complete = sum(len(relay.complete) for relay in relays)
    failures = tuple(failure for relay in relays for failure in relay.failed_trials())
    stopped = relays[-1].stopped if relays else ""
    interrupted = cut_off and complete + len(failures) < agenda.left and not stopped
    return Summary(
        complete=complete,
        failed=len(failures),
        reused=agenda.total - agenda.left,
        interrupted=interrupted,
        wall_seconds=time.monotonic() - began,
        failures=failures,
        stopped=stopped,
        out_of_time=interrupted and not interruption.asked,
    )


def _machine_for(
    agenda: Agenda, profile: Profile, runs: Path, interruption: Interruption
) -> Machine:
    """Divide this machine, or the profile's cluster, among the trials that are to be run."""
    trials, named = agenda.left, agenda.cuda_named
    if profile.address is None:
        return resolve(profile, trials=trials, cuda_named=named)
    gpus = wants_cuda(profile, cuda_named=named)
    nodes = look_at_nodes(profile.address, runs, interruption, gpus=gpus)
    return resolve_on(nodes, profile, trials=trials, cuda_named=named)


@contextlib.contextmanager
def session_on(
    profile: Profile, machine: Machine, runs: Path, observer: Observer, interruption: Interruption
) -> Iterator[Session]:
    """Start Ray here, or join the profile's cluster.

    Raises:
        SweepInterruptedError: A signal came meanwhile, or hardly any time is left.
        MachineError: Ray did not start, or there is no cluster.
    """
    if interruption.ending:
        raise SweepInterruptedError
    if profile.address is None:
        with ray_session(machine, interruption) as folder:
            yield Session(profile, machine, folder)
    else:
        with cluster_session(profile.address, machine, interruption, runs) as folder:
            yield Session(profile, machine, folder, (NodeWatch(observer, profile.threads),))


def _owned_job(work: Work, profile: Profile, machine: Machine, runs: Path) -> OwnedJob:
    first = work.owners[0]
    job = Job(
        trial=first.trial,
        wanted=work.wanted,
        trials_root=runs / "trials",
        cache=(profile.data_cache or runs / "data").resolve(),
        data_root=(profile.data_root or downloads_beside(runs / "data")).resolve(),
        device=machine.device,
        precision=machine.precision,
        threads=machine.threads,
        checkpoint_seconds=profile.checkpoint_seconds,
        keep=profile.keep,
        study=first.study,
        budget=first.budget,
        plugins=loaded_plugins(),
    )
    return OwnedJob(job=job, owners=work.owners)


def _run_round(relay: Relay, session: Session, attempt: str, number: int) -> None:
    """Run Tune until every job of a round is over.

    It takes one call, unless Tune loses a trial, or one runs out of memory beside others: that
    is tried again in a later call, in which each trial is alone on its device.
    """
    machine, profile = session.machine, session.profile
    trainable = tune.with_parameters(
        TrialTrainable,
        jobs=[owned.job for owned in relay.jobs],
        attempt=attempt,
        start_folder=session.folder / f"workers-{number}",
        workers=min(machine.slots, len(relay.jobs)),
        stop_file=session.stop_file,
        standstill_after=STANDSTILL_SECONDS,
    )
    # On a cluster the CPUs are not ours alone to set.
    capped = profile.address is not None and profile.concurrency != "cores"
    retries = profile.retries
    while (unfinished := relay.unfinished()) and not relay.stopped:
        seen = (len(unfinished), dict(relay.failures))
        together = [index for index in unfinished if index not in relay.alone]
        # Tune does not retry a trial whose worker died between two trials; a second call
        # does. An error of Tune itself ends a call as well.
        why = _run_tune(
            tune.with_resources(trainable, machine.share(alone=not together)),
            together or unfinished,
            max_failures=retries,
            max_concurrent_trials=machine.slots if capped else None,
            callbacks=[relay, *session.watches],
            storage_path=str(session.folder),
        )
        if seen == (len(relay.unfinished()), relay.failures):
            for index in together or unfinished:
                relay.attempt_failed(index, Failure("other", why))
        retries = 0


def _run_tune(trainable: Any, indices: Sequence[int], **how: Any) -> str:
    """Run Tune until these jobs are done; returns why one that has no end then has none."""
    expect_evictions()
    try:
        tune.run(
            trainable,
            config={INDEX: tune.grid_search(list(indices))},
            reuse_actors=True,
            # Tune's own in a notebook would clear the cell that our lines are in.
            progress_reporter=tune.CLIReporter(),
            raise_on_failed_trial=False,
            verbose=0,
            **how,
        )
    except Exception as error:  # Tune's own, or of Ray below it: a second call goes on
        return f"{_NO_END}: {one_line(error)}"
    return _NO_END
