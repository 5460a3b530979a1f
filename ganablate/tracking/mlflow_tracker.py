"""Sending to MLflow: from a thread while a sweep goes on, and everything again on demand."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Any, TypeVar

from ganablate.tracking.database import REMEDY, SentRecord, StoreError
from ganablate.tracking.location import without_secrets
from ganablate.tracking.mlflow_store import MlflowStore
from ganablate.tracking.trial_copy import TrackedTrial, Tracker, completed_as
from ganablate.trials.folder import one_line
from ganablate.trials.needs import status_of

TRIES = 3
"""Tries of one update, while MLflow takes others, before it is left out with a warning."""
SILENCE_SECONDS = 20.0
"""How long MLflow may take nothing before a warning: a server that is started again takes less."""
PATIENCE_SECONDS = 60.0
"""How long the end of a sweep waits for MLflow while it takes nothing.

While it takes one update after the other the end waits for the last: there are no new ones.
"""
MOST_REFUSED = 5
"""Trials in a row that MLflow does not take before `rebuild` gives it up."""
_LONGEST_REASON = 220
_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between tries while MLflow takes nothing; the last one again and again."""

Warn = Callable[[str], None]
T = TypeVar("T")


class Kind(IntEnum):
    """Kinds of updates, ordered: each sends everything that those before it would have sent."""

    BLOCKS = 0
    STARTED = 1
    FAILED = 2
    COMPLETED = 3


@dataclass(frozen=True)
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


