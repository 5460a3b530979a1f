"""Run the searches of a plan with Ray Tune: one Tune run for all arms.

A searcher of Tune hands out what the board says is next. With `search_asha` a scheduler holds an
ASHA of Ray for each arm (Li et al. 2020, arXiv 1810.05934): trials are compared inside an arm
alone, since its stops depend on timing and would censor the worst arms.
"""

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path

from ray import tune

from ganablate.study.plan import Plan
from ganablate.sweep.events import Observer, Summary
from ganablate.sweep.failure import Failure
from ganablate.sweep.interrupt import Interruption, SweepInterruptedError
from ganablate.sweep.job import DEFAULT_ATTEMPT
from ganablate.sweep.profile import Profile
from ganablate.sweep.ray_session import remove_left_folders
from ganablate.sweep.search.callback import SearchRelay
from ganablate.sweep.search.state import SearchState
from ganablate.sweep.search.tune import AshaInsideArms, SearchJobs, SearchTrainable, TurnSearcher
from ganablate.sweep.supply import Session, machine_for, session_on
from ganablate.sweep.trainable import StartLine
from ganablate.sweep.tune_round import run_round
from ganablate.tracking import Tracker
from ganablate.trials.needs import DataKey


def run_search(  # noqa: PLR0913 - what, how, who watches, where
    plan: Plan,
    profile: Profile,
    *,
    observer: Observer,
    tracker: Tracker,
    runs: Path = Path("runs"),
    fingerprints: Mapping[DataKey, str] | None = None,
    attempt: str = DEFAULT_ATTEMPT,
) -> Summary:
    """Bring the search of every arm of a plan to its end, or to the end of its retries.

    What has ended is in `runs/searches`; trials that are complete are not run again. It can be
    interrupted as `run_sweep` can, and the same call goes on. A trial that fails for good leaves
    its arm without an end: the next call tries it again.

    Args:
        plan: With a search.
        profile: With which resources.
        observer: Is told what happens, in this thread; a trial's replicate is its number.
        tracker: Gets a copy of the trials; closed at the end, whatever happens.
        runs: Holds trials/, searches/, data/ and the rest.
        fingerprints: Of the data as it is now, where known.
        attempt: "module:function" of the attempt factory that workers import.

    Raises:
        MachineError: The machine lacks what the profile or a trial names; nothing was started.
    """
    began = time.monotonic()
    search = SearchState(plan, runs.resolve(), fingerprints or {})
    interruption = Interruption()
    first = search.available()  # tells the board of all that is complete
    total, before = search.total, search.total - search.board.left
    observer.started(total, before)
    relay: SearchRelay | None = None
    try:
        for trial in search.complete_trials():
            tracker.completed(search.owner(trial))
        if first:
            named = any(arm.base.device == "cuda" for arm in search.board.searches)
            machine = machine_for(
                profile, search.board.left, search.runs, interruption, cuda_named=named
            )
            relay = SearchRelay(
                search, first, profile, machine,
                observer=observer, tracker=tracker, interruption=interruption,
            )  # fmt: skip
            tracker.prepare()
            with (
                interruption.listening(),
                contextlib.suppress(SweepInterruptedError),
                session_on(profile, machine, search.runs, observer, interruption) as session,
            ):
                _run(relay, session, attempt, workers=len(first))
        else:
            remove_left_folders()  # no session of Ray begins, which would do it
    finally:
        tracker.close()
    failed = {} if relay is None else relay.failed
    stopped = "" if relay is None else relay.stopped
    summary = Summary(
        complete=total - search.board.left - before,
        failed=len(failed),
        reused=before,
        interrupted=interruption.requested and bool(search.board.left),
        wall_seconds=time.monotonic() - began,
        failures=() if relay is None else relay.failed_trials(),
        stopped=stopped,
    )
    observer.finished(summary)
    return summary


def _run(relay: SearchRelay, session: Session, attempt: str, workers: int) -> None:
    """Run Tune until every search has ended, or nothing moves any more.

    As in a sweep it takes one round, unless trials are lost or run out of memory beside others.
    """
    search, machine, profile = relay.search, relay.machine, relay.profile
    searches = search.board.searches
    trainable = tune.with_parameters(
        SearchTrainable,
        search=SearchJobs(tuple(searches), relay.any_job(), search.key),
        attempt=attempt,
        start_line=StartLine(session.folder / "workers", min(machine.slots, workers)),
    )
    retries = profile.retries
    while not relay.stopped:
        seen = (search.board.left, dict(relay.failures))
        why = run_round(
            trainable, relay, session, machine, profile,
            alone=relay.one_by_one, retries=retries,
            search_alg=TurnSearcher(relay.next_configuration),
            scheduler=AshaInsideArms(searches) if search.key is not None else None,
            num_samples=search.board.left,
        )  # fmt: skip
        if seen == (search.board.left, relay.failures):
            for index in relay.unfinished():
                relay.attempt_failed(index, Failure("other", why))
        if not search.board.left or not relay.again():
            return
        retries = 0
