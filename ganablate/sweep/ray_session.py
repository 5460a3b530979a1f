"""Ray for the length of one sweep, quiet, and gone without a trace afterwards.

It is either Ray of this sweep's own, which keeps to this machine, or a cluster's that runs already.
Ctrl-C and SIGTERM are noted at once, and acted upon between two steps of the driver.
"""

import contextlib
import fcntl
import gc
import getpass
import ipaddress
import logging
import math
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

import ray
import ray.util

from ganablate.sweep.limits import memory_obstacle, start_obstacles, temporary_parent
from ganablate.sweep.machine import Machine, MachineError, environment, worker_environment
from ganablate.trials.folder import one_line

_OBJECT_STORE_BYTES = 100 * 2**20
"""Ray's shared memory holds the list of jobs and nothing else; Ray asks for at least 75 MiB."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS = 10.0
"""How long a sweep that is to stop waits for checkpoints of what is being trained."""
LAST_SECONDS = 10.0
"""Before the end of a limited time no trial is begun for so long: it would hardly train."""
LAST = "begin-no-more"
"""File beside the one that stops all workers: its being there tells them to begin no trial."""
_PREFIX = "ganablate-ray-"
_SETTLED_SECONDS = 60.0
_GREETING, _SETTINGS = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", b"\4"
"""What gRPC, which Ray speaks, begins with; the kind of frame that it answers (RFC 9113, 3.4)."""
_QUIET = {"log_to_driver": False, "configure_logging": False, "logging_level": logging.CRITICAL}


class SweepInterruptedError(BaseException):
    """Leaves Tune's loop. Not an `Exception`: Tune would first wait for its workers."""


class Interruption:
    """Remembers that someone asked the sweep to stop, or that it is to stop at a time.

    The first signal asks; one that comes when the time for checkpoints is over raises
    KeyboardInterrupt where the driver stands. Outside the main thread, where Python allows no
    handlers, only `request` stops a sweep, and the time: `stop_at` is one of `time.monotonic`.
    """

    def __init__(self, stop_at: float = math.inf) -> None:
        self._requested = threading.Event()
        self._since = 0.0
        self._stop_at = stop_at

    @property
    def requested(self) -> bool:
        """Whether the sweep is to stop."""
        return self.asked or time.monotonic() >= self._stop_at

    @property
    def asked(self) -> bool:
        """Whether someone asked it to."""
        return self._requested.is_set()

    @property
    def ending(self) -> bool:
        """Whether so little time is left that no trial is begun any more."""
        return time.monotonic() >= self._stop_at - LAST_SECONDS

    def request(self) -> None:
        """Ask the sweep to stop."""
        self._requested.set()

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the signals until the end of the block, then as before it."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        self.listen()
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    def listen(self) -> None:
        """Install the handlers; again after `ray.init`, which installs its own."""
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                # Under `nohup` a terminal that is closed is to be passed over.
                if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                    signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if not self.asked:
            self._since = time.monotonic()
            self.request()
        elif time.monotonic() - self._since > GRACE_SECONDS:
            raise KeyboardInterrupt


def _driver_environment(machine: Machine) -> dict[str, str]:
    return {
        "RAY_USAGE_STATS_ENABLED": os.environ.get("RAY_USAGE_STATS_ENABLED", "0"),
        "RAY_CHDIR_TO_TRIAL_DIR": "0",  # paths of a job are relative to where the driver stands
        "RAY_AIR_NEW_OUTPUT": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
        "TUNE_DISABLE_SIGINT_HANDLER": "1",
        "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
        "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
        "TUNE_WARN_THRESHOLD_S": "1000000",
        # The trial folders are the truth; Tune writes its own state once, at the end.
        "TUNE_GLOBAL_CHECKPOINT_S": "1000000",
        # Trials that wait for a worker. Tune takes them in no order at all and makes a placement
        # group for each, so few; but a worker that finds none waiting is ended, with its torch.
        "TUNE_MAX_PENDING_TRIALS_PG": str(2 * machine.slots),
    }


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    logger = logging.getLogger("ray")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextlib.contextmanager
def temporary_folder(where: Path | None = None) -> Iterator[Path]:
    """A private folder (0700), removed later; see `temporary_parent`.

    A driver that is killed leaves its folder behind; the next one removes it. That the driver is
    gone shows by the lock on the file `held`, which the kernel releases.
    """
    remove_left_folders(where)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=where or temporary_parent()))
    with (folder / "held").open("w") as held:
        _lock(held)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            time.sleep(0.1)  # an agent of Ray may write a last file
            shutil.rmtree(folder, ignore_errors=True)


def remove_left_folders(where: Path | None = None) -> None:
    """Remove the folders of drivers that were killed."""
    for folder in (where or temporary_parent()).glob(f"{_PREFIX}*"):
        # A folder that a driver holds cannot be locked; another user's may not even be looked at.
        with contextlib.suppress(OSError):
            if folder.lstat().st_uid == os.getuid():
                _remove_if_left(folder)


