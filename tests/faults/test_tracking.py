"""MLflow that is locked, broken, full or away: caused for real, never the end of a sweep."""

import contextlib
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganablate.tracking import MlflowTracker, TrackedTrial, resolve_uri
from ganablate.tracking import mlflow_tracker as tracker_module
from tests.support.cluster_parts import HERE, free_port, mlflow_server
from tests.support.small_disks import small_disk
from tests.support.tracked import runs_with, tracked, write_block
from tests.support.tracked import write_end as write_end_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # MLflow's own warnings are none of ours
]
TRIALS = 5
BLOCKS = 4


class Sweep:
    """What a sweep tells a tracker, trial by trial, and what a user reads of it."""

    def __init__(self, uri: str, runs: Path) -> None:
        self.messages: list[str] = []
        self.uri, self.runs = uri, runs
        self.tracker = MlflowTracker(uri, runs, self.messages.append)

    def trials(self) -> list[TrackedTrial]:
        return [tracked(self.runs, f"{number:016x}", f"arm{number}") for number in range(TRIALS)]

    def train(self, seconds: float = 0.0) -> None:
        """Every trial from its start to its end, evenly over so many seconds."""
        for one in self.trials():
            self.tracker.started(one)
            for number in range(1, BLOCKS + 1):
                self.tracker.blocks(one, (write_block(one, 10 * number),))
                time.sleep(seconds / TRIALS / BLOCKS)
            write_end_of(one, 10 * BLOCKS)
            self.tracker.completed(one)

    def close(self) -> float:
        """Seconds that the end of the sweep waits."""
        began = time.monotonic()
        self.tracker.close()
        return time.monotonic() - began

    def send_again(self) -> list[str]:
        """The next run, when all trials are complete; returns its warnings."""
        again = Sweep(self.uri, self.runs)
        for one in again.trials():
            again.tracker.completed(one)
        again.close()
        return again.messages


VALUES = "select run_uuid, key, step, value from metrics"
STATES = "select value, count(*) from tags where key = 'ganablate.state' group by value"


def ask(database: Path, query: str) -> list[tuple[object, ...]]:
    """Past MLflow, which keeps in a process what it knows of a database."""
    with contextlib.closing(sqlite3.connect(database, timeout=30)) as connection:
        return connection.execute(query).fetchall()


def assert_all_is_there(database: Path) -> None:
    """Every value once, and every trial complete."""
    found = ask(database, VALUES)
    assert len({run for run, *_ in found}) == TRIALS
    assert len(found) == len(set(found)) == TRIALS * (2 * BLOCKS + 1)
    assert ask(database, STATES) == [("complete", TRIALS)]
    assert ask(database, "pragma integrity_check") == [("ok",)]


@pytest.fixture
def runs(fresh_database: Path, tmp_path: Path) -> Path:
    return runs_with(fresh_database, tmp_path)


