"""Prove on a machine with a CUDA GPU what was never run on one: `make gpu-check`.

    python benchmarks/gpu_check.py [--device cuda] [--seconds 10]

It writes to a temporary folder alone, and ends with a short text to paste into a report. After ten
minutes no check is begun any more, and a sweep that is still at work is stopped: the text says what
was not run for that. `--device cpu` runs what needs no GPU, with shorter trainings, to test this
script itself. A check that fails says why, and the others go on; the exit code is 1 then.
"""

import argparse
import contextlib
import json
import math
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]
from trainer_speed import BATCH, ours, plain  # noqa: E402 - found by the path above

STUDY = """\
study: four
asks: Does a trial on this device end with the same bytes, however it was disturbed?
base: {dataset: mnist_5k, network: conv28, iterations: %d, batch_size: 64, d_dropout: 0.4}
ablate: {d_dropout: [0.0]}
replicates: 2
metrics: [d_loss]
primary: d_loss_mean
"""
PROFILE = """\
device: %s
precision: auto
threads: 1
concurrency: %d
trials_per_gpu: 4
retries: 3
checkpoint_seconds: 1
"""


ITERATIONS = {"cuda": 400, "cpu": 100}
"""Of a trial of that study: some seconds on a GPU, half a minute on a core."""
SECONDS = 600.0


class Clock:
    """What is left of the time for all checks together."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds; 0 where it is over."""
        return max(self._end - time.monotonic(), 0.0)

    def require(self) -> None:
        """Raise an error where the time is over."""
        if not self.left:
            raise RuntimeError(f"not run to its end, the {SECONDS / 60:.0f} minutes are over")


