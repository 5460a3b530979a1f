"""How much memory this machine, or its container, can still give."""

import contextlib
from pathlib import Path


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
        with contextlib.suppress(OSError):  # files in memory are dropped where more is asked
            amounts = _amounts(group / "memory.stat")
            used -= amounts.get("inactive_file", 0.0) + amounts.get("active_file", 0.0)
        free = min(free, limit - used)
    return free


def _amounts(file: Path) -> dict[str, float]:
    """The first two words of each line: a name and a number."""
    lines = file.read_text(encoding="ascii").splitlines()
    return {name: float(number) for name, number, *_ in map(str.split, lines)}