@contextlib.contextmanager
def locked(database: Path, kind: str = "exclusive") -> Iterator[None]:
    """Another process holds the lock; nothing but its end lets go of it."""
    code = (
        "import sqlite3, sys, time; db = sqlite3.connect(sys.argv[1], isolation_level=None); "
        f"db.execute('begin {kind}'); print('held', flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, database], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    try:
        yield
    finally:
        holder.kill()
        holder.communicate()


@pytest.mark.parametrize("kind", ["exclusive", "immediate"])
def test_a_database_that_is_locked_for_some_seconds_loses_nothing(runs: Path, kind: str) -> None:
    """Longer than SQLite's own patience of 5 s, and from before the sweep began."""
    sweep = Sweep(resolve_uri(runs), runs)
    with locked(runs / "mlflow.db", kind):
        sweep.train(seconds=7)
    sweep.close()
    assert sweep.messages == []
    assert_all_is_there(runs / "mlflow.db")


def test_a_database_that_stays_locked_is_one_warning_and_the_next_run_fills_it(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracker_module, "PATIENCE_SECONDS", 8.0)
    sweep = Sweep(resolve_uri(runs), runs)
    with locked(runs / "mlflow.db"):
        began = time.monotonic()
        sweep.train()
        assert time.monotonic() - began < 1.0  # training waits for nothing
        assert sweep.close() < 8.0 + 2.0
        (message,) = sweep.messages
        assert "database is locked" in message
        assert "sent when it answers again, else by the next run" in message
    sweep.tracker._thread.join(20)  # its last try may wait for the lock
    assert sweep.send_again() == []
    assert_all_is_there(runs / "mlflow.db")


@pytest.mark.parametrize("broken", ["garbage", "cut short", "garbage inside"])
def test_a_broken_database_is_one_warning_it_stays_and_a_new_one_is_filled(
    fresh_database: Path, runs: Path, broken: str
) -> None:
    database = runs / "mlflow.db"
    whole = database.read_bytes()
    noise = random.Random(0).randbytes(len(whole))
    database.write_bytes(
        {
            "garbage": noise[:5000],
            "cut short": whole[: len(whole) // 2],
            "garbage inside": whole[:4096] + noise[4096:],
        }[broken]
    )
    before = database.read_bytes()
    sweep = Sweep(resolve_uri(runs), runs)
    sweep.train()
    assert sweep.close() < 15
    (message,) = sweep.messages
    assert "the sweep goes on without it" in message
    assert "move it away, and the next run fills a new one" in message
    assert database.read_bytes() == before  # never ours to delete
    database.rename(runs / "broken.db")
    # Another process, as the next run is: MLflow keeps what it knows of a database.
    code = (
        "import sys; from pathlib import Path; from tests.faults.test_tracking import Sweep; "
        "from ganablate.tracking import resolve_uri; runs = Path(sys.argv[1]); "
        "said = Sweep(resolve_uri(runs), runs).send_again(); sys.exit(str(said) if said else 0)"
    )
    subprocess.run([sys.executable, "-c", code, runs], check=True, cwd=Path(__file__).parents[2])
    assert_all_is_there(database)
    assert (runs / "broken.db").read_bytes() == before


def test_a_database_on_a_full_disk_is_one_warning_and_filled_once_there_is_room(
    fresh_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracker_module, "PATIENCE_SECONDS", 6.0)
    runs = tmp_path / "runs"
    with small_disk(tmp_path / "small", size=fresh_database.stat().st_size + 200_000) as disk:
        shutil.copy(fresh_database, disk / "mlflow.db")
        sweep = Sweep(f"sqlite:///{disk / 'mlflow.db'}", runs)
        ballast = disk / "ballast"
        fill(ballast)
        sweep.train()
        assert sweep.close() < 15
        (message,) = sweep.messages
        assert "database or disk is full" in message
        ballast.unlink()
        assert sweep.send_again() == []
        assert_all_is_there(disk / "mlflow.db")


def fill(ballast: Path) -> None:
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1024))


class Server:
    """A real `mlflow server`, to be killed and started again at the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.database, self.port = folder, folder / "server.db", free_port()
        self.uri = f"http://{HERE}:{self.port}"
        self._running = contextlib.ExitStack()

    def start(self) -> None:
        store, artifacts = f"sqlite:///{self.database}", self.folder / "artifacts"
        self._running.enter_context(mlflow_server(store, artifacts, self.port))

    def kill(self) -> None:
        self._running.close()


@pytest.fixture
def server(fresh_database: Path, tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "server"
    folder.mkdir()
    shutil.copy(fresh_database, folder / "server.db")
    running = Server(folder)
    running.start()
    yield running
    running.kill()


def test_a_server_that_is_killed_and_comes_back_misses_no_value(
    server: Server, tmp_path: Path
) -> None:
    sweep = Sweep(server.uri, tmp_path / "runs")
    trainer = threading.Thread(target=sweep.train, args=(8.0,))
    trainer.start()
    time.sleep(2.0)
    server.kill()
    time.sleep(2.0)
    server.start()
    trainer.join()
    sweep.close()
    assert sweep.messages == []
    assert_all_is_there(server.database)


def test_a_server_that_goes_away_for_good_is_one_warning_and_holds_nothing_up(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracker_module, "PATIENCE_SECONDS", 3.0)
    sweep = Sweep(server.uri, tmp_path / "runs")
    first = sweep.trials()[0]
    sweep.tracker.started(first)
    deadline = time.monotonic() + 60
    while ("running", 1) not in ask(server.database, STATES):
        assert time.monotonic() < deadline, "the first trial did not arrive"
        time.sleep(0.1)
    server.kill()
    began = time.monotonic()
    sweep.train()
    assert time.monotonic() - began < 5.0  # it waits for nothing; MLflow's own retries take longer
    assert sweep.close() < 3.0 + 7.0
    (message,) = sweep.messages
    assert "MLflow takes nothing at the moment" in message
    assert server.uri.removeprefix("http://").split(":")[0] in message
    server.start()
    assert sweep.send_again() == []
    assert_all_is_there(server.database)
