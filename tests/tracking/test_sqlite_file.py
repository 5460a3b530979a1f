"""MLflow's SQLite file: ours does not wait for the disk, any other one does."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from ganablate.tracking.location import DATABASE, resolve_uri
from ganablate.tracking.sqlite_file import StoreError, check_sqlite, do_not_wait_for_disk

FULL, OFF = 2, 0


def synchronous(uri: str) -> int:
    engine = create_engine(uri)
    try:
        with engine.connect() as connection:
            return int(connection.execute(text("pragma synchronous")).scalar_one())
    finally:
        engine.dispose()


def test_only_our_own_file_leaves_it_to_the_system_when_it_reaches_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    own, named = resolve_uri(tmp_path), f"sqlite:///{tmp_path / 'named.db'}"
    assert synchronous(own) == FULL
    for uri in (own, named):
        do_not_wait_for_disk(uri, tmp_path.resolve() / DATABASE)
    assert synchronous(own) == OFF
    assert synchronous(named) == FULL


def test_a_broken_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"no database, though as long as the head of one" * 9)
    with pytest.raises(StoreError, match=r"not a database; move it away"):
        check_sqlite(f"sqlite:///{broken}")
    check_sqlite(f"sqlite:///{tmp_path / 'none.db'}")
    check_sqlite("http://127.0.0.1:1")