class Project:
    """A folder with one study and one profile, and the command run in it."""

    def __init__(
        self, root: Path, device: str, clock: Clock, *, at_a_time: int = 4, study: str = ""
    ) -> None:
        self.root = root
        self.clock = clock
        root.mkdir()
        (root / "study.yaml").write_text(study or STUDY % ITERATIONS[device])
        (root / "sweep.yaml").write_text(PROFILE % (device, at_a_time))

    def start(self) -> subprocess.Popen[str]:
        """Begin the sweep, in a process group of its own."""
        call = [sys.executable, "-m", "ganablate", "run", "study.yaml", "--sweep", "sweep.yaml"]
        return subprocess.Popen(
            call, cwd=self.root, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def finish(self, process: subprocess.Popen[str] | None = None) -> None:
        """Wait until the sweep has ended well; it is begun if it was not."""
        process = process or self.start()
        try:
            output, _ = process.communicate(timeout=self.clock.left)
        except subprocess.TimeoutExpired:
            kill(process)
            self.clock.require()
            raise
        if process.returncode:
            raise RuntimeError(f"run ended with {process.returncode}: {output[-600:]}")

    def trials(self) -> list[Path]:
        """The folders of all trials, in order of their ids."""
        return sorted(file.parent for file in self.root.glob("runs/trials/*/trial.json"))

    def attempts(self) -> list[list[dict[str, object]]]:
        """What each trial's attempts wrote of themselves."""
        return [
            [json.loads(file.read_text()) for file in sorted(trial.glob("attempts/*.json"))]
            for trial in self.trials()
        ]


def kill(process: subprocess.Popen[str]) -> None:
    """End a sweep at once, its own processes too."""
    with contextlib.suppress(ProcessLookupError):  # it has ended by itself
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(3)  # Ray's own processes end by themselves


def wait_for(project: Project, process: subprocess.Popen[str], file: str) -> None:
    """Wait until some trial has such a file, its sweep has ended or the time is over."""
    while process.poll() is None and project.clock.left:
        if list(project.root.glob(f"runs/trials/*/{file}")):
            return
        time.sleep(0.05)


def quickstart(folder: Path, device: str, clock: Clock) -> str:
    study = (ROOT / "studies/quickstart.yaml").read_text()
    project = Project(folder / "quickstart", device, clock, study=study)
    began = time.monotonic()
    project.finish()
    return f"quickstart: {len(project.trials())} trials in {time.monotonic() - began:.0f} s"


def kill_and_resume(whole: Project, folder: Path, device: str) -> str:
    """Compare a sweep that is killed with `whole`, which was not disturbed."""
    if not whole.trials():
        raise RuntimeError("there is no undisturbed sweep to compare with")
    cut = Project(folder / "cut", device, whole.clock)
    process = cut.start()
    wait_for(cut, process, "checkpoints/*")
    kill(process)
    cut.finish()
    resumed = sum(len(attempts) > 1 for attempts in cut.attempts())
    if not resumed:
        raise RuntimeError("nothing was running when it was killed")
    differing, largest = 0, 0.0
    for pair in zip(cut.trials(), whole.trials(), strict=True):
        a, b = (load_file(trial / "weights.safetensors") for trial in pair)
        gaps = [float((a[name].double() - b[name].double()).abs().max()) for name in a]
        differing += any(gaps)
        largest = max(largest, *gaps)
    text = f"kill and resume: {resumed} of {len(cut.trials())} trials went on"
    if differing:
        return f"{text}; NOT bit-equal in {differing}, weights differ by up to {largest:.2g}"
    return f"{text}; all weights bit-equal to an undisturbed sweep"


def packed(project: Project) -> str:
    project.finish()
    spans = [
        (attempts[-1]["started_ms"], attempts[-1]["ended_ms"]) for attempts in project.attempts()
    ]
    most = max(sum(a <= moment < b for a, b in spans) for moment, _ in spans)
    return f"packed: {len(spans)} trials complete, {most} at the same time on one device"


def out_of_memory(folder: Path, device: str, clock: Clock) -> str:
    if device != "cuda":
        return "out of memory: not run, it needs a GPU"
    project = Project(folder / "memory", device, clock)
    free, _ = torch.cuda.mem_get_info()
    taken = torch.empty(max(free - 300 * 2**20, 0), dtype=torch.uint8, device="cuda")
    process = project.start()
    wait_for(project, process, "failure*")
    del taken
    torch.cuda.empty_cache()
    project.finish(process)
    again = sum(len(attempts) > 1 for attempts in project.attempts())
    if not again:
        raise RuntimeError("no trial ran out of memory, though all but 300 MiB were taken")
    return f"out of memory: {again} trials ran out of it, were tried again and are complete"


def precisions(folder: Path, device: str) -> str:
    from ganablate.sweep.machine import resolve_precision

    auto = resolve_precision("auto", "cuda" if device == "cuda" else "cpu")
    ours("mlp", folder, "fp32", device)  # a trainer sets its backends
    a, b = (torch.randn(1024, 1024, dtype=torch.float64, device=device) for _ in range(2))
    exact = a @ b
    errors = [
        float(((a.to(kind) @ b.to(kind)).double() - exact).abs().max() / exact.abs().max())
        for kind in (torch.float32, torch.bfloat16)
    ]
    if errors[0] > 2e-5:
        raise RuntimeError(f"fp32 is not fp32: a product errs by {errors[0]:.1g} (TF32 is on)")
    products = f"{errors[0]:.0e} (fp32), {errors[1]:.0e} (bf16)"
    return f"precision: auto is {auto}; a product errs by {products}"


def speeds(folder: Path, device: str, clock: Clock, seconds: float) -> str:
    lines = []
    for kind in ("mlp", "dcgan"):
        ways: dict[str, Callable[[], Callable[[int], object]]] = {
            "plain loop": partial(plain, kind, folder, device),
            "fp32": partial(ours, kind, folder, "fp32", device),
            "bf16": partial(ours, kind, folder, "bf16", device),
        }
        if device == "cuda":
            for name, mode in (("compiled", "default"), ("CUDA graphs", "reduce-overhead")):
                ways[f"bf16, {name}"] = partial(ours, kind, folder, "bf16", device, compiled=mode)
        rates = {}
        for name, make in ways.items():
            try:
                clock.require()
                rates[name] = _rate(make(), device, seconds)
            except Exception as error:
                lines.append(f"  {kind}, {name}: {str(error).splitlines()[0][:100]}")
        peer = rates.get("plain loop", math.nan)
        figures = [f"{name} {rate:,.0f} (x{rate / peer:.2f})" for name, rate in rates.items()]
        lines.append(f"  {kind}: {', '.join(figures)}")
    return "\n".join(["images a second:", *lines])


def _rate(train: Callable[[int], object], device: str, seconds: float) -> float:
    def wait() -> None:
        if device == "cuda":
            torch.cuda.synchronize()

    train(4)
    wait()
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        train(4)
        wait()
        done += 4
    return done * BATCH / (time.perf_counter() - began)


def machine(device: str) -> str:
    if device != "cuda":
        return f"device: cpu, torch {torch.__version__}, {platform.machine()}"
    facts = torch.cuda.get_device_properties(0)
    memory = facts.total_memory / 2**30
    return (
        f"device: {facts.name}, compute capability {facts.major}.{facts.minor}, {memory:.0f} GiB, "
        f"CUDA {torch.version.cuda}, torch {torch.__version__}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--seconds", type=float, default=10.0)
    given = parser.parse_args()
    if given.device == "cuda" and not torch.cuda.is_available():
        print("gpu-check: torch sees no CUDA GPU here; --device cpu tests this script alone")
        return 2
    lines, failed, clock = [machine(given.device)], 0, Clock(SECONDS)
    folder, device = Path(tempfile.mkdtemp(prefix="ganablate-gpu-check-")), given.device
    whole = Project(folder / "whole", device, clock)
    checks: dict[str, Callable[[], str]] = {
        "precision": lambda: precisions(folder, device),
        "packed": lambda: packed(whole),
        "kill and resume": lambda: kill_and_resume(whole, folder, device),
        "quickstart": lambda: quickstart(folder, device, clock),
        "out of memory": lambda: out_of_memory(folder, device, clock),
        "speed": lambda: speeds(folder, device, clock, given.seconds),
    }
    for name, check in checks.items():
        print(f"... {name}", flush=True)
        began = time.monotonic()
        try:
            clock.require()
            lines.append(check())
        except Exception as error:
            traceback.print_exc()
            lines.append(f"{name}: FAILED: {error}")
            failed += 1
        lines[-1] += f" [{time.monotonic() - began:.0f} s]"
    shutil.rmtree(folder, ignore_errors=True)
    print("\n" + "\n".join(lines))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
