"""MLflow's database where it is a SQLite file: checks, speed, and a record of what it has."""

import contextlib
import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import sqlite3
from pathlib import Path
from typing import Any

from filelock import FileLock

from ganablate.files import RECORDS, read_json, remove_unfinished, write_json
from ganablate.tracking.location import STORE_LOCK, own_database, sqlite_file

ARTIFACTS = "mlartifacts"
"""Folder of the artifacts under `runs`, unless a server keeps them."""
REMEDY = "move it away, and the next run fills a new one from the trial folders"
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class StoreError(Exception):
    """The store cannot be used, and trying again is of no use; one line that says what to do."""


def check_sqlite(uri: str) -> None:
    """Raise at once if MLflow cannot use the SQLite file; it would try for minutes first.

    Raises:
        StoreError: It never will.
        sqlite3.OperationalError: Another process holds its lock.
    """
    path = sqlite_file(uri)
    if path is None:
        return
    try:
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("pragma schema_version")
            fault = version_fault(database)
    except sqlite3.Error as error:
        if error.sqlite_errorcode in _BUSY:
            raise
        broken = not isinstance(error, sqlite3.OperationalError)
        raise StoreError(f"{path}: {error}" + (f"; {REMEDY}" if broken else "")) from error
    if fault is not None:
        raise StoreError(f"{path}: {fault}; {REMEDY}")


def version_fault(database: sqlite3.Connection) -> str | None:
    """Why the MLflow that is installed cannot use this database; None where it can.

    An older database is brought up to date by MLflow itself. The form of a newer one is not among
    the forms that the installed MLflow has steps to.
    """
    query = "select name from sqlite_master where name = 'alembic_version'"
    if database.execute(query).fetchone() is None:
        return None
    (form,) = database.execute("select version_num from alembic_version").fetchone() or ("",)
    package = importlib.util.find_spec("mlflow")  # not imported: that takes seconds
    folders = (package.submodule_search_locations if package is not None else None) or []
    steps = [Path(folder) / "store" / "db_migrations" / "versions" for folder in folders]
    if not form or not any(step.is_dir() for step in steps):
        return None
    if any(path for step in steps for path in step.glob(f"{form}_*.py")):
        return None
    return f"a newer MLflow than {importlib.metadata.version('mlflow')}, which is here, made it"


def keep_artifacts_here(uri: str, runs: Path) -> None:
    """Let our own database name the artifacts beside it, where it was copied or moved with them.

    MLflow stores whole paths, so a copied database would go on writing into the original folder.

    Raises:
        sqlite3.Error: The database is locked, or cannot be changed.
    """
    path = own_database(uri, runs)
    if path is None or not path.is_file():
        return
    here = artifacts_of_project(runs)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        names = {name for (name,) in database.execute("select name from sqlite_master")}
        if not {"experiments", "runs"} <= names:
            return  # MLflow has still to make it
        query = "select distinct artifact_location from experiments where artifact_location != ?"
        for (elsewhere,) in database.execute(query, (here,)).fetchall():
            if elsewhere.rpartition("/")[2] != ARTIFACTS:
                continue  # that of MLflow's experiment "Default", or named by the user
            start = f"{elsewhere}/"
            database.execute("begin immediate")
            database.execute(
                "update runs set artifact_uri = ? || substr(artifact_uri, ?) "
                "where substr(artifact_uri, 1, ?) = ?",
                (f"{here}/", len(start) + 1, len(start), start),
            )
            database.execute(
                "update experiments set artifact_location = ? where artifact_location = ?",
                (here, elsewhere),
            )
            database.execute("commit")


def artifacts_of_project(runs: Path) -> str:
    """Where artifacts lie unless a server keeps them, as MLflow names it."""
    return (runs.resolve() / ARTIFACTS).as_uri()


@functools.cache  # a listener is for all connections of the process
def do_not_wait_for_disk(uri: str, runs: Path) -> None:
    """Let SQLite leave it to the system when our own file reaches the disk: a third of its time.

    A process that is killed loses nothing by that. A machine that loses its power may leave a
    broken file, which can be made again from the trial folders. A file that a user names may hold
    more than a copy, so it keeps SQLite's default.
    """
    database = own_database(uri, runs)
    if database is None:
        return
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    @event.listens_for(Engine, "connect")
    def set_up(connection: Any, record: object) -> None:
        del record
        if not isinstance(connection, sqlite3.Connection):
            return
        # Of a broken file the first query says so; an error here would be tried again for a minute.
        with contextlib.suppress(sqlite3.Error):
            files = [file for _, _, file in connection.execute("pragma database_list")]
            if files[:1] == [str(database)]:
                connection.execute("pragma synchronous = off")


class SentRecord:
    """Remembers what our own database has, so that a run with nothing new does not open MLflow.

    The record lies in `runs/records/` and names the time at which MLflow created the database,
    which another file in its place does not have. Deletions in MLflow's pages, and an older copy
    put back, are not noticed: `track` sends everything again.
    """

    def __init__(self, uri: str, runs: Path) -> None:
        self._database = own_database(uri, runs)
        self._folder = runs / RECORDS
        self._lock = FileLock(runs / STORE_LOCK)

    def has(self, name: str, content: object) -> bool:
        """Whether the database has this content, as far as the record says."""
        entry = self._entry(content)
        return entry is not None and read_json(self._folder / f"{name}.json") == entry

    def keep(self, name: str, content: object) -> None:
        """Record that the database has this content; nothing where the store is not our own."""
        entry, file = self._entry(content), f"{name}.json"
        if entry is not None:
            with self._lock:
                remove_unfinished(self._folder, file)
                write_json(self._folder / file, entry)

    def _entry(self, content: object) -> dict[str, Any] | None:
        """What is recorded of this content; None where there is no database of our own."""
        if self._database is None or not self._database.is_file():
            return None
        query = "select creation_time from experiments where experiment_id = 0"
        try:
            address = f"{self._database.as_uri()}?mode=ro"
            with contextlib.closing(sqlite3.connect(address, timeout=1, uri=True)) as database:
                (created,) = database.execute(query).fetchone() or (None,)
        except sqlite3.Error:
            return None
        digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
        return None if created is None else {"database": created, "sent": digest}
