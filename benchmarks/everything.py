"""Every figure of speed, memory and scale as one table, each beside its peer or its limit.

    python benchmarks/everything.py [--save] [NAME ...]

One after the other on a quiet machine, about a quarter of an hour on two cores; the numbers of
rounds and trials are reduced for that. `--save` writes `benchmarks/figures.json`, which the page on
benchmarks shows; with NAMEs it replaces their figures there. How to run a part at its full size
stands at the head of its file.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from figures import COLLECT_INTO, Figure, collected
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
SAVED = HERE / "figures.json"
PARTS: dict[str, list[str]] = {
    "trainer_speed": ["--rounds", "1", "--seconds", "15"],
    "trainer_equivalence": ["--replicates", "4"],
    "command_times": ["--runs", "3"],
    "plan_scale": [],
    "start_time": ["--times", "2"],
    "sweep_overhead": ["--trials", "300"],
    "sweep_efficiency": ["--trials", "12"],
    "long_sweep": ["--trials", "100", "--fid"],
}
"""Script -> its arguments here."""


def run(part: str) -> list[Figure]:
    """The figures of one script; none, with a word on the screen, if it fails."""
    call = [sys.executable, str(HERE / f"{part}.py"), *PARTS[part]]
    print(f"--- {' '.join(['python', f'benchmarks/{part}.py', *PARTS[part]])}", flush=True)
    with tempfile.TemporaryDirectory(prefix="ganablate-bench-") as folder:
        file = Path(folder) / "figures"
        done = subprocess.run(call, env={**os.environ, COLLECT_INTO: str(file)}, check=False)
        found = collected(file)
    if not found:
        print(f"{part} gave no figures, exit {done.returncode}", file=sys.stderr)
    return found


def machine() -> dict[str, str | int | float]:
    """What the figures were taken on."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if "model name" in line), "?")
    libc = " ".join(platform.libc_ver())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": model,
        "cores": os.cpu_count() or 0,
        "memory_gib": round(memory, 1),
        "load_before": os.getloadavg()[0],
        "system": f"{platform.system()} {platform.machine()}, {libc}".rstrip(", "),
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "ray", "mlflow")},
    }


def table(figures: list[Figure]) -> Table:
    """The figures as they are printed."""
    made = Table("figure", "ours", "unit", "target", "", "beside")
    for one in figures:
        made.add_row(one.what, f"{one.value:,.4g}", one.unit, one.target, one.verdict, one.beside)
    return made


def save(
    found: dict[str, list[Figure]], facts: dict[str, str | int | float], minutes: float
) -> None:
    """Write the figures; those of parts that were not measured now stay as they were."""
    rows = {
        part: [asdict(one) | {"target": one.target, "verdict": one.verdict} for one in several]
        for part, several in found.items()
    }
    if len(found) < len(PARTS) and SAVED.exists():
        before = json.loads(SAVED.read_text(encoding="utf-8"))
        rows = before["parts"] | rows
        facts, minutes = before["machine"], before["minutes"]
    content = {"machine": facts, "minutes": round(minutes, 1), "parts": rows}
    SAVED.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("parts", nargs="*", metavar="NAME", help=f"of {', '.join(PARTS)}; else all")
    parser.add_argument("--save", action="store_true", help="write benchmarks/figures.json")
    given = parser.parse_args()
    if wrong := set(given.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(wrong))}; there are {', '.join(PARTS)}")
    facts, began = machine(), time.monotonic()
    found = {part: run(part) for part in given.parts or PARTS}
    minutes = (time.monotonic() - began) / 60
    figures = [figure for several in found.values() for figure in several]
    Console(width=150).print(table(figures))
    print(f"{minutes:.1f} minutes; {facts['cores']} cores of {facts['processor']}")
    if given.save:
        save(found, facts, minutes)
    sys.exit(0 if all(found.values()) else 1)


if __name__ == "__main__":
    main()
