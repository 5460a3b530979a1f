"""Run the searches of a plan: a sweep whose rounds follow from the results of the rounds before.

A round is a fifth of the trials of every arm. All arms wait for the slowest trial of a round, and
each round starts its workers anew: at most five times a search, for what would otherwise be a
sweep of another kind.
"""

from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from ganablate.study.plan import Plan, Trial
from ganablate.study.search.arm_search import ArmSearch, SearchTrial
from ganablate.study.search.records import write_record
from ganablate.study.search.rounds import next_round, propose, searched_plan, trial_of
from ganablate.sweep.events import Observer, Summary
from ganablate.sweep.job import DEFAULT_ATTEMPT
from ganablate.sweep.profile import Profile
from ganablate.sweep.runner import Agenda, Round, Work, run_rounds
from ganablate.tracking import TrackedTrial, Tracker
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import DataKey, Measurements, needs_run
from ganablate.trials.outcome import outcome_of


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
    searches = _Searches(plan, runs.resolve(), fingerprints or {})
    first = searches.next_round()  # records all that is complete
    agenda = Agenda(
        total=sum(arm.trials for arm in searches.arms.values()),
        left=sum(arm.trials - len(arm.ended) for arm in searches.arms.values()),
        complete=searches.complete(),
        rounds=searches.rounds(first),
        cuda_named=any(arm.base.device == "cuda" for arm in searches.arms.values()),
        completed=searches.record,
    )
    return run_rounds(
        agenda,
        # What is found are settings: nobody looks at the networks of a search trial again.
        profile.model_copy(update={"keep": "none"}),
        observer=observer,
        tracker=tracker,
        runs=runs.resolve(),
        attempt=attempt,
    )


class _Searches:
    """The searches of a plan while they run, by arm."""

    def __init__(self, plan: Plan, runs: Path, fingerprints: Mapping[DataKey, str]) -> None:
        searched = searched_plan(plan)
        assert plan.search is not None
        assert searched is not None
        self.arms: dict[str, ArmSearch] = dict(plan.search.arms)
        self._plan, self._budget, self._measured = plan, searched.budget, searched.measured
        self._runs, self._trials = runs, runs / "trials"
        self._fingerprints = fingerprints
        self._values: dict[tuple[str, int], dict[str, Any]] = {}
        self._begun: set[tuple[str, int]] = set()

    def rounds(self, first: Round) -> Iterator[Round]:
        """The first round, then each next one, until nothing is left or what is left has failed."""
        round_ = first
        while round_.work:
            yield round_
            round_ = self.next_round()

    def next_round(self) -> Round:
        """What is to be run next, the arms side by side."""
        due = [trial for name in self.arms for trial in self._due(name)]
        due.sort(key=lambda trial: trial.replicate)
        self._begun |= {(trial.arm, trial.replicate) for trial in due}
        wanted = Measurements(self._measured)
        return Round([Work((self._tracked(trial),), wanted) for trial in due])

    def _due(self, name: str) -> list[Trial]:
        """The trials of an arm's round that are to be run; those that are complete are recorded.

        What was run in this sweep and has not ended has failed for good.
        """
        while numbers := next_round(self.arms[name]):
            trials = [self._proposed(name, number) for number in numbers]
            waiting = [trial for trial in trials if self._has_work(trial)]
            for trial in trials:
                if trial not in waiting:
                    self.record(trial)
            if waiting:
                return [t for t in waiting if (name, t.replicate) not in self._begun]
        return []

    def _proposed(self, name: str, number: int) -> Trial:
        values = propose(self.arms[name], number)
        self._values[name, number] = values
        return trial_of(self.arms[name], number, values)

    def _has_work(self, trial: Trial) -> bool:
        return needs_run(trial, Measurements(self._measured), self._trials, self._fingerprints)

    def record(self, trial: Trial) -> None:
        """Keep what came of a trial that is complete."""
        folder = TrialFolder(self._trials, trial.trial_id)
        value = self._plan.own(folder.metrics()["numbers"]).get(self._plan.primary)
        ended = SearchTrial(
            number=trial.replicate,
            trial_id=trial.trial_id,
            values=self._values[trial.arm, trial.replicate],
            value=float(value) if isinstance(value, int | float) and isfinite(value) else None,
            outcome=outcome_of(trial, folder, self._measured).kind,
            iterations=(folder.complete or {}).get("iterations", 0),
        )
        self.arms[trial.arm] = self.arms[trial.arm].with_trial(ended)
        write_record(self._runs, self.arms[trial.arm])

    def complete(self) -> list[TrackedTrial]:
        """The trials that are complete now."""
        return [
            self._tracked(trial_of(search, ended.number, ended.values))
            for search in self.arms.values()
            for ended in search.ended
        ]

    def _tracked(self, trial: Trial) -> TrackedTrial:
        return TrackedTrial(
            study=self._plan.study,
            budget=self._budget,
            trial=trial,
            trials_root=self._trials,
            metrics=self._measured,
        )
