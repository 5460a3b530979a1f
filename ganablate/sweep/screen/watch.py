"""The state of a sweep: as its process hears of it, or as the trial folders tell it."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ganablate.files import read_json
from ganablate.study.plan import Plan, Trial
from ganablate.sweep.job import Progress
from ganablate.sweep.screen.overview import LOSSES, Overview, Running, share_of
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import TrialStatus
from ganablate.trials.outcome import OUTCOMES, OutcomeKind, outcome_of

_MOST_JUDGED = 500
"""Most trials, complete before a sweep, that are judged at once; each takes a millisecond."""
_MOST_POINTS = 400
"""Points kept of a loss; those of a day of training, one every few seconds, are thinned."""
_LEAST_WORK = 0.02
"""Trials' worth of work, at least, that the time left is estimated from."""
_LATEST = 20
"""Complete trials whose durations are averaged."""
_NOT_ASSESSED = "not assessed"


class _Pace:
    """Measures the work done since the first report of a sweep.

    A trial's work is its training and the measuring at its end, during which it does not report:
    the share of each is learnt from the trials that were seen to their end.
    """

    def __init__(self) -> None:
        self._began: float | None = None
        self._trained = 0.0  # trials' worth of training seen by this sweep
        self._complete = 0
        self._training_shares: list[float] = []
        # The first and the last report of each running trial: when, and the share done.
        self._reports: dict[str, list[tuple[float, float]]] = {}

    def progressed(self, progress: Progress) -> None:
        now, share = time.monotonic(), share_of(progress.iteration, progress.total)
        reports = self._reports.setdefault(progress.trial_id, [])
        if reports:
            before = reports[-1][1]
        elif self._began is None:
            # The clock starts at the first report of all, so what came before it does not count.
            self._began, before = now, share
        else:  # what was restored is not this sweep's work
            before = share_of(progress.from_iteration, progress.total)
        self._trained += max(share - before, 0.0)
        reports[1:] = [(now, share)]

    def completed(self, progress: Progress) -> None:
        """One that ended early counts as a whole one: the others may end so too."""
        reports = self._reports.get(progress.trial_id, [])
        if reports and reports[-1][1] > reports[0][1]:
            (began, first), (ended, last) = reports[0], reports[-1]
            training = (ended - began) / (last - first)
            whole = time.monotonic() - began + first * training
            self._training_shares.append(min(training / max(whole, 1e-9), 1.0))
        self.progressed(progress)
        self._trained += 1 - share_of(progress.iteration, progress.total)
        self._complete += 1

    def ended(self, trial_id: str) -> None:
        self._reports.pop(trial_id, None)

    def seconds_left(self, running: Iterable[Running], waiting: int) -> float | None:
        """The time that these trials take at this speed; None: too little was done to tell."""
        if self._began is None:
            return None
        shares = self._training_shares
        training = sum(shares) / len(shares) if shares else 1.0
        worked = training * self._trained + (1 - training) * self._complete
        if worked < _LEAST_WORK:
            return None
        rest = waiting + sum(1 - training * trial.share for trial in running)
        return rest * (time.monotonic() - self._began) / worked


