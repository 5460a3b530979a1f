"""Ray for the length of one sweep: local, quiet, and gone without a trace afterwards."""

import contextlib
import fcntl
import gc
import ipaddress
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

import ray
import ray.util

from ganablate.sweep.interrupt import Interruption
from ganablate.sweep.machine import Machine, MachineError

OBJECT_STORE_BYTES = 100 * 2**20
"""Ray's shared memory holds the list of jobs and nothing else; Ray asks for at least 75 MiB."""
_PREFIX = "ganablate-ray-"
_SETTLED_SECONDS = 60.0


def _worker_environment(machine: Machine) -> dict[str, str]:
    threads = str(machine.threads)
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    return dict.fromkeys(names, threads)


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
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _silence(name: str) -> Iterator[None]:
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A private folder (0700) with a short path, since Ray's sockets live in it; removed later.

    A driver that is killed leaves its folder behind; the next one removes it. That the driver is
    gone shows by the lock on the file `held`, which the kernel releases.
    """
    remove_left_folders()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_parent()))
    with (folder / "held").open("w") as held:
        _lock(held)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            time.sleep(0.1)  # an agent of Ray may write a last file
            shutil.rmtree(folder, ignore_errors=True)


def remove_left_folders() -> None:
    """Remove the folders of drivers that were killed."""
    for old in _parent().glob(f"{_PREFIX}*"):
        _remove_if_left(old)


def _parent() -> Path:
    return Path("/tmp") if Path("/tmp").is_dir() else Path(tempfile.gettempdir())


def _remove_if_left(folder: Path) -> None:
    with contextlib.suppress(OSError):
        if folder.lstat().st_uid != os.getuid():  # whatever another user has put there
            return
    try:
        with (folder / "held").open("r") as held:
            _lock(held)
            shutil.rmtree(folder, ignore_errors=True)
    except FileNotFoundError:  # something wrote after the driver had removed it
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > _SETTLED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
    except OSError:  # held by a driver, or another user's
        return


def _lock(file: TextIO) -> None:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def ray_session(machine: Machine, interruption: Interruption) -> Iterator[Path]:
    """Start Ray on this machine; yield a folder for Tune's files; stop Ray and remove all of it.

    Args:
        machine: What the workers may use.
        interruption: Listens again once `ray.init` has put its own handlers in place.

    Raises:
        SweepInterruptedError: A signal came while Ray started.
        MachineError: Ray would listen to other machines.
    """
    _check_private()
    variables = {**_driver_environment(machine), **_worker_environment(machine)}
    with _environment(variables), _silence("ray"), temporary_folder() as folder:
        try:
            # Ray opens its own folder to everyone (0777), and what lies there is unpickled: only
            # the private folder around it keeps other users of the machine out.
            _init(machine, folder / "r", interruption)
            yield folder / "tune"
        finally:
            _shut_down()


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


def _init(machine: Machine, folder: Path, interruption: Interruption) -> None:
    # The address is spelled out so that a RAY_ADDRESS in the environment does not divert it.
    settings: dict[str, Any] = {
        "address": "local",
        "num_cpus": machine.slots * machine.threads,
        "num_gpus": machine.gpus,
        "include_dashboard": False,
        "log_to_driver": False,
        "configure_logging": False,
        "logging_level": logging.CRITICAL,
        "object_store_memory": OBJECT_STORE_BYTES,
        "_temp_dir": str(folder),
        "_node_ip_address": "127.0.0.1",
    }
    try:
        ray.init(**settings)
    except SystemExit:  # Ray's own answer to SIGTERM while it starts
        interruption.request()
    interruption.listen()
    interruption.raise_if_requested()
