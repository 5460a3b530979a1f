"""MLflow's database where it is a SQLite file: checked before use, and quicker where it is ours."""

import contextlib
import functools
import sqlite3
from pathlib import Path
from typing import Any

REMEDY = "move it away, and the next run fills a new one from the trial folders"
_SCHEME = "sqlite:///"
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class StoreError(Exception):
    """The store cannot be used, and trying again is of no use; one line that says what to do."""


def check_sqlite(uri: str) -> None:
    """Raise at once if SQLite cannot open the file; MLflow would try for minutes first.

    Raises:
        StoreError: It never will.
        sqlite3.OperationalError: Another process holds its lock.
    """
    if not uri.startswith(_SCHEME):
        return
    path = uri.removeprefix(_SCHEME)
    try:
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("pragma schema_version")
    except sqlite3.Error as error:
        if error.sqlite_errorcode in _BUSY:
            raise
        broken = not isinstance(error, sqlite3.OperationalError)
        raise StoreError(f"{path}: {error}" + (f"; {REMEDY}" if broken else "")) from error


def do_not_wait_for_disk(uri: str, own: Path) -> None:
    """Have SQLite leave it to the system when our own file reaches the disk: a third of its time.

    A process that is killed loses nothing by that. A machine that loses its power may leave a
    broken file, which can be made again from the trial folders; so only for the file `own`, not
    for another one that a user names, which may hold more than a copy.
    """
    if uri == f"{_SCHEME}{own}":
        _listen(str(own))


@functools.cache
def _listen(own: str) -> None:
    """Set it on every connection to the file, once a process."""
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
            if files[:1] == [own]:
                connection.execute("pragma synchronous = off")
