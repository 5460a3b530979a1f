"""Checks of an installation and of the folder it is used in; each is one function and one line."""

import contextlib
import errno
import fcntl
import json
import shlex
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from ganablate.catalog import DATASETS, EXTRACTORS, NAMED_EXTRACTORS
from ganablate.files import free_inodes, lock_obstacle, obstacle
from ganablate.metrics.features import MetricError
from ganablate.metrics.weight_files import WEIGHTS, Card
from ganablate.study.reading.errors import StudyError
from ganablate.sweep.limits import available_memory, start_obstacles, temporary_parent
from ganablate.sweep.profile import DEFAULT_PROFILE, Profile, load_profile
from ganablate.text import counted
from ganablate.tracking.database import version_fault
from ganablate.tracking.location import DATABASE, resolve_uri, sqlite_file, without_secrets

_PROJECT = "ganablate"
_INSTALL = "in the virtual environment: make install (or pip install --editable .)"
_NVIDIA = (Path("/dev/nvidiactl"), Path("/dev/dxg"))
_TORCH_SECONDS = 60

_DISK = {"fail": 0.5e9, "warn": 5e9}
"""Free bytes below which no sweep, or no large one, can be held: a trial keeps 1 to 50 MB."""
_MEMORY = {"fail": 1e9, "warn": 2.5e9}
"""Ray and the driver take about 1 GB, each trial at a time 0.5 GB and its data."""
_FILES = 10_000
"""Files that a sweep needs room for: a trial has about 50."""
_TEMPORARY = {"fail": 0.1e9, "warn": 0.5e9}
_SHARED = 100 * 2**20
"""Ray's store of objects; where /dev/shm has less, Ray puts it under /tmp."""
_READ_WHOLE = 500e6
"""Bytes of a database up to which all its pages are looked at."""

FILES: dict[str, tuple[str, ...]] = {
    "mnist": ("MNIST/raw/train-images-idx3-ubyte",),
    "fashion_mnist": ("FashionMNIST/raw/train-images-idx3-ubyte",),
    "cifar10": ("cifar-10-batches-py", "cifar-10-batches-bin"),
    "flowers102": ("flowers-102/jpg",),
    "celeba": ("celeba/img_align_celeba",),
    "lsun_bedroom": ("bedroom_train_lmdb/data.mdb",),
    "imagenet": ("imagenet/train", "imagenet/ILSVRC2012_img_train.tar"),
}
"""Data set -> paths under the data root, of which one shows that it is there."""
DOWNLOADED = ("mnist", "fashion_mnist", "cifar10", "flowers102")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, and what to do about it.

    `warn`: some studies or commands will not work; `fail`: none will.
    """

    level: Literal["ok", "warn", "fail"]
    text: str
    advice: str = ""


def ask_torch(data_root: Path) -> dict[str, Any]:
    """What torch says of this machine; {"error": LINE} where torch or torchvision does not load.

    It is asked in a process of its own, so that the checks outlive a torch that ends the process.
    """
    command = [sys.executable, "-m", "ganablate.sweep.machine", str(data_root)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TORCH_SECONDS)
    except subprocess.TimeoutExpired:
        return {"error": f"no answer within {_TORCH_SECONDS} s"}
    if done.returncode == 0:
        facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return facts
    errors = [f"it ended with {done.returncode}", *done.stderr.strip().splitlines()]
    return {"error": errors[-1]}


@dataclass(frozen=True)
class Place:
    """Where the checks look. Every path may be absent.

    Attributes:
        torch: Gives what `ask_torch` answers, and waits for it if need be.
        profile_file: Of `--sweep`; None: the default.
        profile: What sweeps here go by: that file's, or the default one; None: it cannot be read.
    """

    runs: Path
    results: Path
    data_root: Path
    torch: Callable[[], dict[str, Any]]
    profile_file: Path | None = None
    profile: Profile | None = None
    tracking_uri: str | None = None
    port: int = 5000
    temporary: Path = field(default_factory=temporary_parent)
    shared_memory: Path = Path("/dev/shm")
    weights: Path = WEIGHTS


def examine(place: Place) -> Iterator[tuple[str, Finding]]:
    """Every check's finding, in order; one that breaks itself does not end the others."""
    for name, check in CHECKS.items():
        try:
            yield name, check(place)
        except Exception as error:  # whatever this machine has that no check foresees
            reason = f"{type(error).__name__}: {error}"
            yield name, Finding("fail", f"the check itself broke: {reason}", "tell the maintainers")


