"""Trial folders: the truth about every trial, and the lock of whoever works on it.

`runs/trials/<trial_id>/` holds

    trial.json            settings, data id, versions: what the id is the hash of
    attempts/0001.json    one execution: host, process, device, versions, times
    checkpoints/at-00000640/{state.pt, block.json}
    samples/00081920.png  grids from fixed latents, named by images seen
    animation.gif         the same grids, one after the other
    samples.npy           the last 64 generated images, uint8
    losses.npz            every step of every loss, exactly
    weights.safetensors   the networks at the end, as far as the profile keeps them
    probes/walk-lines.png a picture that a probe drew
    evaluations/00000640.json  what was measured on images after so many iterations
    metrics.json          numbers, protocols, and which metrics and probes were evaluated
    complete.json         written last, by rename: the trial is complete
    failure.json          why the last attempt failed, until the trial completes
    traceback.txt         where it failed; none where the process was killed
    output.log            what its parts printed, if anything
    standstill.txt        where it stands, while it has not moved for minutes

Every file is replaced in one step, so a process that is killed leaves the old file or the new
one. A damaged file counts as absent, with a warning. The lock is the kernel's and goes with the
process; hosts that do not share a file system are not protected against each other.
"""

import contextlib
import fcntl
import itertools
import math
import os
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from filelock import FileLock, Timeout

from ganablate.catalog import present_name
from ganablate.files import read_arrays, read_json, replacing, write_arrays, write_json, write_text
from ganablate.study.arms.identity import ID_VERSION, SEMANTICS_VERSION, plugin_content
from ganablate.study.plan import Trial

if TYPE_CHECKING:
    import numpy as np

State = Literal["pending", "running", "complete", "failed", "stale"]
RETIRED = ".stale-"
"""Between the id and the number of a retired folder."""
CHECKPOINTS_KEPT = 2
"""States kept, newest first: if the last one cannot be read, the one before it can."""
_ATTEMPTS = "attempts/[0-9]*.json"  # not the hidden file of a write that was cut off
POINTS_PER_LOSS = 1000
"""Most points of one loss in all blocks of a trial; `losses.npz` has every step."""


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def _with_present_names(measured: dict[str, Any]) -> dict[str, Any]:
    """What was measured, with its columns as they are called now."""
    renamed = {
        part: {present_name(column): x for column, x in measured[part].items()}
        for part in ("numbers", "protocols")
        if part in measured
    }
    return measured | renamed


