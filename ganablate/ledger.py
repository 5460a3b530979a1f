"""Trial folders: the truth about every trial, and the lock of whoever works on it.

`runs/trials/<trial_id>/` holds

    trial.json            settings, data id, versions: what the id is the hash of
    attempts/0001.json    one execution: host, process, device, versions, times
    checkpoints/at-00000640/{state.pt, block.json}
    samples/00081920.png  grids from fixed latents, named by images seen
    animation.gif         the same grids, one after the other
    samples.npy           the last 64 generated images, uint8
    losses.npz            every step of every loss, exactly
    weights.safetensors   both networks at the end
    probes/walk-lines.png a picture that a probe drew
    evaluations/00000640.json  what was measured on images after so many iterations
    metrics.json          numbers, protocols, and which metrics and probes were evaluated
    complete.json         written last, by rename: the trial is complete
    failure.json          traceback of the last attempt, until the trial completes

Every file is replaced in one step, so a process that is killed leaves the old file or the new
one. The lock is the kernel's: it goes with the process that holds it. Hosts that do not share a
file system are not protected against each other.
"""

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from filelock import FileLock, Timeout

from ganablate.atomic_write import replacing, write_text
from ganablate.study.identity import ID_VERSION, SEMANTICS_VERSION
from ganablate.study.plan import Trial

