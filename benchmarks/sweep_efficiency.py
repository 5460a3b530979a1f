"""How much of a sweep's time its trials work: real trials of about 15 seconds, two at a time.

    python benchmarks/sweep_efficiency.py [--trials 24] [--seconds 15] [--slots 2]

Efficiency is the seconds that trials work (train, are measured, are stored) over slots x makespan,
from the first attempt's begin to the last one's end: start-up and shutting down are left out. A GAN
on digits is trained, with MLflow switched on, for as many iterations as take about so many seconds;
how many those are a rehearsal says. The seconds of training alone, of the iterations and nothing
else, are the second figure.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOUND_HERE = [str(ROOT), str(ROOT / "benchmarks")]
sys.path[:0] = FOUND_HERE
os.environ["PYTHONPATH"] = os.pathsep.join(FOUND_HERE)  # for Ray's workers

from figures import Figure, tell  # noqa: E402

from ganablate.study.expand import expand  # noqa: E402
from ganablate.study.load import load_study  # noqa: E402
from ganablate.study.plan import Plan  # noqa: E402
from ganablate.sweep.attempt import TrialAttempt  # noqa: E402
from ganablate.sweep.estimate import ArmCost, Costs, arm_costs, rehearse_all  # noqa: E402
from ganablate.sweep.job import Job  # noqa: E402
from ganablate.sweep.profile import Profile  # noqa: E402
from tests.support.sweep_cases import Diary  # noqa: E402

TARGET = 0.95
ARMS = 2
STUDY = """\
study: efficiency
base: {{dataset: mnist_5k, network: dcgan, g_width: 16, d_width: 16, iterations: {iterations}}}
ablate: {{latent_dim: [10]}}
replicates: {replicates}
primary: fid
metrics: [d_loss, g_loss, fid, modes]
"""


class Timed(TrialAttempt):
    """Notes how long its iterations took."""

    trained = 0.0

    def _train(self, seconds: float) -> None:
        began = time.perf_counter()
        super()._train(seconds)
        self.trained += time.perf_counter() - began

    def close(self) -> None:
        """Write the note."""
        note = self.job.trials_root.parent / "trained" / self.job.trial.trial_id
        note.parent.mkdir(exist_ok=True)
        note.write_text(str(self.trained))
        super().close()


def timed(job: Job) -> Timed:
    attempt = Timed(job)
    attempt.open()
    return attempt


def planned(folder: Path, iterations: int, replicates: int) -> Plan:
    path = folder / "efficiency.yaml"
    path.write_text(STUDY.format(iterations=iterations, replicates=replicates))
    return expand(load_study(path))


def rehearsed(plan: Plan, profile: Profile, runs: Path) -> ArmCost:
    """What a trial of the first arm costs, alone on the machine."""
    costs = Costs(runs, profile)
    waiting = [trial.trial_id for trial in plan.trials]
    first = plan.arms[0].name
    rehearse_all({first: arm_costs(plan, waiting, costs)[first]}, costs, print)
    return arm_costs(plan, waiting, costs)[first]


def sweep(plan: Plan, profile: Profile, runs: Path) -> Diary:
    from ganablate.sweep.runner import run_sweep
    from ganablate.tracking import MlflowTracker, resolve_uri

    watch = Diary()
    run_sweep(
        [plan],
        profile,
        observer=watch,
        tracker=MlflowTracker(resolve_uri(runs), runs, watch.warned),
        runs=runs,
        attempt="sweep_efficiency:timed",
    )
    return watch


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--slots", type=int, default=2)
    given = parser.parse_args(arguments)
    profile = Profile(concurrency=given.slots)
    with tempfile.TemporaryDirectory(prefix="ganablate-efficiency-") as name:
        folder = Path(name)
        runs = folder / "runs"
        first = rehearsed(planned(folder, 1, given.trials // ARMS), profile, runs)
        cost = first.cost or sys.exit("nothing could be rehearsed")
        iterations = max(1, round((given.seconds - cost.around) / cost.iteration))
        plan = planned(folder, iterations, given.trials // ARMS)
        watch = sweep(plan, profile, runs)
        for (message,) in watch.of("warned"):
            print("warning:", message)
        files = sorted(runs.glob("trials/*/attempts/*.json"))
        attempts = [json.loads(path.read_text()) for path in files]
        training = sum(float(note.read_text()) for note in (runs / "trained").iterdir())
    if len(attempts) != len(plan.trials):
        sys.exit(f"{len(attempts)} attempts for {len(plan.trials)} trials")
    working = sum(attempt["wall_seconds"] for attempt in attempts)
    began = min(attempt["started_ms"] for attempt in attempts)
    makespan = (max(attempt["ended_ms"] for attempt in attempts) - began) / 1000
    slots = given.slots
    efficiency = working / (slots * makespan)
    print(f"{len(attempts)} trials of {iterations} iterations, {slots} at a time")
    print(f"  a trial works                   {working / len(attempts):8.2f} s")
    print(f"  of which it trains              {training / len(attempts):8.2f} s")
    print(
        f"  rehearsed before: a trial takes {replace(first, iterations=iterations).left():8.2f} s"
    )
    print(f"  from first begin to last end    {makespan:8.2f} s")
    between = (slots * makespan - working) / len(attempts)
    print(f"  not working, for each trial     {between:8.2f} s")
    print(f"  efficiency, training alone      {training / (slots * makespan):8.3f}")
    print(f"  efficiency                      {efficiency:8.3f}")
    print(f"  {'meets' if efficiency >= TARGET else 'BELOW'} the target of {TARGET}")
    each = working / len(attempts)
    what = f"sweep efficiency, {len(attempts)} trials of {each:.0f} s, {slots} at a time"
    beside = (
        f"{between:.2f} s a trial not working; training alone {training / slots / makespan:.2f}"
    )
    tell(Figure(what=what, value=efficiency, unit="", limit=TARGET, at_least=True, beside=beside))


if __name__ == "__main__":
    main()
