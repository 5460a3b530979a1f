"""Kill a process at every write to the file system in turn, and see what the next one makes of it.

After SQLite's crash tests: a child does the work; a hook counts what it writes under one folder
(files opened for writing, fsync, rename, unlink, rmdir, mkdir, chmod) and sends itself SIGKILL
right before the n-th, for every n. With `cut`, the file that was written last is first cut to
half, as when the kill had come in the middle of the write.

A walk does a piece of work once undisturbed, then once for each of its write operations, killed
right before it. After each kill a reader looks at what is there, another child does the work
again, and what comes out must be what the undisturbed work gave.

The children are forked from a process that has imported everything and done nothing: each is as
good as a fresh one, without the seconds that importing torch takes. Linux only.
"""

import contextlib
import importlib
import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.truncate", "os.link"}
_DESCRIPTORS = Path("/proc/self/fd")
Work = Callable[[], object]


@dataclass(frozen=True)
class Ended:
    """How a child ended: the write operations it came to, its wait status, what it imported."""

    points: tuple[str, ...]
    status: int
    error: str
    modules: tuple[str, ...] = ()

    @property
    def killed(self) -> bool:
        """Whether it killed itself."""
        return os.WIFSIGNALED(self.status) and os.WTERMSIG(self.status) == signal.SIGKILL

    @property
    def well(self) -> bool:
        """Whether it did all of its work."""
        return os.WIFEXITED(self.status) and os.WEXITSTATUS(self.status) == 0


class _Counter:
    """Tells of every write operation under `root`, and ends the process at number `kill_at`."""

    def __init__(self, root: Path, told: int, kill_at: int | None, cut: bool) -> None:
        self._root = root.resolve()
        self._told, self._kill_at, self._cut = told, kill_at, cut
        self._count = 0
        self._written: Path | None = None  # opened for writing, not renamed since
        self._busy = False

    def install(self) -> None:
        fsync = os.fsync

        def watched(descriptor: int) -> None:
            self._point("fsync", _DESCRIPTORS / str(descriptor))
            fsync(descriptor)

        os.fsync = watched  # the one operation that raises no audit event
        sys.addaudithook(self._hear)

    def _hear(self, event: str, given: tuple[Any, ...]) -> None:
        if self._busy:
            return
        if event == "open" and isinstance(given[2], int) and given[2] & WRITING:
            self._point("open", given[0])
        elif event in CHANGES:
            directory = int(given[-1]) if event in ("os.remove", "os.rmdir") else -1
            self._point(event.removeprefix("os."), given[0], directory)

    def _point(self, what: str, path: object, directory: int = -1) -> None:
        self._busy = True
        try:
            place = self._place(path, directory)
            if place is None:
                return
            self._count += 1
            os.write(self._told, f"{what} {place.relative_to(self._root)}\n".encode())
            if self._count == self._kill_at:
                self._cut_off()
                os.kill(os.getpid(), signal.SIGKILL)
            if what == "open":
                self._written = place
            elif what in ("rename", "remove") and place == self._written:
                self._written = None
        finally:
            self._busy = False

    def _place(self, path: object, directory: int) -> Path | None:
        """The path, absolute, if it is under the root."""
        if not isinstance(path, str | bytes | os.PathLike):
            return None
        name = Path(os.fsdecode(path))
        if name.parent == _DESCRIPTORS:
            name = name.readlink()
        elif directory >= 0:
            name = (_DESCRIPTORS / str(directory)).readlink() / name
        name = name.parent.resolve() / name.name
        return name if self._root in name.parents else None

    def _cut_off(self) -> None:
        if self._cut and self._written is not None:
            with contextlib.suppress(FileNotFoundError):
                os.truncate(self._written, self._written.stat().st_size // 2)


def in_child(work: Work, root: Path, *, kill_at: int | None = None, cut: bool = False) -> Ended:
    """Do the work in a child, which is killed right before its write number `kill_at`, from 1.

    Args:
        work: What to do.
        root: The folder whose writes count.
        kill_at: None: count only.
        cut: Cut the file that was written last to half before the kill.
    """
    reader, told = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reader)
            _Counter(root, told, kill_at, cut).install()
            work()
            os.write(told, f"@{' '.join(sys.modules)}".encode())
            code = 0
        except BaseException:
            os.write(told, f"!{traceback.format_exc()}".encode())
        finally:
            os._exit(code)
    os.close(told)
    with os.fdopen(reader, "rb") as file:
        text, _, error = file.read().decode(errors="replace").partition("!Traceback")
    _, status = os.waitpid(child, 0)
    text, _, modules = text.partition("@")
    return Ended(tuple(text.splitlines()), status, error, tuple(modules.split()))


def import_as(ended: Ended) -> None:
    """Import what a child imported while it worked, so that the next ones have it."""
    for name in ended.modules:
        if name not in sys.modules:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)


