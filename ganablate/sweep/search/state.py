"""Where the searches of a plan stand while they run, and how an ended trial is told."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from ganablate.catalog import on_images, stored_name
from ganablate.study.plan import Plan, Trial
from ganablate.study.search.queue import Board
from ganablate.study.search.records import write_record
from ganablate.study.search.trials import OF_SEARCH, Turn, searched_plan, trial_of
from ganablate.sweep.job import Progress
from ganablate.sweep.search.tune import QUARTERS, ended, looks_at
from ganablate.tracking import TrackedTrial
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import DataKey, Measurements, needs_run
from ganablate.trials.outcome import outcome_of


class SearchState:
    """The board of a plan, what its trials are measured with, and where they lie."""

    def __init__(self, plan: Plan, runs: Path, fingerprints: Mapping[DataKey, str]) -> None:
        assert plan.search is not None
        self.plan, self.runs = plan, runs
        self.fingerprints = fingerprints
        self.root = runs / "trials"
        searches = tuple(plan.search.arms.values())
        self.board = Board(searches, lambda record: write_record(runs, record))
        self.total = sum(arm.trials for arm in searches)
        searched = searched_plan(plan)
        assert searched is not None
        self.measured = searched.measured
        looked_at = plan.search.asha and on_images(self.measured)
        self.wanted = Measurements(self.measured, ((QUARTERS, self.measured),) if looked_at else ())
        self.key = stored_name(plan.primary, plan.extractor) if looked_at else None

    def owner(self, trial: Trial) -> TrackedTrial:
        """What the tracker is told of a search trial."""
        return TrackedTrial(
            study=self.plan.study,
            budget=self.plan.budget + OF_SEARCH,
            trial=trial,
            trials_root=self.root,
            metrics=self.measured,
        )

    def complete_trials(self) -> Iterator[Trial]:
        """The search trials that are complete now, as far as the board was told."""
        for arm, search in enumerate(self.board.searches):
            for trial in self.board.record(arm).trials:
                if trial.state == "complete":
                    yield trial_of(search, Turn(arm, trial.number, dict(trial.values)))

    def available(self) -> list[Turn]:
        """What can be run now. Of trials that are complete the board is told, and goes on."""
        turns = []
        while (turn := self.board.next()) is not None:
            arm = self.board.searches[turn.arm]
            trial = trial_of(arm, turn)
            if needs_run(trial, Measurements(self.measured), self.root, self.fingerprints):
                turns.append(turn)
            else:
                self.complete(turn)
        return turns

    def complete(self, turn: Turn) -> None:
        """Tell the board of a trial that is complete."""
        trial = trial_of(self.board.searches[turn.arm], turn)
        folder = TrialFolder(self.root, trial.trial_id)
        facts = folder.complete or {}
        outcome = outcome_of(trial, folder, self.measured).kind
        value = self.plan.own(folder.metrics()["numbers"]).get(self.plan.primary)
        known = isinstance(value, int | float) and math.isfinite(value)
        self.board.end(
            turn,
            ended(
                turn,
                trial.trial_id,
                state="complete",
                value=float(value) if known and value is not None else None,
                outcome=outcome,
                iterations=facts.get("iterations", 0),
                looks=self._looks(turn, facts.get("planned_iterations", 0)),
            ),
        )

    def stop(self, turn: Turn, progress: Progress) -> None:
        """Tell the board of a trial that was behind; what a resume would need goes."""
        for state in TrialFolder(self.root, progress.trial_id).states():
            state.unlink(missing_ok=True)
        looks = self._looks(turn, progress.total)
        value = looks[-1][1] if looks else None
        self.board.end(
            turn,
            ended(
                turn, progress.trial_id, state="stopped", value=value,
                iterations=progress.iteration, looks=looks,
            ),
        )  # fmt: skip

    def _looks(self, turn: Turn, total: int) -> tuple[tuple[int, float], ...]:
        if self.key is None or not total:
            return ()
        trial = trial_of(self.board.searches[turn.arm], turn)
        return looks_at(TrialFolder(self.root, trial.trial_id), self.key, total)
