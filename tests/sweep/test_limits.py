"""Limits of control groups, processes and files; a start of Ray that fails says why."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from ganablate import files
from ganablate.project.doctor import CHECKS, Place
from ganablate.sweep import limits, machine
from ganablate.sweep.limits import (
    available_memory,
    cpu_quota,
    processes_left,
    start_obstacles,
    temporary_parent,
)
from ganablate.sweep.ray_session import _identity
from tests.support.paths import ROOT
from tests.support.small_disks import read_only, small_disk


def group(root: Path, own: str, **contents: str) -> tuple[Path, Path]:
    """Control groups under a root: FOLDER__FILE -> its text; the process is in `own`."""
    for name, text in contents.items():
        *folders, file = name.split("__")
        path = root.joinpath(*folders) / file.replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "own").write_text(own)
    return root, root / "own"


@pytest.mark.parametrize(
    ("own", "contents", "quota"),
    [
        ("0::/\n", {"cpu_DOT_max": "50000 100000\n"}, 0.5),
        ("0::/\n", {"cpu_DOT_max": "max 100000\n"}, None),
        # A slice of systemd around the unit has the limit.
        ("0::/a.slice/b.service\n", {"a.slice__cpu_DOT_max": "150000 100000",
                                     "a.slice__b.service__cpu_DOT_max": "max 100000"}, 1.5),
        ("0::/a.slice/b.service\n", {"a.slice__cpu_DOT_max": "400000 100000",
                                     "a.slice__b.service__cpu_DOT_max": "300000 100000"}, 3.0),
        # Version 1, as older Dockers have it.
        ("4:cpu,cpuacct:/docker/x\n", {"cpu,cpuacct__docker__x__cpu_DOT_cfs_quota_us": "25000",
                                       "cpu,cpuacct__docker__x__cpu_DOT_cfs_period_us": "100000"},
         0.25),
        ("4:cpu:/\n0::/\n", {"cpu__cpu_DOT_cfs_quota_us": "-1",
                             "cpu__cpu_DOT_cfs_period_us": "100000"}, None),
        # In a container the group's path may be that of the host, which is not seen.
        ("4:cpu:/docker/x\n", {"cpu__cpu_DOT_cfs_quota_us": "200000",
                               "cpu__cpu_DOT_cfs_period_us": "100000"}, 2.0),
    ],
)  # fmt: skip
def test_cpus_of_a_container(
    own: str, contents: dict[str, str], quota: float | None, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    root, file = group(tmp_path, own, **contents)
    assert cpu_quota(root, file) == quota
    monkeypatch.setattr(machine, "cpu_quota", lambda: cpu_quota(root, file))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert machine.usable_cores() == (8 if quota is None else max(1, int(quota)))


def test_memory_of_a_container_of_either_version(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemAvailable:  3000000 kB\n")
    first = group(
        tmp_path / "1", "4:memory:/docker/x\n",
        memory__docker__x__memory_DOT_limit_in_bytes="600000000",
        memory__docker__x__memory_DOT_usage_in_bytes="200000000",
        memory__docker__x__memory_DOT_stat="total_inactive_file 50000000\n",
        memory__memory_DOT_limit_in_bytes="9223372036854771712",
        memory__memory_DOT_usage_in_bytes="900000000000",
    )  # fmt: skip
    second = group(
        tmp_path / "2", "0::/a.slice/b\n",
        a__memory_DOT_max="1", **{"a.slice__memory_DOT_max": "500000000",
                                  "a.slice__memory_DOT_current": "100000000",
                                  "a.slice__b__memory_DOT_max": "max"},
    )  # fmt: skip
    assert available_memory(tmp_path / "meminfo", *first) == 450_000_000
    assert available_memory(tmp_path / "meminfo", *second) == 400_000_000


def test_processes_that_a_container_allows(tmp_path: Path) -> None:
    root = group(tmp_path, "9:pids:/\n", pids__pids_DOT_max="100", pids__pids_DOT_current="60")
    assert processes_left(*root) == 40
    root = group(tmp_path / "v2", "0::/\n", pids_DOT_max="max", pids_DOT_current="60")
    assert processes_left(*root) is None


# Each cause has its line


def test_no_inodes_is_not_no_space(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 8_000_000, inodes=4) as disk:
        for name in "abc":
            (disk / name).touch()
        assert files.free_inodes(disk) == 0
        line = files.obstacle(disk)
        assert line is not None
        assert "takes no more files (its inodes are used up" in line
        assert "MB free" not in line
        with pytest.raises(OSError, match="No space") as caught:
            (disk / "d").touch()
        assert "inodes are used up" in files.in_words(caught.value, disk)
        assert files.is_full(caught.value)
        finding = CHECKS["disk"](Place(disk / "runs", disk, disk, dict))
        assert finding.level == "fail"
        assert "0 files can still be made" in finding.text
    with small_disk(tmp_path / "small", 40_000) as disk:
        with pytest.raises(OSError, match="No space") as caught:
            (disk / "d").write_bytes(bytes(90_000))
        assert "no space is left on its disk (" in files.in_words(caught.value, disk)


def test_what_ray_lacks_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(start_obstacles(tmp_path)) == []
    with read_only(tmp_path / "locked") as folder:
        (lack,) = start_obstacles(folder)
        assert "read-only" in lack.text
        assert "TMPDIR" in lack.remedy
    with small_disk(tmp_path / "full", 8_000_000, inodes=50) as folder:
        space, inodes = start_obstacles(folder)
        assert "GB free" in space.text
        assert "files can still be made" in inodes.text
    monkeypatch.setattr(limits, "processes_left", lambda: 20)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 64))
    opened, processes = start_obstacles(tmp_path)
    assert (opened.remedy, processes.text[:2]) == ("ulimit -n 4096", "20")
    finding = CHECKS["ray"](Place(tmp_path, tmp_path, tmp_path, dict, temporary=tmp_path))
    assert finding.level == "fail"
    assert "ulimit -n 4096; ulimit -u" in finding.advice


def test_tmpdir_is_obeyed_where_rays_sockets_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    short = Path("/var/tmp")
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(short))
    assert temporary_parent() == short
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert temporary_parent() == Path("/tmp")


STARTS = (
    "from ganablate.sweep.machine import Machine; "
    "from ganablate.sweep.ray_session import Interruption, ray_session\n"
    "machine = Machine(device='cpu', precision='fp32', slots=1, threads=1)\n"
    "with ray_session(machine, Interruption()):\n"
    "    import ray\n"
    "    print(ray.get(ray.remote(lambda: 7).remote()))\n"
)
NOBODY = 23_456


@pytest.mark.slow
def test_ray_starts_for_a_user_without_name_and_home() -> None:
    """As in a container that runs with `--user 23456`."""
    environment = {k: v for k, v in os.environ.items() if k not in ("HOME", "USER", "LOGNAME")}
    try:
        done = subprocess.run(
            [sys.executable, "-c", STARTS], cwd="/", user=NOBODY, group=NOBODY,
            extra_groups=[], env={**environment, "PYTHONPATH": str(ROOT)}, capture_output=True,
            text=True, timeout=300, check=False,
        )  # fmt: skip
    except PermissionError as error:
        pytest.skip(f"another user cannot run this interpreter ({error})")
    assert done.stdout.strip() == "7", done.stderr


def test_a_user_without_name_and_home_gets_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: NOBODY)  # the list of users does not have it
    given = _identity(tmp_path)
    assert given == {"HOME": str(tmp_path), "USER": f"user{NOBODY}"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert _identity(tmp_path) == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "line"),
    [("RLIMIT_NPROC", "more processes and threads"), ("RLIMIT_NOFILE", "ulimit -n")],
)
def test_a_user_of_few_processes_or_files_is_told(limit: str, line: str) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can act for another user")
    code = (
        "import os, resource, ganablate.sweep.ray_session\n"
        f"os.setuid({NOBODY}); resource.setrlimit(resource.{limit}, (60, 60))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code + STARTS], cwd="/", capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert "MachineError: Ray cannot start here: " in done.stderr, done.stderr
    assert line in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_a_start_that_fails_for_another_reason_shows_what_ray_wrote(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import ray

    from ganablate.sweep.ray_session import Interruption, ray_session

    def fail(**settings: object) -> None:
        logs = Path(str(settings["_temp_dir"])) / "session_2026" / "logs"
        logs.mkdir(parents=True)
        (logs / "raylet.out").write_text("fine\nthe wrong libc\n\n")
        raise RuntimeError("Ray says something of ports")

    monkeypatch.setattr(ray, "init", fail)
    plain = machine.Machine(device="cpu", precision="fp32", slots=1, threads=1)
    with pytest.raises(machine.MachineError) as caught, ray_session(plain, Interruption()):
        pass
    told = str(caught.value)
    assert "Ray says something of ports" in told
    assert told.endswith("it wrote last: the wrong libc")
    assert "busy" not in told


def test_uv_does_not_send_the_project_to_workers() -> None:
    code = (
        "import ganablate.sweep; from ray._private import ray_constants as constants; "
        "print(constants.RAY_ENABLE_UV_RUN_RUNTIME_ENV)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout == "False\n"
