"""Whose turn it is: hands out the search trials of several arms, and takes in how they ended."""

from collections.abc import Callable, Sequence

from ganablate.study.search.found import ArmSearch, SearchRecord, SearchTrial
from ganablate.study.search.proposals import propose, round_start
from ganablate.study.search.trials import Turn


class Board:
    """The searches of several arms while they run.

    Trials are told in any order, and what is handed out next does not depend on it: a number waits
    until the rounds before its own have ended. The arm that is furthest behind comes first.
    """

    def __init__(self, searches: Sequence[ArmSearch], keep: Callable[[SearchRecord], None]) -> None:
        """`keep` is given the record of an arm whenever one of its trials has ended."""
        self.searches = searches
        self._keep = keep
        self._told = [{trial.number: trial for trial in search.told} for search in searches]
        self._out: set[tuple[int, int]] = set()
        self._lost: set[tuple[int, int]] = set()

    def next(self) -> Turn | None:
        """The next trial; None where there is none, or where some other must end first."""
        free = ((self._next_number(arm), arm) for arm in range(len(self.searches)))
        for number, arm in sorted(found for found in free if found[0] is not None):
            assert number is not None
            search, told = self.searches[arm], self._told[arm]
            if all(before in told for before in range(round_start(number, search.trials))):
                self._out.add((arm, number))
                return Turn(arm, number, propose(search, number, tuple(told.values())))
        return None

    def _next_number(self, arm: int) -> int | None:
        every = range(self.searches[arm].trials)
        told, away = self._told[arm], self._out | self._lost
        return next((n for n in every if n not in told and (arm, n) not in away), None)

    def end(self, turn: Turn, trial: SearchTrial) -> None:
        """Take in how a trial ended."""
        self._told[turn.arm][turn.number] = trial
        self._out.discard((turn.arm, turn.number))
        self._keep(self.record(turn.arm))

    def give_up(self, turn: Turn) -> None:
        """A trial does not end: it failed. It is not handed out again before `take_back`."""
        self._lost.add((turn.arm, turn.number))
        self._out.discard((turn.arm, turn.number))

    def take_back(self) -> None:
        """What was handed out and has not ended may be handed out again."""
        self._out.clear()
        self._lost.clear()

    def has_ended(self, turn: Turn) -> bool:
        """Whether it was told how that trial ended."""
        return turn.number in self._told[turn.arm]

    def record(self, arm: int) -> SearchRecord:
        """What is known of an arm's search now."""
        told = self._told[arm]
        ended = tuple(told[number] for number in sorted(told))
        return SearchRecord(self.searches[arm].search_id, ended)

    @property
    def waiting(self) -> bool:
        """Whether something that was handed out has not ended yet."""
        return bool(self._out)

    @property
    def left(self) -> int:
        """Trials that have not ended yet."""
        return sum(
            search.trials - len(told)
            for search, told in zip(self.searches, self._told, strict=True)
        )
