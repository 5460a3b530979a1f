"""Whether MLflow is known to have all that is to be said of some complete trials, or of a report.

It is kept for our own database alone, by study and budget, with a number that the database carries:
a new file in its place has another. So a `run` with nothing to train need not open MLflow. What
somebody deletes in MLflow's pages, or takes away by putting an older copy back, is sent by `track`.
"""

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from ganablate.files import RECORDS, read_json, remove_unfinished, write_json
from ganablate.tracking.location import STORE_LOCK, own_database
from ganablate.tracking.trial_copy import TrackedTrial, evaluated_of, finished_of

_MOST = 2**31 - 1


@dataclass(frozen=True)
class Said:
    """What there was to say of a complete trial when it was to be sent."""

    group: tuple[str, str]
    """Study and budget."""
    facts: tuple[str, ...]


def said_of(tracked: TrackedTrial) -> Said:
    """What there is to say of a complete trial now."""
    folder, trial = tracked.folder, tracked.trial
    place = (trial.trial_id, trial.arm, str(trial.replicate))
    facts = (folder.begun, finished_of(folder), evaluated_of(folder), *tracked.metrics)
    return Said((tracked.study, tracked.budget), (*place, *facts))


def all_sent(uri: str, runs: Path, said: Iterable[Said]) -> bool:
    """Whether all of this was sent to the store."""
    digests = _digests(said)
    if not digests:
        return True
    return all(is_sent(uri, runs, _record(group), digest) for group, digest in digests.items())


def remember_sent(uri: str, runs: Path, said: Iterable[Said]) -> None:
    """Keep that all of this was sent, where the store is our own file."""
    for group, digest in _digests(said).items():
        keep_sent(uri, runs, _record(group), digest)


def is_sent(uri: str, runs: Path, name: str, digest: str) -> bool:
    """Whether what `name` stands for was sent to the store, as it is now."""
    number = _number(uri, runs)
    known = read_json(runs / RECORDS / f"{name}.json")
    return number > 0 and known == {"database": number, "sent": digest}


def keep_sent(uri: str, runs: Path, name: str, digest: str) -> None:
    """Keep that it was sent, where the store is our own file."""
    number = _number(uri, runs, new=True)
    if not number:
        return
    path = runs / RECORDS / f"{name}.json"
    with FileLock(runs / STORE_LOCK):
        remove_unfinished(path.parent, path.name)
        write_json(path, {"database": number, "sent": digest})


def _digests(said: Iterable[Said]) -> Mapping[tuple[str, str], str]:
    """(study, budget) -> a digest of what was said of its trials."""
    facts: dict[tuple[str, str], list[tuple[str, ...]]] = {}
    for one in said:
        facts.setdefault(one.group, []).append(one.facts)
    return {
        group: hashlib.sha256(json.dumps(sorted(each)).encode()).hexdigest()
        for group, each in facts.items()
    }


def _record(group: tuple[str, str]) -> str:
    return f"trials-in-mlflow-{'-'.join(group)}"


def _number(uri: str, runs: Path, *, new: bool = False) -> int:
    """The number that our own database carries, given to it if it is `new`; 0: there is none."""
    own = own_database(uri, runs)
    if own is None or not own.is_file():
        return 0
    try:
        with closing(sqlite3.connect(own)) as database:
            (number,) = database.execute("pragma application_id").fetchone()
            if not number and new:
                number = secrets.randbelow(_MOST) + 1
                database.execute(f"pragma application_id = {number}")
    except sqlite3.Error:
        return 0
    return int(number)
