"""A relay that tells the board of a search as well, and gives Tune its next trial."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ray.tune.search import Searcher

from ganablate.study.search.trials import Turn, trial_of
from ganablate.sweep.failure import Failure
from ganablate.sweep.job import Job, Progress
from ganablate.sweep.machine import Machine
from ganablate.sweep.profile import Profile
from ganablate.sweep.search.state import SearchState
from ganablate.sweep.search.tune import configuration
from ganablate.sweep.supply import owned_job
from ganablate.sweep.trainable import INDEX, PROGRESS
from ganablate.sweep.tune_callback import OwnedJob, Relay


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
        self._made: list[OwnedJob] = []
        super().__init__(self._made, retries=profile.retries, **told)
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
            self._index[key] = len(self._made)
            search = self.search
            owner = search.owner(trial_of(search.board.searches[turn.arm], turn))
            made = owned_job([owner], search.wanted, self.profile, self.machine, search.runs)
            # What is found are settings: nobody looks at the networks of a search trial again.
            self._made.append(replace(made, job=replace(made.job, keep="none")))
            self._turns.append(turn)
        return self._index[key]

    def any_job(self) -> Job:
        """A job like all others but for its trial."""
        return self._made[self.index_of(self._ready[0])].job

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
