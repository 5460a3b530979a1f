"""How fast a sweep gets on, and what that says of the time that is left."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from ganablate.sweep.job import Progress

_LEAST = 0.02
"""Trials' worth of work that is too little to go by."""


def share_of(progress: Progress) -> float:
    """The part of its training that a trial has done, 0 to 1."""
    return min(progress.iteration / max(progress.total, 1), 1.0)


@dataclass
class _News:
    """When a trial was first and last heard of before its end, and how far it was."""

    first: tuple[float, float]
    last: tuple[float, float]

    def training_of_all(self, done: float) -> float | None:
        """The share of a trial's time that its training takes; the rest is measuring.

        None: it was not heard of often enough.

        Args:
            done: When it was complete.
        """
        (began, first), (ended, last) = self.first, self.last
        if last <= first:
            return None
        whole = (ended - began) / (last - first)
        return min(whole / max(done - began + first * whole, 1e-9), 1.0)


class Pace:
    """Measures the work done in the time since the first news of a sweep.

    A trial's work is its training, and then what is measured at its end, of which nothing is heard:
    how much of the whole that is, is learnt from the trials that were seen to their end.
    """

    def __init__(self) -> None:
        self._began: float | None = None
        self._trained = 0.0  # trials' worth of training seen by this sweep
        self._complete = 0
        self._trainings: list[float] = []
        self._news: dict[str, _News] = {}

    def heard(self, progress: Progress) -> None:
        """Take in how far a trial is."""
        now, share = time.monotonic(), share_of(progress)
        news = self._news.get(progress.trial_id)
        if news is not None:
            was = news.last[1]
        elif self._began is None:
            # The clock starts at the first news of all, so what came before it does not count.
            self._began, was = now, share
        else:  # what was restored is not this sweep's work
            was = min(progress.from_iteration / max(progress.total, 1), 1.0)
        self._trained += max(share - was, 0.0)
        if news is None:
            self._news[progress.trial_id] = _News((now, share), (now, share))
        else:
            news.last = (now, share)

    def completed(self, progress: Progress) -> None:
        """A trial is complete. One that ended early is a whole one: the others may end so too."""
        news = self._news.get(progress.trial_id)
        training = news.training_of_all(time.monotonic()) if news is not None else None
        if training is not None:
            self._trainings.append(training)
        self.heard(progress)
        self._trained += 1 - share_of(progress)
        self._complete += 1
        self.forget(progress.trial_id)

    def forget(self, trial_id: str) -> None:
        """A trial is over."""
        self._news.pop(trial_id, None)

    def seconds_left(self, running: Iterable[Progress], waiting: int) -> float | None:
        """The time that the rest takes at this speed; None while there is too little to go by.

        Args:
            running: The last news of the trials that run.
            waiting: Trials that have not begun.
        """
        if self._began is None:
            return None
        known = self._trainings
        training = sum(known) / len(known) if known else 1.0
        worked = training * self._trained + (1 - training) * self._complete
        if worked < _LEAST:
            return None
        rest = waiting + sum(1 - training * share_of(one) for one in running)
        return rest * (time.monotonic() - self._began) / worked