@dataclass(frozen=True)
class Walk:
    """A piece of work to be killed in.

    Attributes:
        name: Of the walk.
        prepare: Makes the state before the work, in an empty folder.
        work: Does the work, or the rest of it.
        facts: What must come out, by name; run in a child, so it returns what JSON can hold.
        sound: Raises AssertionError where a reader would be misled by what a kill left behind.
    """

    name: str
    prepare: Callable[[Path], None]
    work: Callable[[Path], object]
    facts: Callable[[Path], dict[str, Any]]
    sound: Callable[[Path, dict[str, Any]], None]


@dataclass
class Tally:
    """What a walk found."""

    name: str
    points: int = 0
    kills: int = 0
    problems: list[str] = field(default_factory=list)
    left: set[str] = field(default_factory=set)
    seconds: float = 0.0


def walk(steps: Walk, scratch: Path, *, every: int = 1, seed: int = 0) -> Tally:
    """Kill the work at every `every`-th of its writes, each time whole and cut to half."""
    began = time.monotonic()
    tally = Tally(steps.name)
    base = scratch / steps.name
    before = base / "before"
    before.mkdir(parents=True)
    import_as(_done(in_child(lambda: steps.prepare(before), before)))
    whole = _copy(before, base / "whole")
    ended = _done(in_child(lambda: steps.work(whole), whole))
    import_as(ended)
    expected = _facts(steps, whole)
    tally.points = len(ended.points)
    offset = random.Random(f"{steps.name}-{seed}").randrange(every)
    for number in range(1 + offset, tally.points + 1, every):
        for cut in (False, True):
            _killed_at([number], cut, steps, before, base, expected, tally)
    tally.seconds = time.monotonic() - began
    return tally


def stumble(steps: Walk, scratch: Path, *, rounds: int, seed: int) -> Tally:
    """Kill the work again and again, at random writes, until it gets through."""
    began = time.monotonic()
    tally = Tally(f"{steps.name}, again and again")
    base = scratch / f"{steps.name}-stumbling"
    before = base / "before"
    before.mkdir(parents=True)
    _done(in_child(lambda: steps.prepare(before), before))
    whole = _copy(before, base / "whole")
    tally.points = len(_done(in_child(lambda: steps.work(whole), whole)).points)
    expected = _facts(steps, whole)
    dice = random.Random(f"{steps.name}-stumble-{seed}")
    for _ in range(rounds):
        numbers = [dice.randint(1, max(2, tally.points // 2)) for _ in range(dice.randint(2, 8))]
        _killed_at(numbers, dice.random() < 0.5, steps, before, base, expected, tally)
    tally.seconds = time.monotonic() - began
    return tally


def _killed_at(  # noqa: PLR0913 - where, and against what
    numbers: Sequence[int], cut: bool, steps: Walk, before: Path, base: Path,
    expected: dict[str, Any], tally: Tally,
) -> None:  # fmt: skip
    """Kill at these writes, one attempt after the other; then do the rest, and compare."""
    place = _copy(before, base / "killed")
    where = ""
    for number in numbers:
        ended = in_child(lambda: steps.work(place), place, kill_at=number, cut=cut)
        if not ended.killed:
            if not ended.well:
                tally.problems.append(f"{where}: going on failed: {ended.error[-300:]}")
            break
        tally.kills += 1
        where = f"{steps.name}, before write {number} ({ended.points[-1]}{', cut' if cut else ''})"
        looked = in_child(lambda: steps.sound(place, expected), place)
        if not looked.well:
            tally.problems.append(f"{where}: a reader: {looked.error.strip()[-300:]}")
    ended = in_child(lambda: steps.work(place), place)
    if not ended.well:
        tally.problems.append(f"{where}: going on failed: {ended.error.strip()[-300:]}")
        return
    found = _facts(steps, place)
    other = sorted(key for key in {*expected, *found} if expected.get(key) != found.get(key))
    if other:
        tally.problems.append(f"{where}: other than undisturbed: {', '.join(other)}")
    left = [path for path in place.rglob(".*") if path.is_file() and path.suffix != ".lock"]
    tally.left |= {_kind_of(path) for path in left}


def _copy(source: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True)
    return target


def _done(ended: Ended) -> Ended:
    if not ended.well:
        raise SystemExit(f"undisturbed work failed: {ended.error}")
    return ended


def _facts(steps: Walk, folder: Path) -> dict[str, Any]:
    target = folder.parent / "facts.json"
    _done(in_child(lambda: target.write_text(json.dumps(steps.facts(folder))), folder))
    found: dict[str, Any] = json.loads(target.read_text())
    return found


def _kind_of(path: Path) -> str:
    """The name of a file that a kill left, without its random part."""
    return ".".join(path.name.split(".")[:3])
