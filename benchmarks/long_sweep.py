"""A sweep of thousands of short real trials: does memory or the time of a trial grow with them?

    python benchmarks/long_sweep.py [--trials 2000] [--fid] [--plot docs/long-sweep.png]

`ganablate run` trains small MLP GANs on embedded digits, two at a time on two cores, with metrics,
samples, MLflow on SQLite and the table at the end; with `--fid` 5,000 images a trial are measured.
While it works, the private memory (unique set size: no page that another process shares) of the
driver and of each worker is read every few seconds; the times are those of the trials' own files.
Then the commands of every day are timed on what it left. `--trials 20` and 200 are the steps below
two thousand.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from figures import Figure, tell
from process_memory import family, memory_mib, name_of

GANABLATE = (sys.executable, "-m", "ganablate")
ARMS = 20
LOOK_SECONDS = 3.0
WORKER_LIMIT_MIB, DRIVER_LIMIT_KIB = 550.0, 60.0
COMMANDS = {"status": 2.0, "report": 30.0, "run": 5.0}
"""Commands on the finished study, and their limits in seconds at 2,000 trials."""
STUDY = """\
study: long
asks: Nothing; it is there to be long.
base:
  {{dataset: mnist_5k, network: mlp, g_width: 64, d_width: 64, latent_dim: 16, batch_size: 32,
    lr: 1.0e-3, iterations: 40}}
ablate: {{latent_dim: {levels}}}
replicates: {replicates}
primary: {primary}
metrics: [d_loss, g_loss, d_accuracy{also}]
"""


@dataclass(frozen=True)
class Sweep:
    """What was seen of a sweep.

    `memory` has a row a look: seconds, complete (trials), driver_mib, workers (processes),
    worker_mib (of the largest); `finished` the time of each trial's completion in seconds,
    ascending; both from the call of the command on. `ended` is when it returned, `commands` the
    seconds of each of COMMANDS afterwards.
    """

    memory: pd.DataFrame
    finished: np.ndarray
    ended: float
    commands: dict[str, float]


def run(trials: int, folder: Path, *, fid: bool) -> Sweep:
    """Run the command in a folder of its own.

    Raises:
        RuntimeError: It failed, or a trial is not complete.
    """
    levels = list(range(17, 16 + ARMS))
    measured = (
        {"primary": "fid", "also": ", fid"} if fid else {"primary": "g_loss_mean", "also": ""}
    )
    study = STUDY.format(levels=levels, replicates=trials // ARMS, **measured)
    (folder / "long.yaml").write_text(study)
    began = time.time()
    with (folder / "output.txt").open("w") as output:
        call = [*GANABLATE, "run", "long.yaml", "--yes"]
        command = subprocess.Popen(call, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        looks = []
        while command.poll() is None:
            looks.append({"seconds": time.time() - began, **look(command.pid, folder)})
            time.sleep(LOOK_SECONDS)
    ended = time.time() - began
    files = folder.glob("runs/trials/*/complete.json")
    finished = sorted(json.loads(file.read_text())["finished_ms"] / 1000 - began for file in files)
    if command.returncode or len(finished) != trials // ARMS * ARMS:
        tail = (folder / "output.txt").read_text()[-2000:]
        raise RuntimeError(f"{len(finished)} trials complete, exit {command.returncode}:\n{tail}")
    return Sweep(
        pd.DataFrame(looks),
        np.array(finished),
        ended,
        {name: seconds_of(name, folder) for name in COMMANDS},
    )


def seconds_of(command: str, folder: Path) -> float:
    """Seconds of a command on the finished study."""
    began = time.perf_counter()
    call = [*GANABLATE, command, "long.yaml", *(["--yes"] if command == "run" else [])]
    done = subprocess.run(call, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return time.perf_counter() - began


def look(driver: int, folder: Path) -> dict[str, float]:
    """Private memory of the driver and of its largest worker, MiB, and how many are complete."""
    workers = [memory_mib(pid, "Private_") for pid in family(driver) if "ray::" in name_of(pid)]
    return {
        "complete": sum(1 for _ in folder.glob("runs/trials/*/complete.json")),
        "driver_mib": memory_mib(driver, "Private_"),
        "workers": sum(size > 0 for size in workers),
        "worker_mib": max(workers, default=0.0),
    }


def while_training(sweep: Sweep) -> pd.DataFrame:
    """The looks before the last trial's end."""
    return sweep.memory[sweep.memory.seconds < sweep.finished[-1]]


