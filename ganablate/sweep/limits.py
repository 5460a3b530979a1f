"""What the system lets this process have, and what keeps Ray from starting: a line a cause.

Limits of a container stand in its control group and in those around it, such as slices of systemd;
both versions of control groups are read.
"""

import contextlib
import os
import resource
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ganablate.files import free_inodes, obstacle

GROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")
LONGEST_TEMPORARY = 18
"""Letters of a folder's path that leave room for Ray's sockets, whose paths have at most 107."""
_LEAST_SPACE, _LEAST_MEMORY = 0.1e9, 1e9
_LEAST_FILES, _LEAST_OPEN, _LEAST_PROCESSES = 1000, 256, 250
"""Files in Ray's folder; open files of a process; processes and threads of Ray and two workers."""
_UNLIMITED = 2**60
"""Memory in bytes from which on the first version of control groups means no limit."""


# Control groups


def _groups_of(controller: str, groups: Path, own: Path) -> list[Path]:
    """The folders with this controller's limits of the process: its own, and those around it."""
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = ["0::/"]
    folders: list[Path] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            base = groups
        elif controller in controllers.split(","):
            base = groups / controllers if (groups / controllers).is_dir() else groups / controller
        else:
            continue
        place = base / path.lstrip("/")
        inside = [place, *place.parents]
        folders += inside[: inside.index(base) + 1] if base in inside else [base]
    return [folder for folder in folders if folder.is_dir()]


def _number(file: Path) -> float | None:
    """The number in a file; None where there is none, or a word such as "max"."""
    try:
        return float(file.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return None


def cpu_quota(groups: Path = GROUPS, own: Path = OWN_GROUPS) -> float | None:
    """CPUs' worth of time that the groups allow, such as 0.5; None: no limit."""
    quotas = []
    for folder in _groups_of("cpu", groups, own):
        with contextlib.suppress(OSError, ValueError):  # "max": no quota
            quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
            quotas.append(int(quota) / int(period))
        quota_us = _number(folder / "cpu.cfs_quota_us")
        period_us = _number(folder / "cpu.cfs_period_us")
        if quota_us is not None and quota_us > 0 and period_us:
            quotas.append(quota_us / period_us)
    return min(quotas, default=None)


def available_memory(
    meminfo: Path = Path("/proc/meminfo"), groups: Path = GROUPS, own: Path = OWN_GROUPS
) -> float | None:
    """Bytes that are free or can be freed, within the groups' limits; None: unknown here."""
    try:
        free = _amounts(meminfo)["MemAvailable:"] * 1024
    except OSError:
        return None
    for folder in _groups_of("memory", groups, own):
        for limit_name, used_name, kept in (
            ("memory.max", "memory.current", ("inactive_file", "active_file")),
            ("memory.limit_in_bytes", "memory.usage_in_bytes",
             ("total_inactive_file", "total_active_file")),
        ):  # fmt: skip
            limit, used = _number(folder / limit_name), _number(folder / used_name)
            if limit is None or used is None or limit >= _UNLIMITED:
                continue
            with contextlib.suppress(OSError):  # files in memory are dropped where more is asked
                amounts = _amounts(folder / "memory.stat")
                used -= sum(amounts.get(name, 0.0) for name in kept)
            free = min(free, limit - used)
    return free


def _amounts(file: Path) -> dict[str, float]:
    """The first two words of each line: a name and a number."""
    lines = file.read_text(encoding="ascii").splitlines()
    return {name: float(number) for name, number, *_ in map(str.split, lines)}


# What Ray needs


def temporary_parent() -> Path:
    """Where Ray's folder is made: $TMPDIR where its path is short enough, else /tmp."""
    named = Path(tempfile.gettempdir())
    slash_tmp = Path("/tmp")
    if len(str(named)) <= LONGEST_TEMPORARY or not slash_tmp.is_dir():
        return named
    return slash_tmp


class Obstacle(NamedTuple):
    """What keeps Ray from starting, and what to do."""

    text: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.text}: {self.remedy}"


def start_obstacles(temporary: Path | None = None) -> Iterator[Obstacle]:
    """What Ray needs and does not have here; `temporary` is where its folder is made."""
    folder = temporary or temporary_parent()
    if reason := obstacle(folder):
        yield Obstacle(
            f"Ray works in {folder}: {reason}",
            "make it writable, or set TMPDIR to a folder with a path of at most "
            f"{LONGEST_TEMPORARY} letters",
        )
        return
    space, inodes = shutil.disk_usage(folder).free, free_inodes(folder)
    if space < _LEAST_SPACE:
        text = f"{space / 1e9:.2f} GB free in {folder}, where Ray works"
        yield Obstacle(text, "free some space there")
    if inodes is not None and inodes < _LEAST_FILES:
        text = f"{inodes} files can still be made in {folder} (inodes), where Ray works"
        yield Obstacle(text, "remove some there")
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 < files < _LEAST_OPEN:
        text = f"a process may open {files} files, and Ray's need {_LEAST_OPEN}"
        yield Obstacle(text, "ulimit -n 4096")
    left = processes_left()
    if left is not None and left < _LEAST_PROCESSES:
        yield Obstacle(
            f"{left} more processes and threads may be started, and Ray's need {_LEAST_PROCESSES}",
            "ulimit -u 4096, in a container --pids-limit 4096",
        )


def memory_obstacle() -> Obstacle | None:
    """Whether memory is short; Ray may start nevertheless."""
    memory = available_memory()
    if memory is None or memory >= _LEAST_MEMORY:
        return None
    text = f"{memory / 1e9:.1f} GB of memory are available, and Ray takes about 1"
    return Obstacle(text, "close other programs")


def processes_left(groups: Path = GROUPS, own: Path = OWN_GROUPS) -> int | None:
    """Processes and threads that may still be started; None: no limit is known."""
    left = []
    for folder in _groups_of("pids", groups, own):
        most, used = _number(folder / "pids.max"), _number(folder / "pids.current")
        if most is not None and used is not None:
            left.append(int(most - used))
    most_of_user, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    if most_of_user > 0 and os.getuid() != 0:  # the kernel does not hold root to it
        left.append(most_of_user - _threads_of_user())
    return min(left, default=None)


def _threads_of_user() -> int:
    count = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            if process.stat().st_uid == os.getuid():
                count += len(list((process / "task").iterdir()))
    return count
