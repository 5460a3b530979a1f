"""A small real sweep under `kill -9`, many times: is anything lost, doubled, or other at the end?

    python benchmarks/fault_campaign.py [--kills 100] [--seed 1] [--log FILE]
    python benchmarks/fault_campaign.py --systematic [--every 1] [--seed 1] [--log FILE]

The first: rounds of `ganablate run` (Ray, MLflow, real training on mnist_5k), each in a fresh
folder. A worker, the driver or the tracking server is killed at moments drawn from the seed: at
work, while it starts, in the middle of a checkpoint, as a trial completes, in the report. Every
second round tracks to a real `mlflow server`, the others to SQLite. The command is given again
until it ends by itself, and once more. Then everything is compared with an undisturbed sweep.
About 20 seconds a kill on two busy cores, with `--jobs 3`. The seed fixes what is drawn, not what
the clock makes of it.

The second: no Ray; one process is killed before each of its writes in turn (`--every 1`; every
tenth with `--every 10`), whole and with the last file cut to half: see `crash_walks.py`. About
half an hour.

Exit code 0: nothing lost, nothing doubled, nothing else amiss. 1: something was; it is printed.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import fault_checks as checks  # noqa: E402
import fault_processes as processes  # noqa: E402
import fault_rounds as rounds  # noqa: E402

LEAVES_SECONDS = 60.0
"""How long what a killed driver leaves behind may take to end by itself."""
KINDS = ("lost", "doubled", "other")


class Log:
    """Prints lines, and keeps them in a file if one is named."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        if path is not None:
            path.write_text("")

    def say(self, line: str) -> None:
        """Print the line, and keep it."""
        print(line, flush=True)
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(line + "\n")


def undisturbed(folder: Path, log: Log) -> Path:
    """The sweep that nobody kills."""
    began = time.monotonic()
    rounds.write_project(folder)
    code, said = _run_to_end(folder, None)
    if code != 0:
        raise SystemExit(f"undisturbed, exit code {code}: {said}")
    log.say(f"undisturbed: {rounds.TRIALS} trials in {time.monotonic() - began:.0f} s")
    return folder


def _run_to_end(folder: Path, server: processes.Server | None) -> tuple[int, str]:
    """The command, undisturbed; its exit code and what it printed."""
    tracking = ["--tracking-uri", server.uri] if server else []
    done = subprocess.run(
        processes.command("run", "studies/small.yaml", *tracking), cwd=folder, text=True,
        capture_output=True, env=processes.environment(), check=False, timeout=900,
    )  # fmt: skip
    with (folder / "driver.log").open("a") as file:
        file.write(done.stdout + done.stderr)
    return done.returncode, done.stdout + done.stderr


def disturbed_round(this: rounds.Round, kills: int, expected: Path) -> dict[str, list[str]]:
    """One round and its checks: kind of problem -> problems."""
    rounds.write_project(this.folder, expected / "runs" / "data")
    if this.server is not None:
        this.server.start()
        this.server.await_answer()
    rounds.disturbed_sweep(this, kills)
    left, waited = rounds.left_behind(this, LEAVES_SECONDS)
    if this.server is not None:
        if not this.server.running:
            this.server.start()
        this.server.await_answer()
    before = _results(this.folder)
    code, again = _run_to_end(this.folder, this.server)
    if this.server is not None:
        this.server.kill()
    found = _problems(this, expected)
    found["other"] += [f"left behind: {line[:120]}" for line in left]
    if f"{rounds.TRIALS} reused" not in again:
        found["doubled"].append("the command given again did not reuse every trial")
    if before != _results(this.folder):
        found["other"].append("the command given again changed the results")
    codes = Counter(this.codes)
    if codes != Counter({-9: this.kills.get("driver", 0), 0: 1}) or code != 0:
        found["other"].append(f"exit codes {dict(codes)}, then {code}")
    this.say(_ended(this, waited, found))
    return found


def _results(folder: Path) -> dict[str, bytes]:
    """Every file of the report but those of times."""
    return {
        str(path): path.read_bytes() for path in sorted((folder / "results").rglob("*.*"))
        if path.is_file() and path.name not in checks.OF_TIMES
    }  # fmt: skip


def _problems(this: rounds.Round, expected: Path) -> dict[str, list[str]]:
    trials, whole = this.folder / "runs" / "trials", expected / "runs" / "trials"
    place = Path("results") / "small" / "full"
    database = this.server.database if this.server else this.folder / "runs" / "mlflow.db"
    return {
        "lost": this.witness.lost() + checks.missing(trials, whole),
        "doubled": checks.doubled(trials),
        "other": [
            *checks.other_trials(trials, whole),
            *checks.other_results(this.folder / place, expected / place),
            *checks.wrong_copy(database, trials, "small"),
        ],
    }


def _ended(this: rounds.Round, waited: float, found: dict[str, list[str]]) -> str:
    killed = ", ".join(f"{count} {who}" for who, count in sorted(this.kills.items()))
    store = "server" if this.server else "SQLite"
    attempts = len(list(this.folder.glob("runs/trials/*/attempts/[0-9]*.json")))
    lines = [
        f"round {this.number} ({store}): {this.killed} kills ({killed}), {len(this.codes)} drivers,"
        f" {attempts} attempts, {time.monotonic() - this.began:.0f} s; the last process ended"
        f" after {waited:.1f} s; " + ", ".join(f"{len(found[kind])} {kind}" for kind in KINDS)
    ]
    return "\n".join([*lines, *(f"  {kind}: {p}" for kind in KINDS for p in found[kind])])


