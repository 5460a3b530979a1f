"""What `early_end` would have saved, and whom it would have ended wrongly: from complete trials.

    python benchmarks/early_end.py [--runs runs] [--budget cpu] [--only 8] [STUDY...]
    python benchmarks/early_end.py --until-decided 2 5 studies/mnist_ablation.yaml

Reads the recorded losses of every complete trial of the studies (all of studies/, unless some are
named) at a budget, and finds for each number of successive saturated twentieths where the training
would have ended. Prints two markdown tables. The first, over all distinct trials, a row a number:
how many would have ended; how many of those were judged to be something else than saturated at
their full length, so that they came back later (false ends); how many of the trials saturated at
the end it ends early; the share of all images seen and of all training seconds that it saves. The
second, at the number given by `--only`: the same for each study. Then the false ends by name.
Seconds are the recorded ones times the share of images left out; measuring, which an early end does
not spare, is in them, so that they are a little too large.

With `--until-decided FIRST MOST`, a table for each study of what looks after FIRST replicates up to
MOST would have spared, alone and with the early end, against MOST replicates of every arm, and the
arms whose verdict would have been another. A trial that ends early counts there with the numbers of
its full length.

Starts nothing, writes nothing, and takes a hundredth of a second a trial. No torch.
"""

import argparse
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ganablate.project.folders import Project
from ganablate.project.until_decided import run_until_decided
from ganablate.report.analysis import Analysis
from ganablate.report.frames.history import looked_plan
from ganablate.report.frames.looks import level_of
from ganablate.report.frames.trials import trials_frame
from ganablate.report.stats.statistics import ALPHA
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plan import Plan
from ganablate.study.reading.errors import StudyError
from ganablate.study.schema import Study
from ganablate.trials.folder import TrialFolder
from ganablate.trials.outcome import decides, outcome_of
from ganablate.trials.saturation import saturated_steps

NUMBERS = (1, 2, 3, 4, 5, 6, 8, 10)


@dataclass(frozen=True)
class Run:
    """A complete trial: the share of it at which each number would end it, and what became of it.

    `ends` has no entry for a number that would not have ended it.
    """

    trial_id: str
    name: str
    outcome: str
    primary: float | None
    images: int
    seconds: float
    ends: dict[int, float]

    def saved(self, number: int) -> float:
        """The share of its training that the early end leaves out."""
        return 1 - self.ends.get(number, 1.0)

    def is_false(self, number: int) -> bool:
        """Whether it would have ended, and was not saturated at its full length."""
        return number in self.ends and self.outcome != "saturated"


def runs_of(plan: Plan, trials_root: Path) -> list[Run]:
    """The complete trials of a plan."""
    found = []
    for trial in plan.trials:
        folder = TrialFolder(trials_root, trial.trial_id)
        facts = folder.complete
        if facts is None:
            continue
        losses = folder.losses()
        done = facts["iterations"]
        total = facts.get("planned_iterations") or done  # older ones do not say
        ends = {}
        if decides(trial.config):
            windows = {number: saturated_steps(losses, total, number) for number in NUMBERS}
            ends = {number: window.stop / done for number, window in windows.items() if window}
        numbers = plan.by_column(folder.metrics()["numbers"])
        found.append(
            Run(
                trial_id=trial.trial_id,
                name=f"{plan.study} {trial.arm} / {trial.replicate}",
                outcome=outcome_of(trial, folder, plan.measured).kind or "not assessed",
                primary=numbers.get(plan.primary),
                images=facts["images_seen"],
                seconds=sum(one.get("wall_seconds", 0.0) for one in folder.attempts()),
                ends=ends,
            )
        )
    return found


def shares(runs: Iterable[Run], every: Sequence[Run], number: int | None) -> list[str]:
    """What training these with an early end (None: without) spares of all: images, seconds."""
    images = seconds = 0.0
    for run in runs:
        left = 1.0 if number is None else 1 - run.saved(number)
        images += left * run.images
        seconds += left * run.seconds
    whole = sum(run.images for run in every), sum(run.seconds for run in every)
    spent = (images / whole[0], seconds / whole[1] if whole[1] else 1.0)
    return [f"{100 * (1 - share):.1f} %" for share in spent]