def _python(_: Place) -> Finding:
    """Its version against the project's."""
    needed = ""
    with contextlib.suppress(metadata.PackageNotFoundError, KeyError):
        needed = metadata.metadata(_PROJECT)["Requires-Python"] or ""
    version = sys.version.split()[0]
    text = f"Python {version} in {sys.prefix}"
    if version in SpecifierSet(needed):
        return Finding("ok", text)
    advice = f"install Python {needed}, then {_INSTALL}"
    return Finding("fail", f"{text}; {needed} is needed", advice)


def _packages(_: Place) -> Finding:
    """Every package that the project depends on, against its range; those of extras are not."""
    try:
        requirements = metadata.requires(_PROJECT) or []
    except metadata.PackageNotFoundError:
        return Finding("fail", f"{_PROJECT} itself is not installed in {sys.prefix}", _INSTALL)
    faults: list[str] = []
    versions: dict[str, str] = {}
    for requirement in map(Requirement, requirements):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = versions[requirement.name] = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            faults.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            faults.append(f"{requirement.name} {version} is not {requirement.specifier}")
    if faults:
        return Finding("fail", "; ".join(faults), _INSTALL)
    shown = ", ".join(f"{name} {versions[name]}" for name in ("ray", "mlflow", "numpy"))
    return Finding("ok", f"all {len(versions)} packages are in their ranges: {shown}")


def _torch(place: Place) -> Finding:
    """Whether torch and torchvision load together, and what torch makes of the processor."""
    facts = place.torch()
    if "error" in facts:
        advice = (
            "install a pair that belongs together, such as that of requirements.lock: "
            "pip install --constraint requirements.lock torch torchvision"
        )
        return Finding("fail", f"torch and torchvision do not load: {facts['error']}", advice)
    build = f"CUDA {facts['cuda']}" if facts["cuda"] else "CPU only"
    text = (
        f"torch {facts['torch']} ({build}) with torchvision {facts['torchvision']}, "
        f"{facts['threads']} threads, trials compute in {facts['precision']}"
    )
    return Finding("ok", text)


def _gpu(place: Place) -> Finding:
    """GPUs of the machine against those that torch can use, and what the profile asks for."""
    facts = place.torch()
    asked = place.profile.device if place.profile else "cpu"
    if usable := facts.get("gpus", []):
        file = "one-gpu" if len(usable) == 1 else "multi-gpu"
        advice = f"to use it: --sweep sweeps/{file}.yaml" if asked == "cpu" else ""
        return Finding("ok", f"{len(usable)} x {', '.join(dict.fromkeys(usable))}", advice)
    if any(path.exists() for path in _NVIDIA):
        no_cuda = facts.get("cuda") is None
        reason = "its build has no CUDA" if no_cuda else "driver and build may not fit"
        text = f"an NVIDIA device is here, and torch finds no GPU: {reason}"
        advice = "run nvidia-smi; install the torch build for its CUDA version (pytorch.org)"
        return Finding("warn", text, advice)
    if asked == "cuda":
        return Finding(
            "fail", "none, and the profile asks for cuda", "give it device: cpu, or auto"
        )
    return Finding("ok", "none; trials run on the CPU")


def _disk(place: Place) -> Finding:
    """The space for runs/."""
    runs = place.runs.absolute()
    nearest = next(folder for folder in (runs, *runs.parents) if folder.exists())
    free, inodes = shutil.disk_usage(nearest).free, free_inodes(nearest)
    advice = "free some space; `make clean` removes runs/"
    if inodes is not None and inodes < _FILES:
        text = f"{inodes:,} files can still be made for {place.runs}/ (inodes)"
        return Finding("fail" if inodes < _FILES / 10 else "warn", text, "remove some files there")
    return _enough(f"free for {place.runs}/", free, _DISK, advice)


def _enough(what: str, free: float, limits: dict[str, float], advice: str) -> Finding:
    """Whether that many bytes are enough."""
    text = f"{free / 1e9:.1f} GB {what}"
    if free < limits["fail"]:
        return Finding("fail", text, advice)
    return Finding("warn", text, advice) if free < limits["warn"] else Finding("ok", text)


