"""A trial that another process works on."""

import contextlib
import multiprocessing
import time
from collections.abc import Iterator
from pathlib import Path

from ganablate.trials.folder import TrialFolder


def _hold(root: Path, trial_id: str, ready: multiprocessing.Event) -> None:
    with TrialFolder(root, trial_id).claim():
        ready.set()
        time.sleep(60)


@contextlib.contextmanager
def held_trial(folder: TrialFolder) -> Iterator[None]:
    """A process of its own holds the claim until it is killed, at the end."""
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    root = folder.path.parent.resolve()
    holder = context.Process(target=_hold, args=(root, folder.trial_id, ready))
    holder.start()
    assert ready.wait(60)
    try:
        yield
    finally:
        holder.kill()
        holder.join()
