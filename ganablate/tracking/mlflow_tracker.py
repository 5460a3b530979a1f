"""The thread that sends to MLflow while the sweep goes on."""

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ganablate.ledger import one_line
from ganablate.tracking.mlflow_store import MlflowStore
from ganablate.tracking.trial_copy import TrackedTrial

TRIES = 3
"""Tries of one update before it is given up with a warning."""
LONGEST_WAIT_SECONDS = 300.0
"""How long the end of a sweep waits for MLflow."""
_LONGEST_REASON = 220
_GIVE_UP_AFTER = 5
"""Updates in a row that fail."""

Warn = Callable[[str], None]


@dataclass(frozen=True)
class _Update:
    """Something to tell MLflow. One that `complete` covers is left out where that waits behind."""

    tracked: TrackedTrial
    action: Callable[[MlflowStore], None]
    completes: bool = False


class MlflowTracker:
    """Sends from a thread of its own, so that training never waits for MLflow."""

    def __init__(self, uri: str, runs: Path, warn: Warn) -> None:
        """Nothing is created or connected to before there is something to send.

        Args:
            uri: As `resolve_uri` gives it.
            runs: The folder of runs.
            warn: Called from the thread when something could not be stored.
        """
        self._uri = uri
        self._runs = runs
        self._warn = warn
        self._queue: queue.Queue[_Update | None] = queue.Queue()
        self._thread: threading.Thread | None = None

    def _put(self, update: _Update) -> None:
        self._queue.put(update)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="tracker", daemon=True)
            self._thread.start()

    def started(self, tracked: TrackedTrial) -> None:
        """See `Tracker`."""
        self._put(_Update(tracked, lambda store: store.start(tracked)))

    def blocks(self, tracked: TrackedTrial, blocks: Iterable[Path]) -> None:
        """See `Tracker`."""
        paths = tuple(blocks)
        self._put(_Update(tracked, lambda store: store.send(tracked, paths)))

    def completed(self, tracked: TrackedTrial) -> None:
        """See `Tracker`."""
        self._put(_Update(tracked, lambda store: store.complete(tracked), completes=True))

    def failed(self, tracked: TrackedTrial, message: str) -> None:
        """See `Tracker`."""
        self._put(_Update(tracked, lambda store: store.fail(tracked, message)))

    def close(self) -> None:
        """See `Tracker`. Closing twice does nothing more."""
        if self._thread is not None and self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(LONGEST_WAIT_SECONDS)
            if self._thread.is_alive():
                self._warn("MLflow does not answer; the next sweep sends what it lacks")

    def _work(self) -> None:
        try:
            store = MlflowStore(self._uri, self._runs)
        except Exception as error:
            self._warn(f"MLflow cannot be used, the sweep goes on without it: {_short(error)}")
        else:
            self._send_all(store)

    def _send_all(self, store: MlflowStore) -> None:
        reasons: set[str] = set()
        in_a_row = 0
        for action in chain(self._actions(), [MlflowStore.finish]):
            failure = _try(action, store)
            in_a_row = in_a_row + 1 if failure else 0
            if failure and (reason := _short(failure)) not in reasons:
                reasons.add(reason)
                self._warn(f"MLflow did not take something, the trial folder has it: {reason}")
            if in_a_row == _GIVE_UP_AFTER:
                self._warn("MLflow is given up for this sweep; the next one sends what it lacks")
                return

    def _actions(self) -> Iterator[Callable[[MlflowStore], None]]:
        """What to do, as it comes, until the tracker is closed."""
        waiting: deque[_Update | None] = deque()
        while True:
            if not waiting:
                waiting.append(self._queue.get())
            with contextlib.suppress(queue.Empty):
                while True:
                    waiting.append(self._queue.get_nowait())
            covered = {u.tracked.key for u in waiting if u is not None and u.completes}
            for _ in range(len(waiting)):
                update = waiting.popleft()
                if update is None:
                    return
                if update.completes or update.tracked.key not in covered:
                    yield update.action


def _try(action: Callable[[MlflowStore], None], store: MlflowStore) -> Exception | None:
    for attempt in range(TRIES):
        try:
            action(store)
        except Exception as error:
            if attempt == TRIES - 1:
                return error
            time.sleep(0.2 * 4**attempt)  # a locked database is free again soon
        else:
            return None
    return None


def _short(error: Exception) -> str:
    return one_line(error)[:_LONGEST_REASON]
