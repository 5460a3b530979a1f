"""How long a plan takes: `plan` of studies of 1,000, 10,000 and 100,000 trials.

    python benchmarks/plan_scale.py

Twice: with ten replicates an arm, and with every trial an arm of its own, which is the most work.
Seconds are those of the whole command.
"""

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


def seconds_of_plan(arms: int, replicates: int, folder: Path) -> float:
    """Seconds of `plan` for so many arms (a multiple of 100) with so many replicates."""
    study = STUDY.format(
        latent_dims=", ".join(map(str, range(1, 101))),
        batch_sizes=", ".join(map(str, range(2, arms // 100 + 2))),
        replicates=replicates,
    )
    (folder / "scale.yaml").write_text(study)
    call = [sys.executable, "-m", "ganablate", "plan", "scale.yaml"]
    began = time.perf_counter()
    done = subprocess.run(call, cwd=folder, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    if f"{arms * replicates:,} trials" not in done.stdout:
        sys.exit(f"the plan is another:\n{done.stdout[:1000]}")
    return seconds


def main() -> None:
    print("seconds of `plan`; the limit at 100,000 trials is 5 s")
    with tempfile.TemporaryDirectory(prefix="ganablate-plan-") as folder:
        for replicates, said in ((10, "ten replicates an arm"), (1, "every trial an own arm")):
            found = [seconds_of_plan(n // replicates, replicates, Path(folder)) for n in STEPS]
            line = ", ".join(f"{n:,}: {s:.2f}" for n, s in zip(STEPS, found, strict=True))
            verdict = "within the limit" if found[-1] <= LIMIT_SECONDS else "ABOVE the limit"
            print(f"  {said:24} {line}; {verdict}")
            what = f"plan of 100,000 trials, {said}"
            beside = f"10,000 in {found[1]:.1f} s, 1,000 in {found[0]:.1f} s"
            tell(Figure(what=what, value=found[-1], unit="s", limit=LIMIT_SECONDS, beside=beside))


if __name__ == "__main__":
    main()
