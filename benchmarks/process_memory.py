"""What processes are called and how much memory they take, from /proc."""

import contextlib
from pathlib import Path


def family(pid: int) -> list[int]:
    """The processes below one."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for parent in found:
        found += [child for child, of in parents.items() if of == parent]
    return found[1:]


def name_of(pid: int) -> str:
    """The command line of a process, empty if it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


def memory_mib(pid: int, kind: str) -> float:
    """Memory of a process, 0 if it is gone.

    Args:
        pid: The process.
        kind: How the kernel's lines begin: `Pss:` (shared pages count in parts), or `Private_`
            (pages that no other process has).
    """
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith(kind)) / 1024
    return 0.0
