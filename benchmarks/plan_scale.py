"""How long a plan takes: `plan` of studies of 1,000, 10,000 and 100,000 trials.

    python benchmarks/plan_scale.py

Twice: with ten replicates an arm, and with every trial an arm of its own, which is the most work.
Seconds are those of the whole command: of the processor, which other programs hardly change, and on
the clock. It computes in one thread, so both are alike on a quiet machine.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import Figure, tell

LIMIT_SECONDS = 5.0
STEPS = (1_000, 10_000, 100_000)
STUDY = """\
study: scale
base: {{dataset: mnist_5k, network: mlp, epochs: 1}}
cross:
  latent_dim: [{latent_dims}]
  batch_size: [{batch_sizes}]
replicates: {replicates}
primary: g_loss_mean
metrics: [g_loss]
"""


def seconds_of_plan(arms: int, replicates: int, folder: Path) -> tuple[float, float]:
    """Seconds of `plan`, of the processor and on the clock.

    For so many arms (a multiple of 100) with so many replicates.
    """
    study = STUDY.format(
        latent_dims=", ".join(map(str, range(1, 101))),
        batch_sizes=", ".join(map(str, range(2, arms // 100 + 2))),
        replicates=replicates,
    )
    (folder / "scale.yaml").write_text(study)
    call = [sys.executable, "-m", "ganablate", "plan", "scale.yaml"]
    began, before = time.perf_counter(), processor_seconds()
    done = subprocess.run(call, cwd=folder, check=True, capture_output=True, text=True)
    seconds = processor_seconds() - before, time.perf_counter() - began
    if f"{arms * replicates:,} trials" not in done.stdout:
        sys.exit(f"the plan is another:\n{done.stdout[:1000]}")
    return seconds


def processor_seconds() -> float:
    """What the commands that have ended so far computed."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    print("processor seconds of `plan`; the limit at 100,000 trials is 5 s")
    with tempfile.TemporaryDirectory(prefix="ganablate-plan-") as folder:
        for replicates, kind in ((10, "ten replicates an arm"), (1, "every trial an own arm")):
            pairs = [seconds_of_plan(n // replicates, replicates, Path(folder)) for n in STEPS]
            (small, _), (middle, _), (large, clock) = pairs
            line = ", ".join(f"{n:,}: {s:.2f}" for n, (s, _) in zip(STEPS, pairs, strict=True))
            verdict = "within the limit" if large <= LIMIT_SECONDS else "ABOVE the limit"
            print(f"  {kind:24} {line}; {verdict}; on the clock {clock:.2f}")
            what = f"plan of 100,000 trials, {kind}"
            beside = f"10,000 in {middle:.1f} s, 1,000 in {small:.1f} s; on the clock {clock:.1f} s"
            unit = "s of the processor"
            tell(Figure(what=what, value=large, unit=unit, limit=LIMIT_SECONDS, beside=beside))


if __name__ == "__main__":
    main()