def of_workers(sweep: Sweep) -> pd.DataFrame:
    """The looks with as many workers there as mostly.

    What two workers share counts as the other's own once one of them has ended.
    """
    memory = while_training(sweep)
    return memory[memory.workers >= memory.workers.median()]


def growth_kib(sweep: Sweep) -> float:
    """Slope of the driver's memory over the complete trials, KiB a trial; start and report not."""
    memory = while_training(sweep)
    steady = memory[memory.complete >= memory.complete.max() * 0.1]
    return float(np.polyfit(steady.complete, steady.driver_mib * 1024, 1)[0])


def seconds_each(finished: np.ndarray, tenth: int) -> float:
    """Seconds a trial in one tenth of the sweep, from its makespan."""
    parts = np.array_split(finished, 10)
    before = parts[tenth - 1][-1] if tenth else parts[0][0]
    return float((parts[tenth][-1] - before) / (len(parts[tenth]) - (tenth == 0)))


def plot(sweep: Sweep, path: Path) -> None:
    """Memory and time per trial over the trials, as a picture."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    figure, (above, below) = plt.subplots(2, 1, figsize=(7, 5), sharex=True, layout="constrained")
    workers, memory = of_workers(sweep), while_training(sweep)
    above.plot(workers.complete, workers.worker_mib, label="largest worker")
    above.plot(memory.complete, memory.driver_mib, label="driver")
    above.axhline(WORKER_LIMIT_MIB, color="grey", linestyle=":", label="limit of a worker")
    above.set(ylabel="private memory, MiB", ylim=(0, None))
    above.legend(frameon=False)
    window = max(1, len(sweep.finished) // 40)
    each = (sweep.finished[window:] - sweep.finished[:-window]) / window
    below.plot(np.arange(window, len(sweep.finished)), each)
    below.set(ylabel=f"seconds a trial, mean of {window}", xlabel="trials complete", ylim=(0, None))
    figure.savefig(path, dpi=110)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--fid", action="store_true", help="measure images too")
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ganablate-long-") as folder:
        sweep = run(given.trials, Path(folder), fid=given.fid)
    if given.plot:
        plot(sweep, given.plot)
    tenths = [f"{seconds_each(sweep.finished, tenth):.3f}" for tenth in (0, 4, 9)]
    growth = growth_kib(sweep)
    worker, driver = of_workers(sweep).worker_mib.max(), sweep.memory.driver_mib.max()
    print(f"{len(sweep.finished)} trials of {ARMS} arms in {sweep.ended:.0f} s, all complete")
    print(f"  seconds a trial in the 1st, 5th and 10th tenth: {', '.join(tenths)}")
    print(f"  from the last trial's end to the command's: {sweep.ended - sweep.finished[-1]:.1f} s")
    print(f"  largest worker {worker:.0f} MiB, limit {WORKER_LIMIT_MIB:.0f}")
    print(
        f"  driver {growth:.1f} KiB a trial, limit {DRIVER_LIMIT_KIB:.0f}; {driver:.0f} MiB at most"
    )
    of = f"sweep of {given.trials:,} short trials{' with FID' if given.fid else ''}: "
    tell(
        Figure(what=f"{of}worker", value=worker, unit="MiB", limit=WORKER_LIMIT_MIB),
        Figure(what=f"{of}driver", value=growth, unit="KiB a trial", limit=DRIVER_LIMIT_KIB),
    )
    for name, seconds in sweep.commands.items():
        print(f"  then `{name}`: {seconds:.1f} s, limit at 2,000 trials {COMMANDS[name]:.0f} s")
        tell(Figure(what=f"{of}then {name}", value=seconds, unit="s", limit=COMMANDS[name]))


if __name__ == "__main__":
    main()