def _remove_if_left(folder: Path) -> None:
    try:
        with (folder / "held").open("r") as held:
            _lock(held)
            shutil.rmtree(folder, ignore_errors=True)
    except FileNotFoundError:  # something wrote after the driver had removed it
        if time.time() - folder.stat().st_mtime > _SETTLED_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _lock(file: TextIO) -> None:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def ray_session(machine: Machine, interruption: Interruption) -> Iterator[Path]:
    """Start Ray on this machine; yield a folder for Tune's files; stop Ray and remove all of it.

    `interruption` listens again once `ray.init` has put its own handlers in place.

    Raises:
        SweepInterruptedError: A signal came while Ray started.
        MachineError: Ray did not start, or would listen to other machines.
    """
    _check_private()
    variables = {**_driver_environment(machine), **worker_environment(machine.threads)}
    if faults := list(start_obstacles()):
        raise MachineError("\n".join(f"Ray cannot start here: {fault}" for fault in faults))
    with (
        environment(variables),
        _silence(),
        temporary_folder() as folder,
        environment(_identity(folder)),
    ):
        settings = {
            # The address is spelled out so that a RAY_ADDRESS in the environment does not divert it
            "address": "local",
            "num_cpus": machine.slots * machine.threads,
            "num_gpus": machine.gpus,
            "include_dashboard": False,
            "object_store_memory": _OBJECT_STORE_BYTES,
            # Ray opens its own folder to everyone (0777), and what lies there is unpickled: only
            # the private folder around it keeps other users of the machine out.
            "_temp_dir": str(folder / "r"),
            "_node_ip_address": "127.0.0.1",
        }
        try:
            try:
                _join(settings, interruption)
            except Exception as error:  # a bare one is what Ray raises where its processes are late
                raise MachineError(_why_not_started(error, folder)) from error
            yield folder / "tune"
        finally:
            _shut_down()


def _identity(folder: Path) -> dict[str, str]:
    """A home and a name for a user who has none, as in a container; Ray asks for both."""
    variables = {}
    try:
        Path.home()
    except RuntimeError:
        variables["HOME"] = str(folder)
    try:
        getpass.getuser()
    except (KeyError, OSError):
        variables["USER"] = f"user{os.getuid()}"
    return variables


def _why_not_started(error: Exception, folder: Path) -> str:
    """A line for each cause that can be found; else what Ray wrote last."""
    if faults := [*start_obstacles(), *filter(None, [memory_obstacle()])]:
        return "\n".join(f"Ray did not start here: {fault}" for fault in faults)
    if "timed out" in str(error):
        reason = one_line(error)
        return f"Ray did not start here in time: the machine may be too busy; try again ({reason})"
    last = ""
    for log in ("gcs_server.out", "raylet.out", "gcs_server.err", "raylet.err"):
        for path in (folder / "r").glob(f"session_2*/logs/{log}"):
            lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
            last = next((line for line in reversed(lines) if line.strip()), last)
    wrote = f"; it wrote last: {last.strip()[:200]}" if last else ""
    return (
        f"Ray did not start here ({one_line(error)}), and nothing is missing that it is known to "
        f"need{wrote}"
    )


@contextlib.contextmanager
def cluster_session(
    address: str, machine: Machine, interruption: Interruption, runs: Path
) -> Iterator[Path]:
    """Be a guest of a cluster; yield a folder for Tune's files that every node sees; leave it.

    Raises:
        SweepInterruptedError: A signal came meanwhile.
        MachineError: There is no cluster.
    """
    workers = worker_environment(machine.threads)
    with (
        environment(_driver_environment(machine)),
        temporary_folder(runs) as folder,
        connected(address, interruption, workers),
    ):
        yield folder / "tune"


@contextlib.contextmanager
def connected(
    address: str, interruption: Interruption, workers: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Connected to a cluster, whose processes get these variables for us.

    Raises:
        SweepInterruptedError: A signal came meanwhile.
        MachineError: There is no cluster.
    """
    with _silence():
        runtime = {"env_vars": dict(workers or {})}
        settings = {"address": _answering(address), "runtime_env": runtime}
        try:
            try:
                _join(settings, interruption)
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise MachineError(_no_cluster(address, one_line(error))) from error
            yield
        finally:
            _shut_down()


def _answering(address: str) -> str:
    """HOST:PORT of a cluster; where there is none, Ray itself would try for minutes.

    `auto` is $RAY_ADDRESS, else the cluster that `ray start` made this machine a node of. Ray's own
    `auto` also joins whatever Ray it finds here, such as that of another sweep.
    """
    if address == "auto":
        temporary = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"
        joined = Path(temporary) / "ray" / "ray_current_cluster"
        address = os.environ.get("RAY_ADDRESS") or (joined.read_text() if joined.exists() else "")
        if not address:
            raise MachineError(_no_cluster("auto", "this machine is no node of one"))
    host, _, port = address.strip().rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=5.0) as connection:
            connection.sendall(_GREETING)
            if connection.recv(9)[3:4] != _SETTINGS:
                raise ValueError("what listens there is no Ray")
    except (OSError, ValueError) as error:
        raise MachineError(_no_cluster(address.strip(), one_line(error))) from error
    return address.strip()


def _no_cluster(address: str, reason: str) -> str:
    return (
        f"no Ray cluster can be joined at the address {address} ({reason}): start one with "
        "`ray start` on this machine and on every other, or leave `address` out of the sweep file"
    )


def _check_private() -> None:
    """Raise unless Ray keeps to this machine: whoever reaches its ports can run code here.

    It reads the setting for that, which `ganablate.sweep` makes, once and for all when it is
    imported; a program may have imported it before.
    """
    address = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    if not ipaddress.ip_address(address).is_loopback:
        raise MachineError(
            f"Ray would listen at {address}, where other machines reach it and can run code; "
            "import ganablate.sweep before ray, or set RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0"
        )


def _shut_down() -> None:
    # Ray ends the process without a word if one of its handles is collected while it shuts down,
    # which the collector may do in any thread, such as the tracker's.
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        ray.shutdown()
    finally:
        if enabled:
            gc.enable()


def _join(settings: Mapping[str, Any], interruption: Interruption) -> None:
    # Ray's processes inherit it: a terminal that is closed must not end them under the workers.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        ray.init(**{**settings, **_QUIET})
    except SystemExit:  # Ray's own answer to SIGTERM while it starts
        interruption.request()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    interruption.listen()
    if interruption.requested:
        raise SweepInterruptedError
