"""What happened in a sweep so far: counts, outcomes, the speed, and the running trials."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ganablate.study.plan import Plan, Trial
from ganablate.sweep.job import Progress
from ganablate.sweep.screen.overview import LOSSES, NOT_ASSESSED, Overview, Running
from ganablate.trials.folder import TrialFolder
from ganablate.trials.outcome import OUTCOMES, OutcomeKind, outcome_of

MOST_JUDGED = 500
"""Most trials, complete before a sweep, that are judged at once; each takes a millisecond."""
_MOST_POINTS = 400
"""Points kept of a loss; those of a day of training, one every few seconds, are thinned."""
_LEAST_WORK = 0.02
"""Trials' worth of work, at least, that the time left is estimated from."""


def title_of(plans: Sequence[Plan]) -> str:
    """`mnist_ablation at cpu`; of several studies with commas between them."""
    return ", ".join(f"{plan.study} at {plan.budget}" for plan in plans)


class PlannedTrials:
    """The trials of plans; complete ones are judged by the metrics of the first plan with them."""

    def __init__(self, plans: Sequence[Plan] = (), trials_root: Path | None = None) -> None:
        self._root = trials_root
        self._trials: dict[str, tuple[Trial, tuple[str, ...]]] = {}
        self._studies: dict[str, str] = {}  # of each trial, where there are several
        for plan in plans:
            for trial in plan.trials:
                if len(plans) > 1:
                    self._studies.setdefault(trial.trial_id, plan.study)
                self._trials.setdefault(trial.trial_id, (trial, plan.measured))

    def __contains__(self, trial_id: str) -> bool:
        return trial_id in self._trials

    def epochs(self, trial_id: str) -> int | None:
        """The length of a trial's training, where it is known and given in epochs."""
        return self._trials[trial_id][0].config.epochs if trial_id in self else None

    def arm_name(self, trial_id: str, arm: str) -> str:
        """The name of a trial's arm, with the study's name before it if there are several."""
        study = self._studies.get(trial_id)
        return arm if study is None else f"{study}: {arm}"

    def outcome(self, trial_id: str) -> OutcomeKind | None:
        """The outcome of a trial; None: it is not complete, not assessed, or not readable."""
        if self._root is None or trial_id not in self:
            return None
        trial, measured = self._trials[trial_id]
        folder = TrialFolder(self._root, trial_id)
        try:
            return outcome_of(trial, folder, measured).kind if folder.complete else None
        except (OSError, ValueError, KeyError):  # whoever watches must not end the sweep
            return None

    def complete(self) -> list[str]:
        """Ids of the trials that are complete now."""
        root = self._root
        if root is None:
            return []
        return [id_ for id_ in self._trials if (root / id_ / "complete.json").exists()]


def outcome_counts(outcomes: Iterable[OutcomeKind | None]) -> dict[str, int]:
    """How many trials have each outcome, ok first, those that were not assessed last."""
    counts = Counter(outcome or NOT_ASSESSED for outcome in outcomes)
    return {name: counts[name] for name in (*OUTCOMES, NOT_ASSESSED) if counts[name]}


def _share_of(progress: Progress) -> float:
    """The share of its training that a trial has done, 0 to 1."""
    return min(progress.iteration / max(progress.total, 1), 1.0)


@dataclass
class _Reports:
    """When a trial first and last reported before its end, and its share done."""

    first: tuple[float, float]
    last: tuple[float, float]

    def training_share(self, done: float) -> float | None:
        """The share of a trial's time that training takes; the rest, until `done`, is measuring.

        None: it did not report often enough.
        """
        (began, first), (ended, last) = self.first, self.last
        if last <= first:
            return None
        whole = (ended - began) / (last - first)
        return min(whole / max(done - began + first * whole, 1e-9), 1.0)


