"""Run the searches of a plan: a sweep whose rounds follow from the results of the rounds before.

A round is a fifth of the trials of every arm. All arms wait for the slowest trial of a round, and
each round starts its workers anew: at most five times a search, for what would otherwise be a
sweep of another kind.
"""

from collections.abc import Iterator, Mapping
from math import inf, isfinite
from pathlib import Path

from ganablate.catalog import DataKey
from ganablate.study.plan import Plan, Trial
from ganablate.study.search.arm_search import SearchTrial
from ganablate.study.search.records import write_record
from ganablate.study.search.rounds import next_round, propose, searched_plan, trial_of
from ganablate.sweep.events import Observer, Summary
from ganablate.sweep.job import DEFAULT_ATTEMPT
from ganablate.sweep.profile import Profile
from ganablate.sweep.runner import Agenda, Round, Work, run_rounds
from ganablate.tracking import TrackedTrial, Tracker
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import Measurements, needs_run
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
    stop_at: float = inf,
) -> Summary:
    """Bring the search of every arm of a plan to its end, or to the end of its retries.

    What has ended is in `runs/searches`; trials that are complete are not run again. It can be
    interrupted as `run_sweep` can, and the same call goes on. A trial that fails for good leaves
    its arm without an end: the next call tries it again. The arguments are those of `run_sweep`,
    for one plan with a search; the observer is told a trial's number as its replicate.

    Raises:
        MachineError: The machine lacks what the profile or a trial names; nothing was started.
    """
    runs = runs.resolve()
    searches = _Searches(plan, runs, fingerprints or {})
    first = searches.next_round()  # records all that is complete
    agenda = Agenda(
        total=sum(arm.trials for arm in searches.arms.values()),
        left=sum(arm.trials - len(arm.ended) for arm in searches.arms.values()),
        complete=[
            searches.tracked(trial_of(arm, ended.number, ended.values))
            for arm in searches.arms.values()
            for ended in arm.ended
        ],
        rounds=searches.rounds(first),
        cuda_named=any(arm.base.device == "cuda" for arm in searches.arms.values()),
        completed=searches.record,
        stop_at=stop_at,
    )
    # Only the best values are used: nobody looks at the networks of a search trial again.
    profile = profile.model_copy(update={"keep": "none"})
    return run_rounds(
        agenda, profile, observer=observer, tracker=tracker, runs=runs, attempt=attempt
    )


class _Searches:
    """The searches of a plan while they run, by arm."""

    def __init__(self, plan: Plan, runs: Path, fingerprints: Mapping[DataKey, str]) -> None:
        searched = searched_plan(plan)
        assert plan.search is not None
        assert searched is not None
        self.arms = dict(plan.search.arms)
        self._plan, self._measurements = searched, Measurements(searched.measured)
        self._runs, self._trials = runs, runs / "trials"
        self._fingerprints = fingerprints
        self._begun: set[str] = set()

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
        self._begun |= {trial.trial_id for trial in due}
        return Round([Work((self.tracked(trial),), self._measurements) for trial in due])

    def _due(self, name: str) -> list[Trial]:
        """The trials of an arm's round that are to be run; those that are complete are recorded.

        What was run in this sweep and has not ended has failed for good.
        """
        while numbers := next_round(self.arms[name]):
            search = self.arms[name]
            waiting = []
            for trial in (trial_of(search, n, propose(search, n)) for n in numbers):
                if needs_run(trial, self._measurements, self._trials, self._fingerprints):
                    waiting.append(trial)
                else:
                    self.record(trial)
            if waiting:
                return [trial for trial in waiting if trial.trial_id not in self._begun]
        return []

    def record(self, trial: Trial) -> None:
        """Keep the result of a trial that is complete."""
        folder = TrialFolder(self._trials, trial.trial_id)
        value = self._plan.by_column(folder.metrics()["numbers"]).get(self._plan.primary)
        ended = SearchTrial(
            number=trial.replicate,
            trial_id=trial.trial_id,
            values=self.arms[trial.arm].values(trial.config),
            value=float(value) if isinstance(value, int | float) and isfinite(value) else None,
            outcome=outcome_of(trial, folder, self._plan.measured).kind,
            iterations=(folder.complete or {}).get("iterations", 0),
        )
        self.arms[trial.arm] = self.arms[trial.arm].with_trial(ended)
        write_record(self._runs, self.arms[trial.arm])

    def tracked(self, trial: Trial) -> TrackedTrial:
        """A trial with its place."""
        return TrackedTrial(
            study=self._plan.study,
            budget=self._plan.budget,
            trial=trial,
            trials_root=self._trials,
            metrics=self._plan.measured,
        )