State = Literal["pending", "running", "complete", "failed", "stale"]
CHECKPOINTS_KEPT = 2
"""States kept, newest first: if the last one cannot be read, the one before it can."""
_ATTEMPTS = "attempts/[0-9]*.json"  # not the hidden file of a write that was cut off
POINTS_PER_LOSS = 1000
"""Most points of one loss in all blocks of a trial; `losses.npz` has every step."""


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def one_line(error: BaseException) -> str:
    """The kind of an error and the first line of what it says."""
    text = str(error).strip()
    kind = type(error).__name__
    return f"{kind}: {text.splitlines()[0]}" if text else kind


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def _read_json(path: Path) -> dict[str, Any] | None:
    """The file's content; None when there is no file or it does not hold an object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    return content if isinstance(content, dict) else None


class TrialFolder:
    """The folder of one trial under `root`; nothing is created before something is written."""

    def __init__(self, root: Path, trial_id: str) -> None:
        self.trial_id = trial_id
        self.path = root / trial_id
        self._lock_path = root / ".locks" / f"{trial_id}.lock"

    # --- the claim ---

    @contextlib.contextmanager
    def claim(self) -> Iterator[None]:
        """Hold the trial's lock; waits as long as another process holds it."""
        self._lock_path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self._lock_path):
            yield

    def is_claimed(self) -> bool:
        """Whether some process works on the trial at this moment."""
        if not self._lock_path.exists():
            return False
        try:
            with FileLock(self._lock_path, timeout=0):
                return False
        except Timeout:
            return True

    # --- what the trial is ---

    def open(self, trial: Trial) -> None:
        """Write down what the trial is, and sweep up after writes that were cut off.

        Call it under the claim.
        """
        for left in self.path.glob("checkpoints/.writing-*"):
            shutil.rmtree(left, ignore_errors=True)
        _write_json(
            self.path / "trial.json",
            {
                "trial_id": trial.trial_id,
                "id_version": ID_VERSION,
                "semantics_version": SEMANTICS_VERSION,
                "data_id": trial.data_id,
                "settings": trial.config.model_dump(exclude_none=True),
            },
        )

    def retire(self) -> None:
        """Move a stale folder out of the way, keeping what it holds."""
        for number in range(1, 10_000):
            aside = self.path.with_name(f"{self.trial_id}.stale-{number}")
            if not aside.exists():
                self.path.rename(aside)
                return

    # --- attempts ---

    def begin_attempt(self, facts: Mapping[str, Any]) -> int:
        """Record that an execution starts; returns its number, from 1."""
        number = len(list(self.path.glob(_ATTEMPTS))) + 1
        _write_json(self._attempt_path(number), {"attempt": number, **facts})
        return number

    def update_attempt(self, number: int, **facts: object) -> None:
        """Add to what is known of an execution, such as its time so far."""
        known = _read_json(self._attempt_path(number)) or {"attempt": number}
        _write_json(self._attempt_path(number), {**known, **facts})

    def attempts(self) -> list[dict[str, Any]]:
        """Every execution so far, oldest first."""
        found = (_read_json(path) for path in sorted(self.path.glob(_ATTEMPTS)))
        return [attempt for attempt in found if attempt is not None]

    def _attempt_path(self, number: int) -> Path:
        return self.path / "attempts" / f"{number:04d}.json"

    # --- checkpoints and blocks ---

    def write_checkpoint(
        self, iteration: int, write_state: Callable[[Path], None], block: Mapping[str, Any]
    ) -> Path:
        """Store the state after `iteration` with its block of losses, together or not at all.

        Returns:
            The path of the block.
        """
        parent = self.path / "checkpoints"
        parent.mkdir(parents=True, exist_ok=True)
        target = parent / f"at-{iteration:08d}"
        staging = Path(tempfile.mkdtemp(dir=parent, prefix=".writing-"))
        try:
            with replacing(staging / "state.pt") as temporary:
                write_state(temporary)
            _write_json(staging / "block.json", block)
            if target.exists():
                shutil.rmtree(target)
            staging.chmod(0o755)  # mkdtemp makes it private; results are for everyone to read
            staging.rename(target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        for old in self._checkpoints()[CHECKPOINTS_KEPT:]:
            (old / "state.pt").unlink(missing_ok=True)
        return target / "block.json"

    @property
    def reached(self) -> int:
        """Iterations at the newest checkpoint; 0 without one."""
        newest = next(iter(self._checkpoints()), None)
        return 0 if newest is None else int(newest.name.removeprefix("at-"))

    def discard_checkpoint(self, state: Path) -> None:
        """Remove a checkpoint that cannot be read, its block included: it will be made again."""
        shutil.rmtree(state.parent)

    def states(self) -> list[Path]:
        """Files of stored states, newest first."""
        return [path / "state.pt" for path in self._checkpoints() if (path / "state.pt").exists()]

    def blocks(self) -> list[Path]:
        """Every block of losses, oldest first."""
        return sorted(self.path.glob("checkpoints/at-*/block.json"))

    def _checkpoints(self) -> list[Path]:
        return sorted(self.path.glob("checkpoints/at-*"), reverse=True)

    # --- results ---

    def write_losses(self, losses: Mapping[str, np.ndarray]) -> None:
        """Store every step of every loss, float32 [iterations]."""
        with replacing(self.path / "losses.npz") as temporary, temporary.open("wb") as file:
            arrays: dict[str, Any] = dict(losses)
            np.savez_compressed(file, **arrays)

    def losses(self) -> dict[str, np.ndarray]:
        """Every step of every loss, float32 [iterations]; empty before the trial's end."""
        try:
            with np.load(self.path / "losses.npz", allow_pickle=False) as stored:
                return {key: stored[key] for key in stored.files}
        except FileNotFoundError:
            return {}

    def write_samples(self, images: np.ndarray) -> None:
        """Store the last generated images, uint8 [n, height, width, channels]."""
        with replacing(self.path / "samples.npy") as temporary, temporary.open("wb") as file:
            np.save(file, images)

    def samples(self) -> np.ndarray | None:
        """The last generated images, uint8 [n, height, width, channels], if there are any."""
        try:
            stored: np.ndarray = np.load(self.path / "samples.npy", allow_pickle=False)
        except FileNotFoundError:
            return None
        return stored

    def probe_picture(self, probe: str, picture: str) -> Path:
        """Where a picture that a probe drew is kept; it need not be there."""
        return self.path / "probes" / f"{probe}-{picture}.png"

    def add_metrics(
        self, evaluated: Collection[str], numbers: Mapping[str, float], protocols: Mapping[str, str]
    ) -> None:
        """Add measured numbers to those already there. A metric without a number is missing."""
        known = self.metrics()
        _write_json(
            self.path / "metrics.json",
            {
                "evaluated": sorted({*known["evaluated"], *evaluated}),
                "numbers": {**known["numbers"], **numbers},
                "protocols": {**known["protocols"], **protocols},
            },
        )

    def metrics(self) -> dict[str, Any]:
        """`numbers` and `protocols` by column, and what was `evaluated`: metrics and probes."""
        empty: dict[str, Any] = {"evaluated": [], "numbers": {}, "protocols": {}}
        return {**empty, **(_read_json(self.path / "metrics.json") or {})}

    def write_evaluation(self, iteration: int, content: Mapping[str, Any]) -> None:
        """Keep what was measured during training, after so many iterations."""
        _write_json(self.path / "evaluations" / f"{iteration:08d}.json", content)

    def evaluations(self) -> dict[int, dict[str, Any]]:
        """What was measured during training, by iteration; the end is in `metrics`."""
        found = {}
        for path in sorted(self.path.glob("evaluations/[0-9]*.json")):
            content = _read_json(path)
            if content is not None:
                found[int(path.stem)] = content
        return found

    def write_complete(self, facts: Mapping[str, Any]) -> None:
        """Declare the trial complete; then drop what only a resume would have needed."""
        _write_json(self.path / "complete.json", {**facts, "finished_ms": now_ms()})
        self.forget_failure()
        for state in self.states():
            state.unlink(missing_ok=True)

    @property
    def complete(self) -> dict[str, Any] | None:
        """What is known of a complete trial; None while it is not."""
        return _read_json(self.path / "complete.json")

    def write_failure(self, attempt: int, message: str, traceback: str) -> None:
        """Keep why an attempt failed."""
        content = {"attempt": attempt, "message": message, "traceback": traceback}
        _write_json(self.path / "failure.json", {**content, "failed_ms": now_ms()})

    def forget_failure(self) -> None:
        """A later attempt did better."""
        (self.path / "failure.json").unlink(missing_ok=True)

    @property
    def failure(self) -> dict[str, Any] | None:
        """Why an attempt failed that no later one has made good; None if there is none."""
        return _read_json(self.path / "failure.json")