def equal_parts(total: int, parts: int) -> list[int]:
    """The ends, rounded up, of the equal parts of `total` iterations; short ones coincide."""
    return [-(-total * part // parts) for part in range(1, parts + 1)]


def one_line(error: BaseException) -> str:
    """The kind of an error and the first line of what it says."""
    text = str(error).strip()
    kind = type(error).__name__
    return f"{kind}: {text.splitlines()[0]}" if text else kind


def block_of(
    losses: "Mapping[str, np.ndarray]", *, first: int, last: int, total: int, seconds: float
) -> dict[str, Any]:
    """The losses from the checkpoint at `first` to the one at `last`, thinned.

    For each loss [step, value, timestamp_ms], steps from 1, out of every step so far (float32).
    Which steps are kept depends on the length of the trial alone, so a resumed trial keeps the same
    ones. The clock is read once, and `seconds` were measured by one that does not jump, so that no
    step moves before another.
    """
    stride = -(-total // POINTS_PER_LOSS)
    steps = [s for s in range(first + 1, last + 1) if s % stride == 0 or s == total]
    now, elapsed, iterations = now_ms(), round(seconds * 1000), max(last - first, 1)
    points = {
        key: [
            [step, float(values[step - 1]), now - elapsed * (last - step) // iterations]
            for step in steps
            if math.isfinite(values[step - 1])
        ]
        for key, values in losses.items()
    }
    return {"iteration": last, "timestamp_ms": now, "points": points}


class LockError(Exception):
    """A lock cannot be taken at all; the message names the file and the reason."""


class TrialFolder:
    """The folder of one trial under `root`; nothing is created before something is written."""

    def __init__(self, root: Path, trial_id: str) -> None:
        self.trial_id = trial_id
        self.path = root / trial_id
        self._lock = root / ".locks" / f"{trial_id}.lock"

    # --- the claim ---

    @contextlib.contextmanager
    def claim(self) -> Iterator[None]:
        """Hold the trial's lock; waits as long as another process holds it.

        Raises:
            LockError: The lock's file cannot be opened for writing.
        """
        with self._acquired(timeout=-1):
            yield

    @contextlib.contextmanager
    def claim_if_free(self) -> Iterator[bool]:
        """Hold the trial's lock, or go on at once with False where another process holds it.

        Raises:
            LockError: The lock's file cannot be opened for writing.
        """
        try:
            lock = self._acquired(timeout=0)
        except Timeout:
            yield False
            return
        with lock:
            yield True

    def is_claimed(self) -> bool:
        """Whether some process works on the trial at this moment; no, if its lock is unreadable."""
        try:
            handle = os.open(self._lock, os.O_RDONLY)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # a file system without locks, of which `run` tells
            return False
        finally:
            os.close(handle)
        return False

    def _acquired(self, timeout: float) -> contextlib.AbstractContextManager[object]:
        try:
            self._lock.parent.mkdir(parents=True, exist_ok=True)
            return FileLock(self._lock).acquire(timeout)
        except Timeout:
            raise
        except OSError as error:
            raise LockError(
                f"{self._lock} cannot be opened for writing ({error.strerror}): a trial is worked "
                "on only under its lock; make the folder writable"
            ) from error

    # --- what the trial is ---

    def open(self, trial: Trial) -> None:
        """Write down what the trial is, and sweep up after writes that were cut off.

        Call it under the claim.
        """
        for left in self.leftovers():
            remove(left)
        settings = trial.config.model_dump(exclude_none=True)
        write_json(
            self.path / "trial.json",
            {
                "trial_id": trial.trial_id,
                "id_version": ID_VERSION,
                "semantics_version": SEMANTICS_VERSION,
                "data_id": trial.data_id,
                "settings": settings,
                **plugin_content(settings),
            },
        )

    def leftovers(self) -> list[Path]:
        """Files that cut-off writes left behind; the holder of the claim may remove them."""
        hidden = sorted(self.path.rglob(".*"))
        return [path for path in hidden if not any(parent in hidden for parent in path.parents)]

    def retire(self) -> Path:
        """Move a stale folder out of the way, keeping what it holds; returns where it is."""
        numbers = itertools.count(1)
        names = (self.path.with_name(f"{self.trial_id}{RETIRED}{number}") for number in numbers)
        retired = next(path for path in names if not path.exists())
        self.path.rename(retired)
        return retired

    # --- attempts ---

    def begin_attempt(self, facts: Mapping[str, Any]) -> int:
        """Record that an execution starts; returns its number, from 1."""
        number = len(list(self.path.glob(_ATTEMPTS))) + 1
        write_json(self._attempt_path(number), {"attempt": number, **facts})
        return number

    def update_attempt(self, number: int, **facts: object) -> None:
        """Add to what is known of an execution, such as its time so far."""
        before = read_json(self._attempt_path(number)) or {"attempt": number}
        write_json(self._attempt_path(number), {**before, **facts})

    def attempts(self) -> list[dict[str, Any]]:
        """Every execution so far, oldest first."""
        attempts = (read_json(path) for path in sorted(self.path.glob(_ATTEMPTS)))
        return [attempt for attempt in attempts if attempt is not None]

    @property
    def begun(self) -> str:
        """When its first attempt started: tells a training from a retired one."""
        first = read_json(self._attempt_path(1)) or {}
        return str(first.get("started_ms", ""))

    def _attempt_path(self, number: int) -> Path:
        return self.path / "attempts" / f"{number:04d}.json"

    # --- checkpoints and blocks ---

    def write_checkpoint(
        self, iteration: int, write_state: Callable[[Path], None], block: Mapping[str, Any]
    ) -> Path:
        """Store the state after `iteration` with its block of losses, together or not at all.

        A block that is there already stays: its points may have been sent. Returns the block's
        path.
        """
        parent = self.path / "checkpoints"
        parent.mkdir(parents=True, exist_ok=True)
        target = parent / f"at-{iteration:08d}"
        staging = parent / f".writing-{secrets.token_hex(4)}"
        staging.mkdir()
        try:
            with replacing(staging / "state.pt") as temporary:
                write_state(temporary)
            if read_json(target / "block.json") is not None:
                (staging / "state.pt").replace(target / "state.pt")
            else:
                write_json(staging / "block.json", block)
                remove(target)
                staging.rename(target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        for old in self.states()[CHECKPOINTS_KEPT:]:
            old.unlink(missing_ok=True)
        return target / "block.json"

    @property
    def reached(self) -> int:
        """Iterations at the newest state; 0 without one."""
        newest = next(iter(self.states()), None)
        return 0 if newest is None else _iteration(newest)

    @property
    def points_reach(self) -> int:
        """Iterations that the blocks of losses cover; 0 without one.

        It may be more than a state covers: where the newest cannot be read, its block stays.
        """
        blocks = reversed(self.blocks())
        return next((_iteration(block) for block in blocks if read_json(block) is not None), 0)

    def states(self) -> list[Path]:
        """Files of stored states, newest first. One that cannot be read may be removed."""
        return sorted(self.path.glob("checkpoints/at-[0-9]*/state.pt"), reverse=True)

    def blocks(self) -> list[Path]:
        """Every block of losses, oldest first."""
        return sorted(self.path.glob("checkpoints/at-[0-9]*/block.json"))

    # --- results ---

    def write_losses(self, losses: "Mapping[str, np.ndarray]") -> None:
        """Store every step of every loss, float32 [iterations]."""
        write_arrays(self.path / "losses.npz", losses)

    def losses(self) -> "dict[str, np.ndarray]":
        """Every step of every loss, float32 [iterations]; empty before the trial's end."""
        return read_arrays(self.path / "losses.npz") or {}

    def write_samples(self, images: "np.ndarray") -> None:
        """Store the last generated images, uint8 [n, height, width, channels]."""
        write_arrays(self.path / "samples.npy", images)

    def samples(self) -> "np.ndarray | None":
        """The last generated images, uint8 [n, height, width, channels], if there are any."""
        images: np.ndarray | None = read_arrays(self.path / "samples.npy")
        return images

    @property
    def weights(self) -> Path:
        """Where the networks of the end are kept; the file need not be there."""
        return self.path / "weights.safetensors"

    def probe_picture(self, probe: str, picture: str) -> Path:
        """Where a picture that a probe drew is kept; it need not be there."""
        return self.path / "probes" / f"{probe}-{picture}.png"

    def add_metrics(
        self, evaluated: Collection[str], numbers: Mapping[str, float], protocols: Mapping[str, str]
    ) -> None:
        """Add measured numbers to those already there. A metric without a number is missing."""
        before = self.metrics()
        write_json(
            self.path / "metrics.json",
            {
                "evaluated": sorted({*before["evaluated"], *evaluated}),
                "numbers": {**before["numbers"], **numbers},
                "protocols": {**before["protocols"], **protocols},
            },
        )

    def metrics(self) -> dict[str, Any]:
        """`numbers` and `protocols` by column, and what was `evaluated`: metrics and probes."""
        empty: dict[str, Any] = {"evaluated": [], "numbers": {}, "protocols": {}}
        return _with_present_names({**empty, **(read_json(self.path / "metrics.json") or {})})

    def write_evaluation(self, iteration: int, content: Mapping[str, Any]) -> None:
        """Keep what was measured during training, after so many iterations."""
        write_json(self.path / "evaluations" / f"{iteration:08d}.json", content)

    def evaluations(self) -> dict[int, dict[str, Any]]:
        """What was measured during training, by iteration; the end is in `metrics`."""
        paths = sorted(self.path.glob("evaluations/[0-9]*.json"))
        contents = {int(path.stem): read_json(path) for path in paths}
        return {at: _with_present_names(x) for at, x in contents.items() if x is not None}

    def write_complete(self, facts: Mapping[str, Any]) -> None:
        """Declare the trial complete; then drop what only a resume would have needed."""
        write_json(self.path / "complete.json", {**facts, "finished_ms": now_ms()})
        self.forget_failure()
        for state in self.states():
            state.unlink(missing_ok=True)

    @property
    def complete(self) -> dict[str, Any] | None:
        """Facts about a complete trial; None while it is not."""
        return read_json(self.path / "complete.json")

    def write_failure(self, attempt: int, message: str, traceback: str) -> None:
        """Keep why an attempt failed."""
        content = {"attempt": attempt, "message": message, "traceback": traceback}
        write_json(self.path / "failure.json", {**content, "failed_ms": now_ms()})
        if traceback:
            write_text(self.traceback, traceback)
        else:
            self.traceback.unlink(missing_ok=True)

    def forget_failure(self) -> None:
        """Forget why an attempt failed: a later one went well."""
        (self.path / "failure.json").unlink(missing_ok=True)
        self.traceback.unlink(missing_ok=True)

    @property
    def traceback(self) -> Path:
        """Where the traceback of the last failure is kept; it need not be there."""
        return self.path / "traceback.txt"

    @property
    def failure(self) -> dict[str, Any] | None:
        """Why the last attempt failed, if no later one went well; else None."""
        return read_json(self.path / "failure.json")


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; it need not be there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _iteration(file: Path) -> int:
    """The iteration of a file in a checkpoint's folder."""
    return int(file.parent.name.removeprefix("at-"))