class Pace:
    """Measures the work done since the first report of a sweep.

    A trial's work is its training and the measuring at its end, during which it does not report:
    the share of each is learnt from the trials that were seen to their end.
    """

    def __init__(self) -> None:
        self._began: float | None = None
        self._trained = 0.0  # trials' worth of training seen by this sweep
        self._complete = 0
        self._training_shares: list[float] = []
        self._reports: dict[str, _Reports] = {}

    def progressed(self, progress: Progress) -> None:
        """Note how far a trial is."""
        now, share = time.monotonic(), _share_of(progress)
        reports = self._reports.get(progress.trial_id)
        if reports is not None:
            before = reports.last[1]
        elif self._began is None:
            # The clock starts at the first report of all, so what came before it does not count.
            self._began, before = now, share
        else:  # what was restored is not this sweep's work
            before = min(progress.from_iteration / max(progress.total, 1), 1.0)
        self._trained += max(share - before, 0.0)
        if reports is None:
            self._reports[progress.trial_id] = _Reports((now, share), (now, share))
        else:
            reports.last = (now, share)

    def completed(self, progress: Progress) -> None:
        """Note that a trial is complete.

        One that ended early counts as a whole one: the others may end so too.
        """
        reports = self._reports.get(progress.trial_id)
        training = reports.training_share(time.monotonic()) if reports is not None else None
        if training is not None:
            self._training_shares.append(training)
        self.progressed(progress)
        self._trained += 1 - _share_of(progress)
        self._complete += 1
        self.forget(progress.trial_id)

    def forget(self, trial_id: str) -> None:
        """A trial is over."""
        self._reports.pop(trial_id, None)

    def seconds_left(self, running: Iterable[Progress], waiting: int) -> float | None:
        """The time that the running trials and so many waiting ones take at this speed.

        None: too little was done to tell.
        """
        if self._began is None:
            return None
        shares = self._training_shares
        training = sum(shares) / len(shares) if shares else 1.0
        worked = training * self._trained + (1 - training) * self._complete
        if worked < _LEAST_WORK:
            return None
        rest = waiting + sum(1 - training * _share_of(progress) for progress in running)
        return rest * (time.monotonic() - self._began) / worked


@dataclass
class _Trajectory:
    """A running trial: its last report, and its losses so far."""

    arm: str
    replicate: int
    progress: Progress
    curves: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def add(self, progress: Progress) -> None:
        """Note a report."""
        self.progress = progress
        for key in LOSSES.keys() & progress.losses.keys():
            points = self.curves.setdefault(key, [])
            points.append((_share_of(progress), progress.losses[key]))
            if len(points) > _MOST_POINTS:
                del points[1::2]


class Watch:
    """Counts what happened in a sweep; both kinds of screen show what it says."""

    def __init__(self, plans: Sequence[Plan] = (), trials_root: Path | None = None) -> None:
        self.total = 0
        self.done = 0
        self.failed = 0
        self.at_once = 0
        self.running: dict[str, _Trajectory] = {}
        self.outcomes: dict[str, OutcomeKind | None] = {}
        self._title = title_of(plans)
        self._trials = PlannedTrials(plans, trials_root)
        self._pace = Pace()

    def started(self, total: int, already_complete: int, at_once: int = 0) -> None:
        """Note how much there is to do, and the outcomes of what was done before."""
        self.total, self.done, self.at_once = total, already_complete, at_once
        if already_complete == total:
            return
        complete = self._trials.complete()
        if len(complete) <= MOST_JUDGED:
            self.outcomes = {id_: self._trials.outcome(id_) for id_ in complete}

    def progressed(self, arm: str, replicate: int, progress: Progress) -> None:
        """Note how far a trial is."""
        self._pace.progressed(progress)
        new = _Trajectory(arm, replicate, progress)
        self.running.setdefault(progress.trial_id, new).add(progress)

    def completed(self, arm: str, replicate: int, progress: Progress) -> str:
        """Note that a trial is complete; returns its outcome."""
        self._pace.completed(progress)
        self.ended(progress.trial_id, failed=False)
        outcome = self._trials.outcome(progress.trial_id)
        if progress.trial_id in self._trials:
            self.outcomes[progress.trial_id] = outcome
        return outcome or progress.outcome or "complete"

    def ended(self, trial_id: str, *, failed: bool) -> None:
        """Note that a trial is over."""
        self.running.pop(trial_id, None)
        self._pace.forget(trial_id)
        if failed:
            self.failed += 1
        else:
            self.done += 1

    def name(self, trial_id: str, arm: str, replicate: int) -> str:
        """The name of a trial: `baseline / 0`, of several studies `mine: baseline / 0`."""
        return f"{self._trials.arm_name(trial_id, arm)} / {replicate}"

    def seconds_left(self) -> float | None:
        """The time left at the speed so far; None while there is nothing to measure."""
        reports = [trial.progress for trial in self.running.values()]
        waiting = self.total - self.done - self.failed - len(reports)
        return self._pace.seconds_left(reports, waiting)

    def overview(self) -> Overview:
        """The state of the sweep now."""
        left = self.total - self.done - self.failed
        return Overview(
            title=self._title,
            total=self.total,
            done=self.done,
            failed=self.failed,
            running=[self._running(trial) for trial in self.running.values()],
            starting=max(0, min(self.at_once, left) - len(self.running)),
            outcomes=outcome_counts(self.outcomes.values()),
            seconds_left=self.seconds_left(),
        )

    def headline(self) -> str:
        """The state of the sweep in one line."""
        return self.overview().headline()

    def _running(self, trial: _Trajectory) -> Running:
        progress = trial.progress
        return Running(
            arm=self._trials.arm_name(progress.trial_id, trial.arm),
            replicate=trial.replicate,
            iteration=progress.iteration,
            total=progress.total,
            epochs=self._trials.epochs(progress.trial_id),
            losses=progress.losses,
            curves=trial.curves,
        )
