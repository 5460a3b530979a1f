"""One sweep with the real command, disturbed by kills: who is killed, when, and how it goes on."""

import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from fault_checks import Witness, newest_attempt
from fault_processes import Server, command, end_sessions, environment, kill, processes_of

LENGTH = 200
TRIALS = 6
STUDY = f"""\
study: small
base: {{dataset: mnist_5k, network: dcgan, image_size: 28, g_width: 4, d_width: 4, init: torch,
       lr: 1.0e-3, batch_size: 32, iterations: {LENGTH}, precision: fp32, d_dropout: 0.2}}
ablate: {{norm: [none], d_dropout: [0.0]}}
replicates: {TRIALS // 3}
primary: fid
metrics: [d_loss, g_loss, d_accuracy, fid, modes]
claims:
  - {{id: R9.1, says: "dropout hurts", compare: {{arm: d_dropout=0.0, metric: fid, is: better}}}}
"""
PROFILE = "threads: 1\nconcurrency: 2\ncheckpoint_seconds: 0.4\nretries: 100\n"
POLL_SECONDS = 0.02
LONGEST_SWEEP_SECONDS = 900.0
LONGEST_WAIT_SECONDS = 45.0
STARTING_SECONDS = 15.0
MOMENTS: dict[str, dict[str, float]] = {
    "worker": {"at work": 5, "starting": 2, "writing a checkpoint": 3, "finishing": 3},
    "driver": {"starting": 3, "at work": 3, "as a trial completes": 2, "reporting": 1},
    "server": {"any time": 1},
}
"""Who is killed -> when -> how often, relative to the other moments."""
Say = Callable[[str], None]


def write_project(folder: Path, data: Path | None = None) -> Path:
    """A folder to run the command in, with the cache of the data set if there is one."""
    (folder / "studies").mkdir(parents=True)
    if data is not None:
        shutil.copytree(data, folder / "runs" / "data")
    (folder / "sweeps").mkdir()
    (folder / "studies" / "small.yaml").write_text(STUDY)
    (folder / "sweeps" / "laptop.yaml").write_text(PROFILE)
    return folder


@dataclass
class Round:
    """What one round has seen."""

    number: int
    folder: Path
    dice: random.Random
    say: Say
    server: Server | None
    kills: dict[str, int] = field(default_factory=dict)
    moments: dict[str, int] = field(default_factory=dict)
    victims: set[int] = field(default_factory=set)
    sessions: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    witness: Witness = field(init=False)

    def __post_init__(self) -> None:
        self.witness = Witness(self.folder / "runs" / "trials")

    @property
    def killed(self) -> int:
        """Kills so far."""
        return sum(self.kills.values())


def start_driver(folder: Path, log: IO[bytes], server: Server | None) -> subprocess.Popen[bytes]:
    """Start `ganablate run` on the folder's study, in a session of its own."""
    tracking = ["--tracking-uri", server.uri] if server else []
    return subprocess.Popen(
        command("run", "studies/small.yaml", *tracking), cwd=folder, stdout=log, stderr=log,
        env=environment(), start_new_session=True,
    )  # fmt: skip


def drawn(dice: random.Random, kills: int, *, server: bool) -> list[tuple[str, str]]:
    """Whom to kill and when, in this order; each kind once if there are so many kills."""
    weights: dict[str, float] = {"worker": 14, "driver": 3, "server": 3 if server else 0}
    kinds = ["driver", *(["server"] if server else []), "worker"][:kills]
    kinds += [_choose(dice, weights) for _ in range(kills - len(kinds))]
    dice.shuffle(kinds)
    order = [(who, _choose(dice, MOMENTS[who])) for who in kinds]
    return sorted(order, key=lambda one: one[1] == "reporting")  # then no worker is left


def disturbed_sweep(this: Round, kills: int) -> None:
    """Run the sweep, killing `kills` times; start it again until it is through."""
    order = drawn(this.dice, kills, server=this.server is not None)
    while True:
        with (this.folder / "driver.log").open("ab") as log:
            driver = start_driver(this.folder, log, this.server)
        this.sessions.append(driver.pid)
        try:
            _disturb(this, driver, order)
        finally:
            kill(driver.pid)
            driver.wait()
        this.codes.append(driver.returncode)
        this.witness.look()
        if driver.returncode != -signal.SIGKILL:
            return
        time.sleep(this.dice.choice([0.0, 0.0, 0.5, 2.0]))  # often before the old workers are gone


def _disturb(this: Round, driver: subprocess.Popen[bytes], order: list[tuple[str, str]]) -> None:
    """Kill one after the other until the driver has ended, by a kill or by itself."""
    started = time.monotonic()
    while order and driver.poll() is None:
        who, when = order.pop(_next(order, time.monotonic() - started))
        victim = _await(this, driver, who, when)
        if victim is None or driver.poll() is not None:
            order.append((who, when))  # the moment did not come: later
            continue
        if who == "server":
            assert this.server is not None
            this.server.kill()
            this.server.back_at = time.monotonic() + this.dice.choice([0.0, 1.0, 5.0])
        elif victim in this.victims or not kill(victim):  # it takes a moment to be gone
            order.insert(0, (who, when))
            continue
        else:
            this.victims.add(victim)
        this.kills[who] = this.kills.get(who, 0) + 1
        moment = f"{who}, {when}"
        this.moments[moment] = this.moments.get(moment, 0) + 1
        this.say(_line(this, who, when, victim, started))
        if who == "driver":
            driver.wait()
    _settle(this, driver)