class Outbox:
    """Updates that wait for the thread that sends them: one a trial, the oldest trial first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[tuple[str, str, str], Update] = {}
        self._closed = threading.Event()

    def put(self, update: Update) -> None:
        """Add an update, or put it back; returns at once."""
        with self._changed:
            key = update.tracked.key
            waiting = self._waiting.get(key, update)
            if waiting is not update and waiting.kind is update.kind is Kind.BLOCKS:
                update = replace(update, blocks=(*waiting.blocks, *update.blocks))
            self._waiting[key] = max(update, waiting, key=lambda candidate: candidate.kind)
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


class MlflowTracker(Tracker):
    """Sends from a thread of its own, so that training never waits for MLflow.

    While MLflow takes nothing, because its database is locked, its disk full or its server away,
    updates wait, one a trial, and are tried again. Nothing is lost by giving up: the trial folders
    have it, and the next sweep, or a rebuild, sends what is missing.
    """

    def __init__(self, uri: str, runs: Path, warn: Warn) -> None:
        """Nothing is created or connected to before a sweep begins, or there is something to send.

        `warn` is called from the thread when something could not be stored.
        """
        self._uri, self._runs, self._warn = uri, runs, warn
        self._outbox = Outbox()
        self._complete: list[TrackedTrial] = []
        self._sent = SentRecord(uri, runs)
        self._content: dict[str, list[tuple[str, ...]]] = {}
        self._thread: threading.Thread | None = None
        self._warned: set[str] = set()
        self._given_up = False
        self._taken = self._closed_at = 0.0  # when MLflow last took something; monotonic clock
        self._away_since: float | None = None
        self._pauses = 0
        self._warned_away = False
        self._silent = self._reason = f"{without_secrets(uri)} does not answer"

    def prepare(self) -> None:
        """See `Tracker`. MLflow takes seconds to import and to open, and so does Ray."""
        if self._thread is None:
            for tracked in self._complete:
                self._outbox.put(Update(Kind.COMPLETED, tracked))
            self._taken = time.monotonic()
            self._thread = threading.Thread(target=self._work, name="tracker", daemon=True)
            self._thread.start()

    def _put(self, kind: Kind, tracked: TrackedTrial, **news: Any) -> None:
        self.prepare()
        self._outbox.put(Update(kind, tracked, **news))

    def started(self, tracked: TrackedTrial) -> None:
        """See `Tracker`."""
        self._put(Kind.STARTED, tracked)

    def blocks(self, tracked: TrackedTrial, blocks: Iterable[Path]) -> None:
        """See `Tracker`."""
        self._put(Kind.BLOCKS, tracked, blocks=tuple(blocks))

    def completed(self, tracked: TrackedTrial) -> None:
        """See `Tracker`. It waits for something else to send: MLflow may have it already."""
        self._complete.append(tracked)
        trial, folder = tracked.trial, tracked.folder
        # Read now: what is measured from here on is for the next run.
        facts = (trial.trial_id, trial.arm, str(trial.replicate), folder.begun)
        name = f"trials-in-mlflow-{tracked.study}-{tracked.budget}"
        content = self._content.setdefault(name, [])
        content.append((*facts, *completed_as(folder), *tracked.metrics))
        if self._thread is not None:
            self._outbox.put(Update(Kind.COMPLETED, tracked))

    def failed(self, tracked: TrackedTrial, message: str) -> None:
        """See `Tracker`."""
        self._put(Kind.FAILED, tracked, message=message)

    def close(self) -> None:
        """See `Tracker`. Closing twice does nothing more.

        Returns after `PATIENCE_SECONDS` in which MLflow took nothing, a call that hangs included.
        """
        content = {name: sorted(trials) for name, trials in self._content.items()}
        if self._thread is None and not all(self._sent.has(*sent) for sent in content.items()):
            self.prepare()
        if self._thread is None or self._outbox.closed:
            return
        self._closed_at = time.monotonic()
        self._outbox.close()
        while self._thread.is_alive() and not self._out_of_patience():
            self._thread.join(0.05)
        self._thread.join(1.0)  # it may be about to say why itself
        if self._thread.is_alive():
            self._warn_away()
            self._given_up = True
        elif not self._warned:
            for sent in content.items():
                self._sent.keep(*sent)

    def _out_of_patience(self) -> bool:
        """Whether the end of the sweep has waited long enough; not before the end."""
        if not self._outbox.closed:
            return False
        return time.monotonic() - max(self._closed_at, self._taken) > PATIENCE_SECONDS

    # --- in the thread ---

    def _work(self) -> None:
        try:
            store = self._until_taken(lambda: MlflowStore(self._uri, self._runs))
            while store is not None and (update := self._outbox.take()) is not None:
                self._send(update, store)
                if self._given_up:
                    return
            if store is not None:
                self._until_taken(store.finish)
        except StoreError as error:
            self._say(f"MLflow cannot be used, the sweep goes on without it: {_short(error)}")

    def _send(self, update: Update, store: MlflowStore) -> None:
        """Send an update, or put it back, or leave it out where MLflow takes others."""
        try:
            update.send(store)
        except Exception as error:
            _raise_if_for_good(error)
            if not store.answers():
                self._outbox.put(update)
                self._rest(error)
            elif update.refused + 1 < TRIES:
                self._outbox.put(replace(update, refused=update.refused + 1))
                self._outbox.pause(_PAUSES[0])
            else:
                why = _short(error)
                self._say(f"MLflow did not take something, the trial folder has it: {why}")
        else:
            self._took()

    def _until_taken(self, action: Callable[[], T]) -> T | None:
        """Try until MLflow does it; None once that is given up."""
        while not self._given_up:
            try:
                done = action()
            except Exception as error:
                _raise_if_for_good(error)
                self._rest(error)
            else:
                self._took()
                return done
        return None

    def _took(self) -> None:
        self._taken = time.monotonic()
        self._away_since, self._pauses = None, 0
        self._warned_away = False
        self._reason = self._silent

    def _rest(self, error: Exception) -> None:
        """Wait before the next try, warn if it has been long, or give up at the end."""
        now, self._reason = time.monotonic(), _short(error)
        if self._away_since is None:
            self._away_since, self._pauses = now, 0
        self._given_up = self._given_up or self._out_of_patience()
        if self._given_up or now - self._away_since >= SILENCE_SECONDS:
            self._warn_away()
        if not self._given_up:
            self._outbox.pause(_PAUSES[min(self._pauses, len(_PAUSES) - 1)])
            self._pauses += 1

    def _warn_away(self) -> None:
        if not self._warned_away:
            self._warned_away = True
            self._say(
                "MLflow takes nothing at the moment, what it lacks is sent when it answers again, "
                f"else by the next run: {self._reason}"
            )

    def _say(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            self._warn(message)


def _raise_if_for_good(error: Exception) -> None:
    """Raise `StoreError` where no later try can do better.

    Raises:
        StoreError: It is one already, MLflow is not there, or it met a broken database.
    """
    if isinstance(error, StoreError):
        raise error
    if isinstance(error, ImportError):
        raise StoreError(one_line(error)) from error
    if "malformed" in str(error) or "not a database" in str(error):
        raise StoreError(f"its database is broken ({one_line(error)}); {REMEDY}") from error


def _short(error: Exception) -> str:
    text = str(error) if isinstance(error, StoreError) else one_line(error)
    return without_secrets(text)[:_LONGEST_REASON]


def rebuild(trials: Sequence[TrackedTrial], uri: str, runs: Path, warn: Warn) -> int:
    """Send everything that the folders of these trials hold; returns how many trials were sent.

    What MLflow has already stays as it is: every value is sent with the time that the folder keeps.
    Trials that were not begun have nothing to send; those of a running sweep are left to it.
    `warn` is called for each trial that MLflow did not take.

    Raises:
        Exception: MLflow cannot be used at all.
    """
    store = MlflowStore(uri, runs)
    sent = refused_in_a_row = 0
    for tracked in trials:
        try:
            sent += _send_again(store, tracked)
            refused_in_a_row = 0
        except Exception as error:
            refused_in_a_row += 1
            message = f"MLflow did not take trial {tracked.trial.trial_id}: {one_line(error)}"
            warn(without_secrets(message))
            if refused_in_a_row == MOST_REFUSED:
                warn("MLflow is given up")
                return sent
    store.finish()
    return sent


def _send_again(store: MlflowStore, tracked: TrackedTrial) -> bool:
    """Send a trial; whether there was anything to send."""
    status = status_of(tracked.trial, tracked.trials_root)
    match status.state:
        case "complete":
            store.complete(tracked, again=True)
        case "failed":
            store.fail(tracked, status.failure)
        case "pending" if tracked.folder.blocks():
            store.start(tracked)
        case _:
            return False
    return True