def row(label: str, runs: Sequence[Run], number: int) -> list[str]:
    """The cells of a line of the first two tables."""
    ended = [run for run in runs if number in run.ends]
    wrong = sum(run.is_false(number) for run in ended)
    saturated = [run for run in runs if run.outcome == "saturated"]
    caught = f"{sum(number in run.ends for run in saturated)} of {len(saturated)}"
    return [label, str(len(runs)), str(len(ended)), str(wrong), caught, *shares(runs, runs, number)]


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a markdown table."""
    print(f"\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for cells in rows:
        print(f"| {' | '.join(cells)} |")


def verdicts(plan: Plan, trials_root: Path, level: float) -> dict[str, str]:
    """The verdict of each arm; `nan` where it has none."""
    found = Analysis(plan, trials_frame(plan, trials_root), alpha=level).table
    return dict(zip(found["arm"], map(str, found["verdict"]), strict=True))


def print_looks(study: Study, budget: str, first: int, most: int, only: int, runs: Path) -> None:
    """What looks would have spared, alone and with an early end."""
    trials_root = runs / "trials"
    whole = expand(study, budget, replicates=most)
    every = runs_of(whole, trials_root)
    if len(every) < len(whole.trials):
        print(f"\n{study.name}: {len(every)} of {len(whole.trials)} trials are complete; no looks")
        return
    trained: dict[str, None] = {}

    def sweep(plan: Plan) -> bool:
        trained.update(dict.fromkeys(trial.trial_id for trial in plan.trials))
        return True

    chosen = study.budget(budget).model_copy(update={"replicates": first})
    small = study.model_copy(update={"budgets": {**study.budgets, budget: chosen}})
    with tempfile.TemporaryDirectory() as scratch:
        project = Project(Path(scratch))
        project.runs.mkdir()
        project.trials.symlink_to(trials_root.resolve())
        say = partial(print, f"\n{study.name}:")
        run_until_decided(project, small, budget, most, sweep=sweep, say=say)
        plan, looks = looked_plan(small, budget, project.results)
    own = [run for run in every if run.trial_id in trained]
    before, after = (
        verdicts(whole, trials_root, ALPHA),
        verdicts(plan, trials_root, level_of(looks)),
    )
    apart = [f"{arm}: {before[arm]} -> {after[arm]}" for arm in before if before[arm] != after[arm]]
    heads = (
        f"{study.name}, {first} to {most} replicates",
        "trials",
        "images saved",
        "seconds saved",
    )
    table(
        heads,
        [
            ["every replicate", str(len(every)), *shares(every, every, None)],
            [f"early end at {only}", str(len(every)), *shares(every, every, only)],
            ["until decided", str(len(own)), *shares(own, every, None)],
            ["both", str(len(own)), *shares(own, every, only)],
        ],
    )
    print(f"\nOther verdicts until decided: {'; '.join(apart) or 'none'}.")


def main() -> None:
    """Print the tables and the false ends."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--budget", default="cpu")
    parser.add_argument("--only", type=int, default=8, choices=NUMBERS)
    parser.add_argument("--until-decided", type=int, nargs=2, metavar=("FIRST", "MOST"))
    given = parser.parse_args()
    by_study: dict[str, list[Run]] = {}
    studies = [load_study(path) for path in given.studies or sorted(Path("studies").glob("*.yaml"))]
    for study in studies:
        try:
            by_study[study.name] = runs_of(expand(study, given.budget), given.runs / "trials")
        except StudyError as error:
            print(f"left out: {error}")
    every = list({run.trial_id: run for runs in by_study.values() for run in runs}.values())
    if not every:
        raise SystemExit(f"no complete trial of these studies under {given.runs}/trials")
    heads = (
        "trials", "ended", "false ends", "saturated trials ended", "images saved", "seconds saved",
    )  # fmt: skip
    table(("twentieths in a row", *heads), (row(str(n), every, n) for n in NUMBERS))
    known = ((name, runs) for name, runs in by_study.items() if runs)
    table(
        (f"study, at {given.only}", *heads), (row(name, runs, given.only) for name, runs in known)
    )
    print("\nFalse ends:")
    for run in every:
        wrong = ", ".join(f"{n}: at {at:.0%}" for n, at in run.ends.items() if run.is_false(n))
        if wrong:
            number = "" if run.primary is None else f", primary {run.primary:.4g}"
            print(f"  {run.name}: {run.outcome}{number} ({wrong})")
    for study in studies if given.until_decided else ():
        if study.name in by_study:
            print_looks(study, given.budget, *given.until_decided, given.only, given.runs)


if __name__ == "__main__":
    main()