class Watch:
    """Counts what happened in a sweep of these plans; all screens show what it says.

    Complete trials are judged by the metrics of the first plan with them; without `trials_root`
    none is.
    """

    def __init__(self, plans: Sequence[Plan] = (), trials_root: Path | None = None) -> None:
        self.total = self.done = self.failed = self.at_once = 0
        self.running: dict[str, Running] = {}
        self.outcomes: dict[str, OutcomeKind | None] = {}
        self._title = ", ".join(f"{plan.study} at {plan.budget}" for plan in plans)
        self._several = len(plans) > 1
        self._root = trials_root
        self._pace = _Pace()
        self._planned: dict[str, tuple[Trial, Plan]] = {}
        for plan in plans:
            for trial in plan.trials:
                self._planned.setdefault(trial.trial_id, (trial, plan))

    def started(self, total: int, already_complete: int, at_once: int = 0) -> None:
        """Note how much there is to do, and the outcomes of what was done before."""
        self.total, self.done, self.at_once = total, already_complete, at_once
        root = self._root
        if root is not None and already_complete < total:
            self.judge([id_ for id_ in self._planned if (root / id_ / "complete.json").exists()])

    def judge(self, complete: Sequence[str]) -> None:
        """Note the outcomes of complete trials, unless they are too many to look at."""
        if len(complete) <= _MOST_JUDGED:
            self.outcomes = {trial_id: self._outcome(trial_id) for trial_id in complete}

    def _outcome(self, trial_id: str) -> OutcomeKind | None:
        """The outcome of a trial; None: it is not complete, not assessed, or not readable."""
        if self._root is None or trial_id not in self._planned:
            return None
        trial, plan = self._planned[trial_id]
        folder = TrialFolder(self._root, trial_id)
        try:
            return outcome_of(trial, folder, plan.measured).kind if folder.complete else None
        except (OSError, ValueError, KeyError):  # whoever watches must not end the sweep
            return None

    def progressed(self, arm: str, replicate: int, progress: Progress) -> None:
        """Note how far a trial is."""
        self._pace.progressed(progress)
        trial_id = progress.trial_id
        if trial_id not in self.running:
            planned = self._planned.get(trial_id)
            self.running[trial_id] = Running(
                arm=self._arm_name(trial_id, arm),
                replicate=replicate,
                iteration=0,
                total=progress.total,
                epochs=planned[0].config.epochs if planned else None,
            )
        running = self.running[trial_id]
        running.iteration, running.losses = progress.iteration, progress.losses
        for key in LOSSES.keys() & progress.losses.keys():
            points = running.curves.setdefault(key, [])
            points.append((running.share, progress.losses[key]))
            if len(points) > _MOST_POINTS:
                del points[1::2]

    def completed(self, progress: Progress) -> str:
        """Note that a trial is complete; returns its outcome."""
        trial_id = progress.trial_id
        self._pace.completed(progress)
        self.ended(trial_id, failed=False)
        outcome = self._outcome(trial_id)
        if trial_id in self._planned:
            self.outcomes[trial_id] = outcome
        return outcome or progress.outcome or "complete"

    def ended(self, trial_id: str, *, failed: bool) -> None:
        """Note that a trial is over."""
        self.running.pop(trial_id, None)
        self._pace.ended(trial_id)
        self.failed += failed
        self.done += not failed

    def name(self, trial_id: str, arm: str, replicate: int) -> str:
        """The name of a trial: `baseline / 0`, of several studies `mine: baseline / 0`."""
        return f"{self._arm_name(trial_id, arm)} / {replicate}"

    def _arm_name(self, trial_id: str, arm: str) -> str:
        if self._several and trial_id in self._planned:
            return f"{self._planned[trial_id][1].study}: {arm}"
        return arm

    def overview(self) -> Overview:
        """The state of the sweep now."""
        running = list(self.running.values())
        left = self.total - self.done - self.failed
        counts = Counter(outcome or _NOT_ASSESSED for outcome in self.outcomes.values())
        return Overview(
            title=self._title,
            total=self.total,
            done=self.done,
            failed=self.failed,
            running=running,
            starting=max(0, min(self.at_once, left) - len(running)),
            outcomes={name: counts[name] for name in (*OUTCOMES, _NOT_ASSESSED) if counts[name]},
            seconds_left=self._pace.seconds_left(running, left - len(running)),
        )


def overview_of(plan: Plan, statuses: Mapping[str, TrialStatus], trials_root: Path) -> Overview:
    """The state of a plan's trials, of these statuses by trial id, as the trial folders tell it.

    A trial writes its losses down with each checkpoint, so this is up to half a minute behind
    (`checkpoint_seconds` of the profile).
    """
    by_state: dict[str, list[str]] = {}
    for trial_id, status in statuses.items():
        by_state.setdefault(status.state, []).append(trial_id)
    complete = by_state.get("complete", [])
    watch = Watch([plan], trials_root)
    watch.total, watch.done = len(statuses), len(complete)
    watch.failed = len(by_state.get("failed", []))
    watch.judge(complete)
    durations = _durations(complete, trials_root)
    for trial in plan.trials:
        if statuses[trial.trial_id].state == "running":
            folder = TrialFolder(trials_root, trial.trial_id)
            running = _running_of(trial, plan, folder)
            watch.running[trial.trial_id] = running
            last = (folder.attempts() or [{}])[-1]
            iterations = last.get("until_iteration", 0) - last.get("from_iteration", 0)
            if iterations > 0:  # at its speed so far it takes so long from beginning to end
                durations.append(last.get("wall_seconds", 0.0) * running.total / iterations)
    overview = watch.overview()
    if not overview.running or not durations:
        return overview
    waiting = len(by_state.get("pending", [])) + len(by_state.get("stale", []))
    trials_left = waiting + sum(1 - trial.share for trial in overview.running)
    average = sum(durations) / len(durations)
    return replace(overview, seconds_left=trials_left * average / len(overview.running))


def _running_of(trial: Trial, plan: Plan, folder: TrialFolder) -> Running:
    """How far a trial is, as its checkpoints say."""
    running = Running(
        arm=trial.arm,
        replicate=trial.replicate,
        iteration=0,
        total=trial.config.total_iterations(plan.images_of(trial.config.dataset)),
        epochs=trial.config.epochs,
    )
    for path in folder.blocks():
        block = read_json(path) or {}
        running.iteration = max(running.iteration, int(block.get("iteration", 0)))
        for key in LOSSES.keys() & block.get("points", {}).keys():
            points = [(step / max(running.total, 1), x) for step, x, _ in block["points"][key]]
            running.curves.setdefault(key, []).extend(points)
    running.losses = {key: points[-1][1] for key, points in running.curves.items() if points}
    return running


def _durations(complete: Iterable[str], trials_root: Path) -> list[float]:
    """Seconds of the trials that became complete last, each with all its attempts."""
    paths = [trials_root / trial_id / "complete.json" for trial_id in complete]
    latest = sorted((path.stat().st_mtime, path.parent.name) for path in paths if path.exists())
    durations = []
    for _, trial_id in latest[-_LATEST:]:
        attempts = TrialFolder(trials_root, trial_id).attempts()
        durations.append(sum(attempt.get("wall_seconds", 0.0) for attempt in attempts))
    return [seconds for seconds in durations if seconds > 0]
