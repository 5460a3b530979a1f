"""Processes of a disturbed sweep: the command, the tracking server, what is left of a session."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable
from pathlib import Path


def command(*arguments: str) -> list[str]:
    """The `ganablate` of this interpreter."""
    return [sys.executable, "-c", "from ganablate.cli import main; main()", *arguments]


def environment() -> dict[str, str]:
    """Of every process started here: one thread each, and a store only where one is named."""
    kept = {name: text for name, text in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    return {**kept, "OMP_NUM_THREADS": "1", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true"}  # fmt: skip


def processes_of(session: int) -> dict[int, str]:
    """Processes of a session, zombies left out: id -> command line."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            fields = (place / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                line = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
                found[int(place.name)] = line
    return found


def kill(pid: int) -> bool:
    """Send SIGKILL; False if there is no such process any more."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


class Server:
    """`mlflow server` on 127.0.0.1, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "server.db"
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None
        self.back_at = 0.0

    def start(self) -> None:
        """Start it; it answers some seconds later."""
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1",
                 "--port", str(self._port), "--workers", "1",
                 "--backend-store-uri", f"sqlite:///{self.database}",
                 "--artifacts-destination", str(self._folder / "mlartifacts")],
                stdout=log, stderr=log, env=environment(), start_new_session=True,
            )  # fmt: skip

    def kill(self) -> int:
        """Kill all of it; returns the id of its first process."""
        assert self._process is not None
        for pid in processes_of(self._process.pid):
            kill(pid)
        self._process.wait()
        pid, self._process = self._process.pid, None
        return pid

    @property
    def running(self) -> bool:
        """Whether it was started and not killed since."""
        return self._process is not None

    def await_answer(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.uri}/health", timeout=2)
                return
            if time.monotonic() > deadline:
                raise SystemExit("mlflow server does not answer")
            time.sleep(0.2)


def end_sessions(sessions: Iterable[int]) -> None:
    """Kill whatever is left of these sessions."""
    for session in sessions:
        for pid in processes_of(session):
            kill(pid)
