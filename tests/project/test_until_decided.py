"""`run --until-decided` with a sweep that only writes numbers: who gets more, and when."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ganablate.project.folders import Project
from ganablate.project.until_decided import run_until_decided
from ganablate.report import analysis
from ganablate.report.claims.judgement import CANNOT_TELL, OPEN, SUPPORTED, Judgement
from ganablate.report.frames.history import looked_plan
from ganablate.report.frames.look_file import looks_csv, read_looks
from ganablate.report.frames.looks import Look, look_at
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plan import Plan
from ganablate.study.reading.errors import StudyError
from ganablate.study.schema import Study
from tests.support.synthetic_study import write_trial

TEXT = """\
study: t
base: {dataset: mnist_5k, network: dcgan, epochs: 2}
arms:
  far: {g_width: 32}
  near: {g_width: 48}
  same: {g_width: 24}
null_arm: true
replicates: 3
primary: kid
metrics: [kid]
"""
KID = {"baseline": 0.0, "far": 20.0, "near": 2.2, "same": 0.1, "null": 0.0}
"""Mean of each arm, in standard deviations of its replicates. A difference has no margin."""


class Sweep:
    """Completes the trials of a plan, and remembers with how many replicates it was called."""

    def __init__(self, folder: Path, *, stop_at: int = 99, kid: dict[str, float] = KID) -> None:
        self.root, self.stop_at, self.kid = Project(folder).trials, stop_at, kid
        self.plans: list[dict[str, int]] = []

    def __call__(self, plan: Plan) -> bool:
        self.plans.append(dict(Counter(trial.arm for trial in plan.trials)))
        stopped = len(self.plans) == self.stop_at
        for trial in plan.trials[: len(plan.trials) // 2] if stopped else plan.trials:
            if (self.root / trial.trial_id).exists():
                continue
            seed = [int(trial.trial_id, 16), 7]
            value = self.kid[trial.arm] + np.random.default_rng(seed).normal()
            write_trial(self.root, trial, numbers={"kid_mean": value, "kid": value})
        return not stopped


@pytest.fixture
def study(tmp_path: Path) -> Study:
    path = tmp_path / "t.yaml"
    path.write_text(TEXT)
    return load_study(path)


@pytest.fixture(autouse=True)
def no_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "judge_claims", lambda *_, **__: ())


Run = Callable[..., list[str]]


@pytest.fixture
def run(study: Study, tmp_path: Path) -> Run:
    """Run the study in a folder of this name; returns the lines of its looks."""

    def _run(sweep: Callable[[Plan], bool], most: int | None = None, where: str = "a") -> list[str]:
        lines: list[str] = []
        project = Project(tmp_path / where)
        run_until_decided(project, study, None, most, sweep=sweep, say=lines.append)
        return lines

    return _run


def looks_file(folder: Path) -> Path:
    return folder / "results" / "looks.csv"


def looks_of(study: Study, folder: Path) -> tuple[Look, ...]:
    looks = looked_plan(study, None, folder / "results")[1]
    assert looks == read_looks(looks_file(folder)).looks
    return looks


def test_only_undecided_arms_and_the_baseline_get_more(
    study: Study, run: Run, tmp_path: Path
) -> None:
    sweep = Sweep(tmp_path / "a")
    lines = run(sweep)
    assert sweep.plans[0] == dict.fromkeys(KID, 3)
    looks = looks_of(study, tmp_path / "a")
    assert [look.declared for look in looks] == [(3, 5, 7, 10)] * len(looks)
    assert [look.level for look in looks] == [0.00135, 0.0049, 0.0109, 0.0328][: len(looks)]
    assert 1 < len(looks) == len(sweep.plans) == len(lines)
    for before, after, counts in zip(looks, looks[1:], sweep.plans[1:], strict=False):
        grown = {name for name, n in after.replicates.items() if n > before.replicates[name]}
        assert grown == {*before.goes_on, "baseline"}
        assert counts == after.replicates
        assert max(counts.values()) == counts["baseline"]
    assert {name for look in looks for name in look.goes_on} <= {"far", "near", "same"}
    last = looks[-1]
    assert "far" in last.decided
    assert last.replicates["far"] < last.replicates["baseline"]
    assert (last.replicates["null"], last.goes_on) == (3, ())
    # Again it is nothing new.
    text = looks_file(tmp_path / "a").read_bytes()
    again = Sweep(tmp_path / "a")
    assert (run(again), again.plans) == ([], [last.replicates])
    assert looks_file(tmp_path / "a").read_bytes() == text


@pytest.mark.slow
def test_an_arm_that_is_open_in_one_primary_metric_gets_more(tmp_path: Path) -> None:
    """However clear it is in the other one: decided is decided in both."""
    text = TEXT.replace("primary: kid", "primary: [kid, density]")
    (tmp_path / "t.yaml").write_text(text.replace("[kid]", "[kid, density_coverage]"))
    study = load_study(tmp_path / "t.yaml")

    class Both(Sweep):
        def __call__(self, plan: Plan) -> bool:
            self.plans.append(dict(Counter(trial.arm for trial in plan.trials)))
            for trial in plan.trials:
                noise = np.random.default_rng(int(trial.trial_id, 16)).normal(size=2)
                density = 2.0 * (trial.arm == "near") + noise[1]
                kid = 40.0 * (trial.arm in ("far", "near")) + noise[0]
                if not (self.root / trial.trial_id).exists():
                    write_trial(self.root, trial, numbers={"kid": kid, "density": density})
            return True

    sweep = Both(tmp_path)
    run_until_decided(Project(tmp_path), study, None, 6, sweep=sweep, say=lambda _: None)
    plan, looks = looked_plan(study, None, Project(tmp_path).results)
    assert sweep.plans[0] == dict.fromkeys(["baseline", "far", "near", "same", "null"], 3)
    assert len(looks) > 1
    effects = analysis.read_record(
        plan, Project(tmp_path).result(plan), Project(tmp_path).trials
    ).judged
    assert effects["kid"].by_arm["near"].verdict == "worse"
    assert "near" in looks[0].goes_on
    assert "near" not in looks[0].decided


@pytest.mark.parametrize("stop_at", [1, 2])
def test_interrupted_and_started_again_ends_the_same(
    study: Study, run: Run, tmp_path: Path, stop_at: int
) -> None:
    run(Sweep(tmp_path / "a"))
    lines = run(Sweep(tmp_path / "b", stop_at=stop_at), where="b")
    assert len(lines) == len(looks_of(study, tmp_path / "b")) == stop_at - 1
    run(Sweep(tmp_path / "b"), where="b")
    assert looks_of(study, tmp_path / "b") == looks_of(study, tmp_path / "a")


def test_a_schedule_after_a_report_was_seen_has_half_the_level(
    study: Study, run: Run, tmp_path: Path
) -> None:
    plan = expand(study)
    look = look_at(plan, "by hand", dict.fromkeys(KID, 3), 0.05)
    path = looks_file(tmp_path / "a")
    path.parent.mkdir(parents=True)
    path.write_text(looks_csv([look]))
    sweep = Sweep(tmp_path / "a")
    sweep(plan)
    run(sweep)
    first, *looks = looks_of(study, tmp_path / "a")
    assert (first.kind, first.level) == ("by hand", 0.05)
    assert {look.declared for look in looks} == {(5, 7, 10)}
    assert [look.level for look in looks] == [0.00312, 0.00545, 0.0164][: len(looks)]
    assert (sweep.plans[1]["baseline"], min(sweep.plans[1].values())) == (5, 3)


def test_a_schedule_cannot_be_changed_on_the_way_but_followed_by_another(
    study: Study, run: Run, tmp_path: Path
) -> None:
    root = tmp_path / "a"
    with pytest.raises(StudyError, match="--max-replicates 2: the first look needs 3"):
        run(Sweep(root), most=2)
    run(Sweep(root, stop_at=2))
    with pytest.raises(StudyError, match=r"looks at 3, 5, 7, 10 replicates were declared before"):
        run(Sweep(root), most=12)
    run(Sweep(root), most=10)
    before = looks_of(study, root)
    run(Sweep(root, kid=KID | {"near": 1.0}), most=14)
    after = looks_of(study, root)
    assert after[: len(before)] == before
    assert {look.declared[-1] for look in after[len(before) :]} <= {14}
    assert sum(look.level for look in after) <= 0.075


@pytest.mark.parametrize(
    ("kind", "verdict", "arms", "expected"),
    [
        ("curve", CANNOT_TELL, ("far",), True),
        ("curve", OPEN, ("far",), True),
        ("curve", SUPPORTED, ("far",), False),
        ("compare", CANNOT_TELL, ("far",), True),
        ("compare", CANNOT_TELL, ("far", "near"), False),
        ("curve", CANNOT_TELL, ("null",), False),
    ],
)
def test_claims_that_cannot_be_told_feed_their_arms(
    study: Study, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    kind: str, verdict: str, arms: tuple[str, ...], expected: bool,
) -> None:  # fmt: skip
    judged = Judgement(verdict, arms=arms, kind=kind)
    monkeypatch.setattr(analysis, "judge_claims", lambda *_, **__: (judged,))
    sweep = Sweep(tmp_path / "a", kid=KID | {"far": 60.0}, stop_at=2)
    run(sweep)
    look, *_ = looks_of(study, tmp_path / "a")
    assert "far" in look.decided
    assert (arms[0] in look.goes_on) is expected


def test_what_an_arm_is_compared_with_grows_with_it(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(TEXT.replace("same: {g_width: 24}", "same: {g_width: 24, compare_to: far}"))
    sweep = Sweep(tmp_path, kid=KID | {"same": 22.2, "near": 30.0}, stop_at=2)
    run_until_decided(Project(tmp_path), load_study(path), None, None, sweep=sweep, say=print)
    assert sweep.plans[1] == {"baseline": 3, "far": 5, "near": 3, "same": 5, "null": 3}


REAL = """\
study: real
base: {dataset: mnist_5k, network: conv28, g_width: 4, d_width: 4, latent_dim: 8, iterations: 12,
       batch_size: 16, train_images: 256}
ablate: {d_lr: [4.0e-3]}
null_arm: true
replicates: 2
primary: d_loss_mean
metrics: [d_loss]
"""


@pytest.mark.slow
def test_the_command_itself(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text(REAL)
    study = load_study(tmp_path / "real.yaml")
    main = [sys.executable, "-c", "from ganablate.cli import main; main()"]
    command = [*main, "run", "real.yaml", "--until-decided", "--max-replicates", "4"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert "real: look 1 of at most 3 (at 2, 3, 4 replicates)" in done.stdout
    looks = looks_of(study, tmp_path)
    assert looks[0].replicates == {"baseline": 2, "d_lr=0.004": 2, "null": 2}
    assert 1 <= len(looks) <= 3
    assert looks[-1].goes_on == ()
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert looks_of(study, tmp_path) == looks
    table = (tmp_path / "results" / "real" / "full" / "table.md").read_text()
    assert "a wrong verdict at any look has a chance of 5 % at most" in " ".join(table.split())