@dataclass
class Totals:
    """What all rounds together have seen."""

    over: int = 0
    kills: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    moments: Counter[str] = field(default_factory=Counter)
    table: list[str] = field(default_factory=list)

    def add(self, this: rounds.Round, found: dict[str, list[str]]) -> None:
        """Count one more round."""
        self.over += 1
        self.kills += this.killed
        self.moments.update(this.moments)
        self.problems.update({kind: len(found[kind]) for kind in KINDS})
        self.table.append(_row(this, found))

    def say(self, log: Log, minutes: float) -> None:
        """Print all of it."""
        log.say("\nround  store   worker  driver  server  attempts  lost  doubled  other")
        for line in self.table:
            log.say(line)
        log.say("\nkilled, and when:")
        for moment, count in sorted(self.moments.items()):
            log.say(f"  {count:4}  {moment}")
        found = ", ".join(f"{self.problems[kind]} {kind}" for kind in KINDS)
        log.say(f"\n{self.kills} kills in {self.over} rounds, {minutes:.0f} minutes: {found}")


def campaign(given: argparse.Namespace, log: Log, scratch: Path) -> bool:
    """Rounds of so many kills each, until there were enough; whether nothing was amiss."""
    began = time.monotonic()
    expected = undisturbed(scratch / "undisturbed", log)
    totals = Totals()
    while (lacking := given.kills - totals.kills) > 0:
        quotas = [min(given.round, lacking - n) for n in range(0, lacking, given.round)]
        first = totals.over + 1
        with ThreadPoolExecutor(given.jobs) as pool:
            futures = [
                pool.submit(_round, first + number, quota, given.seed, log, scratch, expected)
                for number, quota in enumerate(quotas)
            ]
            for future in futures:
                this, found = future.result()
                totals.add(this, found)
                if not any(found.values()):
                    shutil.rmtree(this.folder)
    totals.say(log, (time.monotonic() - began) / 60)
    return not any(totals.problems.values())


def _round(
    number: int, kills: int, seed: int, log: Log, scratch: Path, expected: Path
) -> tuple[rounds.Round, dict[str, list[str]]]:
    folder = scratch / f"round-{number}"
    folder.mkdir()
    server = processes.Server(folder) if number % 2 == 0 else None
    this = rounds.Round(number, folder, random.Random(f"{seed}-{number}"), log.say, server)
    try:
        found = disturbed_round(this, kills, expected)
    finally:
        processes.end_sessions(this.sessions)
        if server is not None and server.running:
            server.kill()
    return this, found


def _row(this: rounds.Round, found: dict[str, list[str]]) -> str:
    kills = "  ".join(f"{this.kills.get(who, 0):6}" for who in ("worker", "driver", "server"))
    attempts = len(list(this.folder.glob("runs/trials/*/attempts/[0-9]*.json")))
    lost, doubled, other = (len(found[kind]) for kind in KINDS)
    store = "server" if this.server else "SQLite"
    return f"{this.number:5}  {store}  {kills}  {attempts:8}  {lost:4}  {doubled:7}  {other:5}"


def systematic(every: int, seed: int, log: Log, scratch: Path) -> bool:
    """Every walk of `crash_walks`; whether nothing was amiss."""
    import crash_walks

    total = 0
    well = True
    log.say("walk                                 writes   kills  seconds  problems")
    for tally in crash_walks.all_walks(scratch, every=every, seed=seed):
        total += tally.kills
        log.say(
            f"{tally.name:35}  {tally.points:6}  {tally.kills:6}  {tally.seconds:7.0f}  "
            f"{len(tally.problems):8}"
        )
        for problem in tally.problems:
            log.say(f"  {problem}")
        if tally.left:
            log.say(f"  left of writes cut off: {', '.join(sorted(tally.left))}")
        well = well and not tally.problems and not tally.left
    log.say(f"{total} kills: {'nothing' if well else 'something'} amiss")
    return well


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--round", type=int, default=20, help="kills a round")
    parser.add_argument("--jobs", type=int, default=1, help="rounds at a time")
    parser.add_argument("--systematic", action="store_true", help="kill at each write in turn")
    parser.add_argument("--every", type=int, default=1, help="with --systematic: at every n-th")
    parser.add_argument("--log", type=Path, help="keep the lines there as well")
    parser.add_argument("--scratch", type=Path, help="work there, and keep it")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing of it is left
    log = Log(given.log)
    scratch = given.scratch or Path(tempfile.mkdtemp(prefix="ganablate-faults-"))
    scratch.mkdir(parents=True, exist_ok=True)
    try:
        if given.systematic:
            well = systematic(given.every, given.seed, log, scratch)
        else:
            well = campaign(given, log, scratch)
    finally:
        if not given.scratch:
            shutil.rmtree(scratch, ignore_errors=True)
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