def _memory(_: Place) -> Finding:
    """Memory that is free or can be freed, within a container's limit."""
    free = available_memory()
    if free is None:
        return Finding("ok", "unknown on this system")
    advice = "close other programs, or run fewer trials at a time: `concurrency: 1` in the profile"
    return _enough("available", free, _MEMORY, advice)


def _folders(place: Place) -> Finding:
    """Whether runs/ and results/ can be written."""
    if reasons := [line for folder in (place.runs, place.results) if (line := obstacle(folder))]:
        return Finding("fail", "; ".join(reasons), "mend that, or work in another folder")
    if reason := lock_obstacle(place.runs):
        return Finding("fail", reason)
    return Finding("ok", f"{place.runs}/ and {place.results}/ can be written")


def _ray_folders(place: Place) -> Finding:
    """What keeps Ray from starting, and what killed sweeps left in its folder."""
    folder = place.temporary
    advice = "free some space there for Ray"
    if lacks := list(start_obstacles(folder)):
        texts, remedies = zip(*lacks, strict=True)
        return Finding("fail", "; ".join(texts), "; ".join(remedies))
    finding = _enough(f"free in {folder}", shutil.disk_usage(folder).free, _TEMPORARY, advice)
    if finding.level != "ok":
        return finding
    if left := [path for path in folder.glob("ganablate-ray-*") if not _is_held(path)]:
        text = f"{len(left)} folders of killed sweeps in {folder}"
        return Finding("warn", text, "the next `ganablate run` removes them")
    if not place.shared_memory.is_dir():
        return finding
    shared = shutil.disk_usage(place.shared_memory).free
    if shared < _SHARED:
        text = f"{shared / 1e6:.0f} MB free in {place.shared_memory}, Ray asks for 105 MB"
        return Finding("warn", text, "in a container: docker run --shm-size=1g")
    return Finding("ok", f"{finding.text}, {shared / 1e9:.1f} GB in {place.shared_memory}")


def _is_held(folder: Path) -> bool:
    """Whether a sweep holds the folder's lock, or another user does."""
    try:
        with (folder / "held").open("r") as held:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def _port(place: Place) -> Finding:
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


def _database(place: Place) -> Finding:
    """Whether MLflow's database is whole; a server is not asked."""
    of_profile = place.profile.tracking_uri if place.profile else None
    try:
        uri = resolve_uri(place.runs, argument=place.tracking_uri, profile=of_profile)
    except ValueError as error:
        return Finding("fail", str(error), "correct it or leave it out")
    file, runs = sqlite_file(uri), place.runs.resolve()
    if file is None:
        return Finding("ok", f"{without_secrets(uri)}, not looked into")
    name = place.runs / file.relative_to(runs) if file.is_relative_to(runs) else file
    if not file.exists():
        return Finding("ok", f"{name} is made by the first run")
    if fault := _database_fault(file):
        advice = (
            f"mv {shlex.quote(str(name))} {DATABASE}.old, then `ganablate track studies/*.yaml` "
            "makes a new one of the trials, which are all in runs/trials"
        )
        return Finding("fail", f"{name}: {fault}", advice)
    return Finding("ok", f"{name}, {file.stat().st_size / 1e6:.1f} MB, is whole")


def _database_fault(file: Path) -> str | None:
    try:
        address = f"{file.absolute().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True)) as opened:
            tables = {row[0] for row in opened.execute("SELECT name FROM sqlite_master")}
            if tables and "experiments" not in tables:
                return "it is not MLflow's"
            if fault := version_fault(opened):
                return fault
            if file.stat().st_size > _READ_WHOLE:
                return None
            (first,) = opened.execute("PRAGMA quick_check(1)").fetchone()
            where = " ".join(str(first).rpartition("***")[2].split())
            return None if first == "ok" else f"it is damaged: {where}"
    except sqlite3.Error as error:
        return str(error)


def _profile(place: Place) -> Finding:
    """Whether the profile can be read."""
    path = place.profile_file or DEFAULT_PROFILE
    if place.profile_file is None and not path.exists():
        return Finding("ok", f"no {path} here: the defaults, as on a laptop")
    try:
        read = load_profile(path)
    except StudyError as error:
        return Finding("fail", "; ".join(map(str, error.problems)), f"correct {path}")
    return Finding("ok", f"{path}: device {read.device}, concurrency {read.concurrency}")


