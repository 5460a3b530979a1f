"""Run the searches of a plan with Ray Tune: one Tune run for all arms.

A searcher of Tune hands out what the board says is next. With `search_asha` a scheduler holds an
ASHA of Ray for each arm (Li et al. 2020, arXiv 1810.05934): trials are compared inside an arm
alone, since its stops depend on timing and would censor the worst arms.
"""

import contextlib
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.search import Searcher

from ganablate.search.trials import Turn, trial_of
from ganablate.study.plan import Plan
from ganablate.sweep.cluster import NodeWatch
from ganablate.sweep.events import Observer, Summary
from ganablate.sweep.failure import Failure
from ganablate.sweep.interrupt import Interruption, SweepInterruptedError
from ganablate.sweep.job import DEFAULT_ATTEMPT, Job, Progress
from ganablate.sweep.machine import Machine
from ganablate.sweep.profile import Profile
from ganablate.sweep.ray_session import remove_left_folders
from ganablate.sweep.relay import Relay, Work
from ganablate.sweep.search_state import SearchState
from ganablate.sweep.search_tune import (
    AshaInsideArms,
    SearchJobs,
    SearchTrainable,
    TurnSearcher,
    configuration,
)
from ganablate.sweep.supply import machine_for, session_on, work_of
from ganablate.sweep.trainable import INDEX, PROGRESS, StartLine
from ganablate.sweep.tune_round import run_round
from ganablate.tracking import Tracker
from ganablate.work import DataKey


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
            with interruption.listening(), contextlib.suppress(SweepInterruptedError):
                session = session_on(profile, machine, interruption, search.runs)
                watches = [NodeWatch(observer, profile.threads)] if profile.address else []
                _run(relay, len(first), attempt, session, watches)
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


class SearchRelay(Relay):
    """Tells the board as well, and gives Tune its next trial."""

    def __init__(
        self,
        search: SearchState,
        ready: Sequence[Turn],
        profile: Profile,
        machine: Machine,
        **told: Any,
    ) -> None:
        self._jobs: list[Work] = []
        super().__init__(self._jobs, retries=profile.retries, **told)
        self.search, self.profile, self.machine = search, profile, machine
        self._turns: list[Turn] = []
        self._index: dict[tuple[int, int], int] = {}
        self._ready = list(ready)
        self.one_by_one = False  # this round is of those that ran out of memory, and of no other

    def unfinished(self) -> list[int]:
        """Indices of the trials of this round that have neither ended nor failed for good."""
        board = self.search.board
        left = [i for i in super().unfinished() if not board.has_ended(self._turns[i])]
        return [i for i in left if self.one_by_one or i not in self.alone]

    def next_configuration(self) -> dict[str, Any] | str | None:
        """What Tune is to run next; see `TurnSearcher`."""
        if not self._ready and self.one_by_one:
            return Searcher.FINISHED
        if not self._ready:
            self._ready = self.search.available()
        if not self._ready:
            return None if self.search.board.waiting else Searcher.FINISHED
        turn = self._ready.pop(0)
        return configuration(self.index_of(turn), turn)

    def index_of(self, turn: Turn) -> int:
        """The index of its job, which is made where there is none yet."""
        key = (turn.arm, turn.number)
        if key not in self._index:
            self._index[key] = len(self._jobs)
            search = self.search
            owner = search.owner(trial_of(search.board.searches[turn.arm], turn))
            work = work_of([owner], search.wanted, self.profile, self.machine, search.runs)
            # What is found are settings: nobody looks at the networks of a search trial again.
            self._jobs.append(replace(work, job=replace(work.job, keep="none")))
            self._turns.append(turn)
        return self._index[key]

    def any_job(self) -> Job:
        """A job like all others but for its trial."""
        return self._jobs[self.index_of(self._ready[0])].job

    def again(self) -> int:
        """Begin another round of Tune: how many trials there are to try again, or to begin.

        As in a sweep, those that ran out of memory come after all others, one by one.
        """
        board = self.search.board
        board.take_back()
        turns = self.search.available()
        left = [turn for turn in turns if self.index_of(turn) not in self.failed]
        together = [turn for turn in left if self.index_of(turn) not in self.alone]
        self.one_by_one = not together
        self._ready = together or left
        for turn in turns:
            if turn not in self._ready:
                board.give_up(turn)
        return len(self._ready)

    def on_trial_result(
        self,
        iteration: int,
        trials: list[Any],
        trial: Any,
        result: Mapping[str, Any],
        **info: object,
    ) -> None:
        """An attempt advanced, was stopped, or ran out of memory."""
        progress: Any = result.get(PROGRESS)
        over = isinstance(progress, Progress) and bool(result.get("done"))
        turn = self._turns[trial.config[INDEX]]
        if over and progress.done:
            self.search.complete(turn)
        super().on_trial_result(iteration, trials, trial, result, **info)
        if over and not progress.done:
            self.search.stop(turn, progress)
            self._over(turn, progress)

    def _over(self, turn: Turn, progress: Progress) -> None:
        """Tell whoever watches of a trial that was behind; the tracker has it as interrupted."""
        arm = self.search.board.searches[turn.arm].arm
        told = replace(progress, done=True, outcome="stopped")
        self._observer.completed(arm, turn.number, told)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: object) -> None:
        """An attempt failed, and Tune does not try again: nobody waits for it in this round."""
        super().on_trial_error(iteration, trials, trial, **info)
        self.search.board.give_up(self._turns[trial.config[INDEX]])

    def attempt_failed(self, index: int, failure: Failure) -> None:
        """Count a failure. A trial that ran out of memory is over for this round."""
        super().attempt_failed(index, failure)
        if failure.kind == "memory":
            self.search.board.give_up(self._turns[index])


def _run(
    relay: SearchRelay,
    workers: int,
    attempt: str,
    session: AbstractContextManager[Path],
    watches: Sequence[tune.Callback],
) -> None:
    """Run Tune until every search has ended, or nothing moves any more.

    As in a sweep it takes one round, unless trials are lost or run out of memory beside others.
    """
    search, machine = relay.search, relay.machine
    searches = search.board.searches
    with session as folder:
        jobs = SearchJobs(tuple(searches), relay.any_job(), search.key)
        start_line = StartLine(folder / "workers", min(machine.slots, workers))
        trainable = tune.with_parameters(
            SearchTrainable, search=jobs, attempt=attempt, start_line=start_line
        )
        retries = relay.profile.retries
        while not relay.stopped:
            seen = (search.board.left, dict(relay.failures))
            why = run_round(
                trainable, machine, relay.profile,
                alone=relay.one_by_one, retries=retries, callbacks=[relay, *watches],
                folder=folder, search_alg=TurnSearcher(relay.next_configuration),
                scheduler=AshaInsideArms(searches) if search.key is not None else None,
                num_samples=search.board.left,
            )  # fmt: skip
            if seen == (search.board.left, relay.failures):
                for index in relay.unfinished():
                    relay.attempt_failed(index, Failure("other", why))
            if not search.board.left or not relay.again():
                return
            retries = 0
