"""What a cluster consists of, for real and on this machine: Ray nodes, PostgreSQL, MLflow."""

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = "127.0.0.1"
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}


def until(there: Callable[[], Any], what: str, seconds: float = 120.0) -> Any:
    """What `there` returns once it is true."""
    deadline = time.monotonic() + seconds
    while not (found := there()):
        assert time.monotonic() < deadline, f"no {what} within {seconds:.0f} s"
        time.sleep(0.1)
    return found


def free_port() -> int:
    with socket.socket() as one:
        one.bind((HERE, 0))
        return int(one.getsockname()[1])


def listens(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection((HERE, port), timeout=1.0).close()
        return True
    return False


def descendants(pid: int) -> set[int]:
    """The process and all that came from it, as far as their parents still live."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = status.read_text().rpartition(")")[2].split()
            parents[int(status.parent.name)] = int(fields[1])
    found, fresh = {pid}, {pid}
    while fresh:
        fresh = {child for child, parent in parents.items() if parent in fresh} - found
        found |= fresh
    return found


# --- Ray ---


class RayNode:
    """One `ray start`, with everything that it starts, as a machine of its own would run it."""

    def __init__(
        self,
        folder: Path,
        address: str,
        *options: str,
        cpus: int,
        before: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
    ) -> None:
        self.address = address
        self._log = folder / f"node-{address}.log"
        command = [
            *before, str(Path(sys.executable).with_name("ray")), "start", "--block",
            f"--num-cpus={cpus}", "--num-gpus=0", f"--node-ip-address={address}",
            "--disable-usage-stats", "--object-store-memory=80000000", "--log-color=false",
            # Of their own choice, or two nodes of one machine would take the same ones.
            "--min-worker-port=0", "--max-worker-port=0", *options,
        ]  # fmt: skip
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                command, cwd=folder, stdout=log, stderr=log, start_new_session=True,
                env=ray_environment(folder) | (environment or {}),
            )  # fmt: skip
        try:
            until(lambda: "Ray runtime started" in self.said, "start of Ray")
        except AssertionError:
            self.kill()
            raise

    @property
    def said(self) -> str:
        text = self._log.read_text()
        assert self._process.poll() is None, text
        return text

    def processes(self) -> set[int]:
        return descendants(self._process.pid)

    def kill(self) -> None:
        """End all of it at once, as a power cut does."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()


def ray_environment(folder: Path) -> dict[str, str]:
    """For Ray's commands and for those that join: its files lie in a folder of their own."""
    left_out = ("RAY_ADDRESS", "MLFLOW_TRACKING_URI", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return {**kept, **TOKEN, "RAY_TMPDIR": str(folder), "RAY_USAGE_STATS_ENABLED": "0"}


@contextlib.contextmanager
def ray_cluster(
    *workers: dict[str, Any], head: int = 0
) -> Iterator[tuple[Path, str, list[RayNode]]]:
    """A head with so many CPUs, and a worker for each set of options of `RayNode`.

    Yields the folder of Ray's files, the cluster's address, and the nodes, the head first.
    """
    # Short, since the paths of Ray's sockets are.
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    port, nodes = free_port(), []
    # Addresses of the loopback range, one a node; Ray takes 127.0.0.1 for this machine's own.
    addresses = [f"127.0.0.{number}" for number in range(2, 3 + len(workers))]
    begin = ["--head", f"--port={port}", "--include-dashboard=false"]
    try:
        nodes.append(RayNode(folder, addresses[0], *begin, cpus=head))
        for address, options in zip(addresses[1:], workers, strict=True):
            join = f"--address={addresses[0]}:{port}"
            nodes.append(RayNode(folder, address, join, **{"cpus": 1, **options}))
        yield folder, f"{addresses[0]}:{port}", nodes
    finally:
        for node in reversed(nodes):
            node.kill()
        shutil.rmtree(folder, ignore_errors=True)


# --- PostgreSQL and MLflow ---


def _program(name: str) -> str | None:
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return str(versions[0]) if versions else shutil.which(name)


def lack_of_postgresql() -> str:
    """Why there can be no PostgreSQL here; empty: there can."""
    if not (_program("initdb") and _program("postgres")):
        return "PostgreSQL is not installed (Debian: postgresql)"
    if importlib.util.find_spec("psycopg2") is None:
        return "psycopg2 is not installed (pip install psycopg2-binary)"
    if os.getuid() == 0 and not (shutil.which("setpriv") and _other_user()):
        return "PostgreSQL does not run as root, and there is no other user to run it as"
    return ""


def _other_user() -> pwd.struct_passwd | None:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    return None


@contextlib.contextmanager
def postgresql(database: str) -> Iterator[str]:
    """A new PostgreSQL with one empty database; yields its address, password included."""
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    password, port, user = secrets.token_hex(8), free_port(), _other_user()
    secret = folder / "password"
    secret.write_text(password)
    run_as: list[str] = []
    if os.getuid() == 0:
        assert user is not None
        for path in (folder, secret):
            os.chown(path, user.pw_uid, user.pw_gid)
        ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}"]
        run_as = ["setpriv", *ids, "--clear-groups"]
    data = folder / "data"
    initdb = [str(_program("initdb")), "-D", str(data), "-U", "mlflow", "-A", "scram-sha-256"]
    subprocess.run(
        [*run_as, *initdb, f"--pwfile={secret}", "--no-sync"],
        check=True, cwd=folder, capture_output=True,
    )  # fmt: skip
    command = [str(_program("postgres")), "-D", str(data), "-p", str(port), "-h", HERE]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [*run_as, *command, "-k", str(folder)], cwd=folder, stdout=log, stderr=log
        )
    try:
        until(lambda: _created(database, port, password), "PostgreSQL")
        yield f"postgresql+psycopg2://mlflow:{password}@{HERE}:{port}/{database}"
    finally:
        server.send_signal(signal.SIGINT)  # its fast shutdown
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _created(database: str, port: int, password: str) -> bool:
    import psycopg2

    try:
        connection = psycopg2.connect(
            host=HERE, port=port, user="mlflow", password=password, dbname="postgres"
        )
    except psycopg2.OperationalError:
        return False
    connection.autocommit = True
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{database}"')
    return True


@contextlib.contextmanager
def mlflow_server(store: str, artifacts: Path, port: int | None = None) -> Iterator[str]:
    """An MLflow server that keeps artifacts in a folder; yields its address. It ends by kill -9."""
    port = port or free_port()
    command = [
        sys.executable, "-m", "mlflow", "server", "--artifacts-destination", str(artifacts),
        "--host", HERE, "--port", str(port), "--workers", "1",
    ]  # fmt: skip
    environment = {
        **os.environ, "MLFLOW_BACKEND_STORE_URI": store, "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }  # fmt: skip
    artifacts.mkdir(parents=True, exist_ok=True)
    with (artifacts.parent / "mlflow-server.log").open("w") as log:
        server = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        until(lambda: listens(port), "MLflow server")
        yield f"http://{HERE}:{port}"
    finally:
        for pid in descendants(server.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        server.wait()