def _next(order: list[tuple[str, str]], age: float) -> int:
    """The first kill of the order that fits: a driver `starts` for some seconds only."""
    early = ("driver", "starting")
    if age < STARTING_SECONDS / 4 and early in order:
        return order.index(early)
    return next((number for number, one in enumerate(order) if one != early), 0)


def _settle(this: Round, driver: subprocess.Popen[bytes]) -> None:
    """Leave the driver alone until it ends."""
    started = time.monotonic()
    while driver.poll() is None:
        this.witness.look()
        _bring_back(this.server)
        if time.monotonic() - started > LONGEST_SWEEP_SECONDS:
            this.say(f"round {this.number}: the sweep does not end")
            return
        time.sleep(0.1)


def _choose(dice: random.Random, weights: dict[str, float]) -> str:
    return dice.choices(list(weights), list(weights.values()))[0]


def _bring_back(server: Server | None) -> None:
    if server is not None and not server.running and time.monotonic() >= server.back_at:
        server.start()


def _await(this: Round, driver: subprocess.Popen[bytes], who: str, when: str) -> int | None:
    """Wait for the moment; the process to kill then, or None if it did not come."""
    victims = _victims(this, driver, who, when)
    deadline = time.monotonic() + (LONGEST_SWEEP_SECONDS if when == "reporting" else
                                   LONGEST_WAIT_SECONDS)  # fmt: skip
    while driver.poll() is None and time.monotonic() < deadline:
        this.witness.look()
        _bring_back(this.server)
        victim = next(victims)
        if victim is not None:
            return victim
        time.sleep(POLL_SECONDS)
    return None


def _victims(
    this: Round, driver: subprocess.Popen[bytes], who: str, when: str
) -> Iterator[int | None]:
    """None until the moment has come, then whom to kill."""
    dice, trials = this.dice, this.folder / "runs" / "trials"
    if who == "server":
        assert this.server is not None
        yield from _after(dice.uniform(0.5, 4), lambda: this.server and this.server.running)
        yield driver.pid  # any number: the server knows its own processes
    if who == "driver":
        if when == "starting":
            yield from _after(dice.uniform(0.1, STARTING_SECONDS))
        elif when == "at work":
            yield from _after(dice.uniform(0, 4), lambda: _workers(driver.pid))
        else:
            count = TRIALS if when == "reporting" else len(this.witness.complete) + 1
            late = dice.uniform(0, 4) if when == "reporting" else dice.choice([0, 0.05, 0.3])
            yield from _after(late, lambda: len(this.witness.complete) >= count)
        yield driver.pid
    if when == "at work":
        yield from _after(dice.uniform(0, 3), lambda: _workers(driver.pid))
    while True:
        yield _worker(dice, driver.pid, trials, when)


def _after(seconds: float, condition: Callable[[], object] = lambda: True) -> Iterator[None]:
    """Nothing until so many seconds after the condition came true."""
    while not condition():
        yield None
    due = time.monotonic() + seconds
    while time.monotonic() < due:
        yield None


def _workers(session: int) -> list[int]:
    """Processes of the session in which a trial runs, or is about to."""
    lines = processes_of(session).items()
    return [
        pid for pid, line in lines
        if line.startswith("ray::") and "Agent" not in line and "IDLE" not in line
    ]  # fmt: skip


def _worker(dice: random.Random, session: int, trials: Path, when: str) -> int | None:
    """A worker that is at this point of a trial."""
    workers = _workers(session)
    if when == "at work":
        return dice.choice(workers) if workers else None
    for folder in trials.glob("[0-9a-f]*"):
        attempt = newest_attempt(folder)
        if attempt.get("pid") not in workers or (folder / "complete.json").exists():
            continue
        at = {
            "starting": "from_iteration" not in attempt,
            "writing a checkpoint": any(folder.glob("checkpoints/.writing-*")),
            "finishing": (folder / "losses.npz").exists(),
        }
        if at[when]:
            time.sleep(dice.choice([0, 0, 0.02, 0.2, 0.6]) if when == "finishing" else 0)
            return int(attempt["pid"])
    return None


def _line(this: Round, who: str, when: str, victim: int, started: float) -> str:
    """What the log says of a kill."""
    number = f" {victim}" if who != "server" else ""
    after = time.monotonic() - started
    done = len(this.witness.complete)
    return (
        f"round {this.number}, {time.monotonic() - this.began:5.1f} s: kill -9 {who}{number}, "
        f"{when}; driver {len(this.sessions)} for {after:.1f} s, {done} of {TRIALS} complete"
    )


def left_behind(this: Round, seconds: float) -> tuple[list[str], float]:
    """Processes of the round's drivers that are still there after so long, and how long it took."""
    began = time.monotonic()
    while True:
        left = [line for session in this.sessions for line in processes_of(session).values()]
        waited = time.monotonic() - began
        if not left or waited > seconds:
            break
        time.sleep(0.2)
    end_sessions(this.sessions)
    return left, waited
