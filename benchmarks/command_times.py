"""How long the commands that only read take, best of several runs, against their limits.

`python benchmarks/command_times.py` prints a table of wall and processor time. On a busy machine
the wall time says more of the others: compare the processor time. Exit code 1: a limit is broken.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from figures import Figure, tell

ROOT = Path(__file__).parents[1]
STUDY = "studies/mnist_ablation.yaml"
COMMANDS: dict[str, tuple[list[str], float]] = {
    "--help": (["--help"], 0.3),
    "validate": (["validate", STUDY], 0.6),
    "plan": (["plan", STUDY], 2.0),
    "list": (["list", "criteria"], 0.6),
    "schema": (["schema"], 0.6),
    "doctor": (["doctor"], 8.0),
}
"""Name -> arguments, and the most seconds that it may take."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("commands", nargs="*", help="else all")
    arguments = parser.parse_args()
    broken = 0
    print(f"{'command':10} {'limit':>6} {'wall':>6} {'cpu':>6}   seconds, best of {arguments.runs}")
    for name, (call, limit) in COMMANDS.items():
        if arguments.commands and name not in arguments.commands:
            continue
        runs = [seconds(call) for _ in range(arguments.runs)]
        wall, processor = (min(column) for column in zip(*runs, strict=True))
        broken += wall > limit
        verdict = "too slow" if wall > limit else "ok"
        print(f"{name:10} {limit:6.2f} {wall:6.2f} {processor:6.2f}   {verdict}")
        tell(Figure(what=f"ganablate {name}", value=wall, unit="s", limit=limit))
    return 1 if broken else 0


def seconds(call: list[str]) -> tuple[float, float]:
    """Wall and processor time of one call, its children included."""
    command = [sys.executable, "-c", "from ganablate.cli import main; main()", *call]
    before, start = os.times(), time.perf_counter()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    wall, after = time.perf_counter() - start, os.times()
    used = after.children_user + after.children_system
    return wall, used - before.children_user - before.children_system


if __name__ == "__main__":
    sys.exit(main())
