"""Disks, memory, folders, the port of the UI, MLflow's database."""

import contextlib
import errno
import fcntl
import shutil
import socket
import sqlite3
from pathlib import Path

from ganablate.files import obstacle
from ganablate.project.doctor.finding import Finding, Level, Place
from ganablate.tracking.location import DATABASE, is_server, resolve_uri, without_secrets

GB = 1e9
_DISK = {"fail": 0.5 * GB, "warn": 5 * GB}
"""Free bytes below which no sweep, or no large one, has room: a trial keeps 1 to 50 MB."""
_MEMORY = {"fail": 1.0 * GB, "warn": 2.5 * GB}
"""Ray and the driver take about 1 GB, each trial at a time 0.5 GB and its data."""
_TEMPORARY = {"fail": 0.1 * GB, "warn": 0.5 * GB}
_SHARED = 100 * 2**20
"""Ray's store of objects; where /dev/shm has less, Ray puts it under /tmp."""
_READ_WHOLE = 500e6
"""Bytes of a database up to which all its pages are looked at."""


def disk(place: Place) -> Finding:
    """Room for runs/."""
    folder = place.runs.absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return room(
        f"free for {place.runs}/", free, _DISK, "free some space; `make clean` removes runs/"
    )


def room(what: str, free: float, limits: dict[str, float], advice: str) -> Finding:
    """Whether so many bytes are enough."""
    level: Level = "ok"
    if free < limits["warn"]:
        level = "fail" if free < limits["fail"] else "warn"
    return Finding(level, f"{free / GB:.1f} GB {what}", "" if level == "ok" else advice)


def memory(_: Place) -> Finding:
    """Memory that is free or can be freed, within a container's limit."""
    free = available_memory()
    if free is None:
        return Finding("ok", "unknown on this system")
    advice = "close other programs, or run fewer trials at a time: `concurrency: 1` in the profile"
    return room("available", free, _MEMORY, advice)


def available_memory(
    meminfo: Path = Path("/proc/meminfo"), group: Path = Path("/sys/fs/cgroup")
) -> float | None:
    """Bytes; None where the system does not say."""
    try:
        free = _amounts(meminfo)["MemAvailable:"] * 1024
    except OSError:
        return None
    with contextlib.suppress(OSError, ValueError):  # no container, or "max": no limit
        limit = float((group / "memory.max").read_text(encoding="ascii"))
        used = float((group / "memory.current").read_text(encoding="ascii"))
        free = min(free, limit - used + _of_files(group))
    return free


def _of_files(group: Path) -> float:
    """Bytes of files that the container's kernel keeps in memory, and drops where more is asked."""
    try:
        amounts = _amounts(group / "memory.stat")
    except OSError:
        return 0.0
    return amounts.get("inactive_file", 0.0) + amounts.get("active_file", 0.0)


def _amounts(file: Path) -> dict[str, float]:
    """The first two words of each line: a name and a number."""
    lines = file.read_text(encoding="ascii").splitlines()
    return {name: float(number) for name, number, *_ in map(str.split, lines)}


def folders(place: Place) -> Finding:
    """Whether runs/ and results/ can be written."""
    if reasons := [line for folder in (place.runs, place.results) if (line := obstacle(folder))]:
        return Finding("fail", "; ".join(reasons), "mend that, or work in another folder")
    return Finding("ok", f"{place.runs}/ and {place.results}/ can be written")


def ray_folders(place: Place) -> Finding:
    """What Ray needs under /tmp and /dev/shm, and what killed sweeps left there."""
    if reason := obstacle(place.temporary):
        return Finding("fail", f"Ray works there: {reason}", f"make {place.temporary} writable")
    free = shutil.disk_usage(place.temporary).free
    finding = room(f"free in {place.temporary}", free, _TEMPORARY, "free some space there for Ray")
    if finding.level != "ok":
        return finding
    if left := [path for path in place.temporary.glob("ganablate-ray-*") if _is_left(path)]:
        text = f"{len(left)} folders of killed sweeps in {place.temporary}"
        return Finding("warn", text, "the next `ganablate run` removes them")
    if not place.shared_memory.is_dir():
        return finding
    shared = shutil.disk_usage(place.shared_memory).free
    if shared < _SHARED:
        text = f"{shared / 1e6:.0f} MB free in {place.shared_memory}, Ray asks for 105 MB"
        return Finding("warn", text, "in a container: docker run --shm-size=1g")
    return Finding("ok", f"{finding.text}, {shared / GB:.1f} GB in {place.shared_memory}")


def _is_left(folder: Path) -> bool:
    """Whether no sweep holds the folder's lock any more."""
    try:
        with (folder / "held").open("r") as held:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:  # held, or another user's
        return False
    return True


def port(place: Place) -> Finding:
    """Whether the UI's port is free."""
    if is_taken(place.port):
        advice = f"if not by `ganablate ui` itself: ganablate ui --port {place.port + 1}"
        return Finding("warn", f"{place.port} is taken", advice)
    return Finding("ok", f"{place.port} is free for `ganablate ui`")


def is_taken(port: int, host: str = "127.0.0.1") -> bool:
    """Whether another program listens there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def database(place: Place) -> Finding:
    """Whether MLflow's database is whole; a server is not asked."""
    of_profile = place.used.tracking_uri if place.used else None
    try:
        uri = resolve_uri(place.runs, argument=place.tracking_uri, profile=of_profile)
    except ValueError as error:
        return Finding("fail", str(error), "correct it or leave it out")
    if is_server(uri) or not uri.startswith("sqlite:///"):
        return Finding("ok", f"{without_secrets(uri)}, not looked into")
    file, runs = Path(uri.removeprefix("sqlite:///")), place.runs.resolve()
    name = place.runs / file.relative_to(runs) if file.is_relative_to(runs) else file
    if not file.exists():
        return Finding("ok", f"{name} is made by the first run")
    if fault := _database_fault(file):
        return Finding(
            "fail",
            f"{name}: {fault}",
            f"mv {name} {DATABASE}.old, then `ganablate track studies/*.yaml` makes a new one of "
            "the trials, which are all in runs/trials",
        )
    return Finding("ok", f"{name}, {file.stat().st_size / 1e6:.1f} MB, is whole")


def _database_fault(file: Path) -> str | None:
    try:
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as opened:
            tables = {row[0] for row in opened.execute("SELECT name FROM sqlite_master")}
            if tables and "experiments" not in tables:
                return "it is not MLflow's"
            if file.stat().st_size > _READ_WHOLE:
                return None
            (first,) = opened.execute("PRAGMA quick_check(1)").fetchone()
            where = " ".join(str(first).rpartition("***")[2].split())
            return None if first == "ok" else f"it is damaged: {where}"
    except sqlite3.Error as error:
        return str(error)
