"""Attempts that train nothing and import no torch; workers import them by name."""

import json
import os
import resource
import signal
import time
from pathlib import Path

from ganablate.sweep.job import Job, Progress
from ganablate.trials.folder import TrialFolder, now_ms

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

    def pause(self) -> Progress:
        return self.progress(iteration=0)

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


class _Faulty(NoOpAttempt):
    """Meets the fault that its arm is named after, at so many of its first attempts.

    Arms: "killed x2", "memory x1", "gpu memory x1". Every attempt notes under `attempts/` what it
    was given, when it ran, and its seed.
    """

    def advance(self) -> Progress:
        notes = self.job.trials_root.parent / "attempts"
        notes.mkdir(parents=True, exist_ok=True)
        arm, replicate = self.job.trial.arm, self.job.trial.replicate
        number = len(list(notes.glob(f"{arm}-{replicate}.*"))) + 1
        note = notes / f"{arm}-{replicate}.{number}"
        began = time.monotonic()
        note.write_text("")
        fault, _, times = arm.partition(" x")
        try:
            if times and number <= int(times):
                _FAULTS[fault]()
            time.sleep(0.3)  # long enough for another worker to be at work meanwhile
            return super().advance()
        finally:
            content = {
                "share": _share(), "seed": self.job.trial.config.seed,
                "began": began, "ended": time.monotonic(),
            }  # fmt: skip
            note.write_text(json.dumps(content))


def _share() -> dict[str, float]:
    import ray

    return dict(ray.get_runtime_context().get_assigned_resources())


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _run_out_of_memory() -> None:
    """For real: the kernel refuses what goes beyond a limit a little above what is used."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2**28, before[1]))
    try:
        bytearray(2**30)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _run_out_of_gpu_memory() -> None:
    import torch

    raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore.")


_FAULTS = {
    "killed": _kill,
    "memory": _run_out_of_memory,
    "gpu memory": _run_out_of_gpu_memory,
}


def faulty(job: Job) -> _Faulty:
    return _Faulty(job)
