"""Updates that a tracker has still to send: one a trial, since a later one covers the earlier."""

import threading
import time
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path

from ganablate.tracking.mlflow_store import MlflowStore
from ganablate.tracking.trial_copy import TrackedTrial


class Kind(IntEnum):
    """Kinds of updates, ordered: each sends everything that those before it would have sent."""

    BLOCKS = 0
    STARTED = 1
    FAILED = 2
    COMPLETED = 3


@dataclass(frozen=True, kw_only=True)
class Update:
    """News of a trial for MLflow.

    `refused` counts how often MLflow did not take it although it took something else.
    """

    kind: Kind
    tracked: TrackedTrial
    blocks: tuple[Path, ...] = ()
    message: str = ""
    refused: int = 0

    def send(self, store: MlflowStore) -> None:
        """Write it to the store; raises whatever MLflow raises."""
        match self.kind:
            case Kind.BLOCKS:
                store.send(self.tracked, self.blocks)
            case Kind.STARTED:
                store.start(self.tracked)
            case Kind.FAILED:
                store.fail(self.tracked, self.message)
            case Kind.COMPLETED:
                store.complete(self.tracked)


def merged(first: Update, second: Update) -> Update:
    """One update in place of two of the same trial, whichever came first."""
    if first.kind is second.kind is Kind.BLOCKS:
        return replace(second, blocks=(*first.blocks, *second.blocks))
    return max(second, first, key=lambda update: update.kind)


class Outbox:
    """Updates that wait for the thread that sends them, the oldest trial first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[tuple[str, str, str], Update] = {}
        self._closed = threading.Event()

    def put(self, update: Update) -> None:
        """Add an update, or put it back; returns at once."""
        with self._changed:
            key = update.tracked.key
            waiting = self._waiting.get(key)
            self._waiting[key] = update if waiting is None else merged(waiting, update)
            self._changed.notify_all()

    def take(self) -> Update | None:
        """The next update, once there is one; None when the box is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self.closed)
            return self._waiting.pop(next(iter(self._waiting))) if self._waiting else None

    def close(self) -> None:
        """Declare that nothing more will be put."""
        self._closed.set()
        with self._changed:
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether nothing more will be put."""
        return self._closed.is_set()

    def pause(self, seconds: float) -> None:
        """Wait so long, or until the box is closed if it is not yet."""
        if self.closed:
            time.sleep(seconds)
        else:
            self._closed.wait(seconds)
