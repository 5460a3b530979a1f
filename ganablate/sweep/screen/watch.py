"""What happened in a sweep so far: counts, the speed, and the losses of the trials that run."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ganablate.study.plan import Plan, Trial
from ganablate.sweep.job import Progress
from ganablate.sweep.screen.overview import LOSSES, NOT_ASSESSED, Overview, Running, epochs_of
from ganablate.sweep.screen.pace import Pace, share_of
from ganablate.trials.folder import TrialFolder
from ganablate.trials.outcome import OUTCOMES, OutcomeKind, outcome_of

MOST_JUDGED = 500
"""Trials of before a sweep that are judged at once; each takes about a millisecond."""
_MOST_POINTS = 400
"""Kept of a loss; a day of training at one a few seconds is thinned to that."""


def title_of(plans: Sequence[Plan]) -> str:
    """`mnist_ablation at cpu`; of several studies with commas between them."""
    return ", ".join(f"{plan.study} at {plan.budget}" for plan in plans)


class Judges:
    """Judges the complete trials of plans, each by what the first study with it measures."""

    def __init__(self, plans: Sequence[Plan] = (), trials_root: Path | None = None) -> None:
        self._root = trials_root
        self._known: dict[str, tuple[Trial, tuple[str, ...]]] = {}
        self._studies: dict[str, str] = {}  # of each trial, where there are several
        for plan in plans:
            for trial in plan.trials:
                if len(plans) > 1:
                    self._studies.setdefault(trial.trial_id, plan.study)
                self._known.setdefault(trial.trial_id, (trial, plan.measured))

    def trial(self, trial_id: str) -> Trial | None:
        """The trial of that id; None: no plan has it."""
        found = self._known.get(trial_id)
        return None if found is None else found[0]

    def arm(self, trial_id: str, arm: str) -> str:
        """What the arm of a trial is called: of several studies with the study's name before it."""
        study = self._studies.get(trial_id)
        return arm if study is None else f"{study}: {arm}"

    def outcome(self, trial_id: str) -> OutcomeKind | None:
        """What became of a trial; None: it is not complete, not assessed, or not readable."""
        if self._root is None or trial_id not in self._known:
            return None
        trial, measured = self._known[trial_id]
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
        return [id_ for id_ in self._known if (root / id_ / "complete.json").exists()]


def counted(outcomes: Mapping[str, OutcomeKind | None]) -> dict[str, int]:
    """How many trials have each outcome, ok first, those that were not assessed last."""
    counts = Counter(outcome or NOT_ASSESSED for outcome in outcomes.values())
    return {name: counts[name] for name in (*OUTCOMES, NOT_ASSESSED) if counts[name]}


@dataclass
class _Course:
    """A trial that runs: who it is, its last news, and its losses so far."""

    arm: str
    replicate: int
    progress: Progress
    curves: dict[str, list[tuple[float, float]]]

    def add(self, progress: Progress) -> None:
        """Take the news in."""
        self.progress = progress
        for key in LOSSES.keys() & progress.losses.keys():
            points = self.curves.setdefault(key, [])
            points.append((share_of(progress), progress.losses[key]))
            if len(points) > _MOST_POINTS:
                del points[1::2]


class Watch:
    """Counts what happened in a sweep; both kinds of screen show what it says."""

    def __init__(self, plans: Sequence[Plan] = (), trials_root: Path | None = None) -> None:
        self.total = 0
        self.done = 0
        self.failed = 0
        self.at_once = 0
        self.running: dict[str, _Course] = {}
        self.outcomes: dict[str, OutcomeKind | None] = {}
        self._title = title_of(plans)
        self._judges = Judges(plans, trials_root)
        self._pace = Pace()

    def started(self, total: int, already_complete: int, at_once: int = 0) -> None:
        """Note how much there is to do, and what became of what was done before."""
        self.total, self.done, self.at_once = total, already_complete, at_once
        if already_complete == total:
            return
        complete = self._judges.complete()
        if len(complete) <= MOST_JUDGED:
            self.outcomes = {id_: self._judges.outcome(id_) for id_ in complete}

    def progressed(self, arm: str, replicate: int, progress: Progress) -> None:
        """Note how far a trial is."""
        self._pace.heard(progress)
        course = self.running.get(progress.trial_id)
        if course is None:
            course = self.running[progress.trial_id] = _Course(arm, replicate, progress, {})
        course.add(progress)

    def completed(self, arm: str, replicate: int, progress: Progress) -> str:
        """Note that a trial is complete; returns what became of it."""
        self._pace.completed(progress)
        self.ended(progress.trial_id, failed=False)
        outcome = self._judges.outcome(progress.trial_id)
        if self._judges.trial(progress.trial_id) is not None:
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
        """What a trial is called: `baseline / 0`, of several studies `mine: baseline / 0`."""
        return f"{self._judges.arm(trial_id, arm)} / {replicate}"

    def seconds_left(self) -> float | None:
        """From the speed measured so far; None while there is nothing to measure."""
        running = [one.progress for one in self.running.values()]
        waiting = self.total - self.done - self.failed - len(running)
        return self._pace.seconds_left(running, waiting)

    def overview(self) -> Overview:
        """Where the sweep stands now."""
        left = self.total - self.done - self.failed
        return Overview(
            title=self._title,
            total=self.total,
            done=self.done,
            failed=self.failed,
            running=[self._running(one) for one in self.running.values()],
            starting=max(0, min(self.at_once, left) - len(self.running)),
            outcomes=counted(self.outcomes),
            seconds_left=self.seconds_left(),
        )

    def headline(self) -> str:
        """Where the sweep stands, in one line."""
        return self.overview().headline()

    def _running(self, course: _Course) -> Running:
        progress, trial = course.progress, self._judges.trial(course.progress.trial_id)
        return Running(
            arm=self._judges.arm(progress.trial_id, course.arm),
            replicate=course.replicate,
            iteration=progress.iteration,
            total=progress.total,
            epochs=epochs_of(trial.config if trial else None),
            losses=progress.losses,
            curves=course.curves,
        )