def _cluster(place: Place) -> Finding:
    """Whether the nodes of the cluster that the profile names will do."""
    if place.profile is None or place.profile.address is None:
        return Finding("ok", "none is named: sweeps run on this machine alone")
    from ganablate.sweep.cluster import look_at_nodes
    from ganablate.sweep.machine import MachineError, wants_cuda
    from ganablate.sweep.ray_session import Interruption

    address, wanted = place.profile.address, wants_cuda(place.profile, cuda_named=False)
    try:
        nodes = look_at_nodes(address, place.runs.resolve(), Interruption(), gpus=wanted)
    except MachineError as error:
        return Finding("fail", "; ".join(str(error).splitlines()), "see docs/cluster.md")
    cpus, gpus = sum(node.cpus for node in nodes), sum(node.gpus for node in nodes)
    count = counted(len(nodes), "node")
    return Finding("ok", f"{address}: {count} with {cpus} CPUs and {gpus} GPUs to give")


def _data(place: Place) -> Finding:
    """Which data sets are here, and how to get the others."""
    here = [name for name in FILES if _is_here(name, place)]
    embedded = ", ".join(name for name, dataset in DATASETS.items() if dataset.embedded)
    downloaded = [name for name in DOWNLOADED if name not in here]
    by_hand = [name for name in FILES if name not in (*here, *DOWNLOADED)]
    advice = []
    if downloaded:
        advice.append(f"{', '.join(downloaded)}: downloaded when first needed")
    if by_hand:
        advice.append(f"{', '.join(by_hand)}: put there by hand, `ganablate run` says which files")
    text = f"embedded: {embedded}; in {place.data_root}/: {', '.join(here) or 'none'}"
    return Finding("ok", text, "; ".join(advice))


def _data_root(place: Place) -> Finding:
    """Whether the data root can be read, and written where sets are still to be downloaded."""
    root = place.data_root
    if root.exists() and not root.is_dir():
        return Finding("fail", f"{root} is a file", "name a folder with --data-root")
    missing = [name for name in DOWNLOADED if not _is_here(name, place)]
    if missing and (reason := obstacle(root)):
        text = f"{reason}; so {', '.join(missing)} cannot be downloaded there"
        return Finding("warn", text, "name another folder with --data-root, or make it writable")
    return Finding("ok", f"{root}/")


def _extractors(place: Place) -> Finding:
    """The shipped extractors: each weight file has the sha256 that its card states."""
    faults = []
    for extractor in EXTRACTORS.values():
        try:
            Card.of(place.weights / extractor.weights)
        except (MetricError, ValueError, OSError) as error:
            faults.append(str(error).splitlines()[0])
    if faults:
        return Finding("fail", "; ".join(faults), "install ganablate again, or git checkout them")
    return Finding("ok", f"the weights of all {len(EXTRACTORS)} shipped ones have their sha256")


def _named_extractors(place: Place) -> Finding:
    """Those that do not ship, which only studies that name them need."""
    faults = place.torch().get("extractors")
    if faults is None:
        return Finding("warn", "not looked for, since torch does not load", "see torch")
    if lacking := {name: fault for name, fault in faults.items() if fault}:
        names = " or ".join(f"`extractor: {name}`" for name in lacking)
        text = f"absent; only studies with {names} need it"
        return Finding("ok", text, "; ".join(lacking.values()))
    return Finding("ok", f"{', '.join(NAMED_EXTRACTORS)}: weights and package are here")


def _is_here(dataset: str, place: Place) -> bool:
    """Under the data root, or materialised by an earlier run."""
    if any((place.data_root / path).exists() for path in FILES[dataset]):
        return True
    for card in (place.runs / "data").glob(f"{dataset}-*/card.json"):
        with contextlib.suppress(OSError, ValueError):  # it was cut short
            if "fingerprint" in json.loads(card.read_text(encoding="utf-8")):
                return True
    return False


CHECKS: dict[str, Callable[[Place], Finding]] = {
    "python": _python,
    "packages": _packages,
    "torch": _torch,
    "gpu": _gpu,
    "memory": _memory,
    "disk": _disk,
    "folders": _folders,
    "ray": _ray_folders,
    "profile": _profile,
    "cluster": _cluster,
    "data": _data,
    "data root": _data_root,
    "extractors": _extractors,
    "named extractors": _named_extractors,
    "mlflow": _database,
    "port": _port,
}
"""Name -> the check, in the order in which they are shown."""
