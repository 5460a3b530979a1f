"""Attempts that train nothing and import no torch; workers import them by name."""

import os
import signal
import time
from pathlib import Path

from ganablate.ledger import TrialFolder, now_ms
from ganablate.sweep.job import Job, Progress

STEPS = 50


class NoOpAttempt:
    """Writes what a real attempt would: a block, metrics, completion."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.folder = TrialFolder(job.trials_root, job.trial.trial_id)

    def advance(self) -> Progress:
        self.folder.open(self.job.trial)
        stamp = now_ms()
        points = {
            key: [[step, 1.0 / step, stamp + step] for step in range(1, STEPS + 1)]
            for key in ("d/criterion", "g/criterion", "d/accuracy_real", "d/accuracy_fake")
        }
        content = {"iteration": STEPS, "timestamp_ms": stamp, "points": points}
        block = self.folder.write_checkpoint(STEPS, lambda path: path.write_bytes(b"x"), content)
        self.folder.add_metrics(self.job.wanted.measured, {"fid": 12.5}, {"fid": "a protocol"})
        self.folder.write_complete(
            {
                "outcome": "ok",
                "iterations": STEPS,
                "images_seen": STEPS * self.job.trial.config.batch_size,
                "diverged_at": None,
            }
        )
        return self.progress(done=True, outcome="ok", blocks=(block,))

    def progress(self, **changes: object) -> Progress:
        values = {"iteration": STEPS, "total": STEPS, "images_seen": STEPS, **changes}
        return Progress(trial_id=self.job.trial.trial_id, **values)  # type: ignore[arg-type]

    def close(self) -> None:
        pass


def no_op(job: Job) -> NoOpAttempt:
    return NoOpAttempt(job)


class _Telltale(NoOpAttempt):
    """Arm "broken" always raises; arm "mortal" is killed by the kernel at its first attempt."""

    def advance(self) -> Progress:
        seen = self.job.trials_root.parent / "attempts"
        seen.mkdir(parents=True, exist_ok=True)
        name = f"{self.job.trial.arm}-{self.job.trial.replicate}"
        number = len(list(seen.glob(f"{name}.*"))) + 1
        (seen / f"{name}.{number}").write_text(
            f"{os.getpid()} {os.environ.get('OMP_NUM_THREADS')} {Path.cwd()}"
        )
        if self.job.trial.arm == "broken":
            raise ValueError("the optimizer is upside down\nand a second line")
        if self.job.trial.arm == "mortal" and number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.job.trial.arm == "other":
            time.sleep(0.3)  # long enough for both workers to get work
        return super().advance()


def telltale(job: Job) -> _Telltale:
    return _Telltale(job)


class _Slow(NoOpAttempt):
    """Never ends, and says that it is at work."""

    def advance(self) -> Progress:
        pids = self.job.trials_root.parent / "pids"
        pids.mkdir(parents=True, exist_ok=True)
        (pids / str(os.getpid())).touch()
        time.sleep(0.3)
        return self.progress()


def slow(job: Job) -> _Slow:
    return _Slow(job)
