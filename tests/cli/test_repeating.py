"""`run --force` and `run --retry-failed`: what is put aside, what runs, and what is refused."""

import json
import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import ganablate
from ganablate.project import run as running
from ganablate.project import until_decided as adaptive
from ganablate.project.folders import Project
from ganablate.project.run import Execution
from ganablate.report.files import ReportFiles
from ganablate.study.load import load_study
from ganablate.study.plan import Plan
from ganablate.study.schema import Study
from ganablate.sweep.events import Summary
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import state_of
from ganablate.trials.weights import networks_in
from tests.support.command import everything_under, invoke
from tests.support.real_project import (
    STUDY,
    rows,
    run,
    values_per_step,
    write_project,
)
from tests.support.real_project import ganablate as command
from tests.support.tiny_study import TINY, write_tiny

ROOT = Path("runs/trials")
Looked = Callable[[Plan], bool]


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.chdir(tmp_path)
    return write_tiny()


@pytest.fixture
def swept(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """The plans that a sweep is asked for; nothing is trained."""
    asked: list[Plan] = []

    def sweep(_: Execution, plans: Sequence[Plan]) -> Summary:
        asked.extend(plans)
        return ended()

    monkeypatch.setattr(Execution, "sweep", sweep)
    monkeypatch.setattr(running, "prepare", lambda *_: {})
    files = ReportFiles(Path("results"), (), ())
    monkeypatch.setattr(running, "write_report", lambda *_, **__: files)
    return asked


def ended(complete: int = 0, *, failed: int = 0, reused: int = 0, stopped: bool = False) -> Summary:
    return Summary(
        complete=complete, failed=failed, reused=reused, interrupted=stopped, wall_seconds=1.0
    )


def finish(plan: Plan, *indices: int) -> list[TrialFolder]:
    folders = [TrialFolder(ROOT, plan.trials[index].trial_id) for index in indices]
    for index, folder in zip(indices, folders, strict=True):
        folder.open(plan.trials[index])
        folder.write_complete({"outcome": None, "data_fingerprint": "aa"})
    return folders


def states(plan: Plan) -> list[str]:
    return [state_of(trial, ROOT) for trial in plan.trials]


def test_python_forces_and_retries_as_the_command_does(plan: Plan, swept: list[Plan]) -> None:
    study = load_study(Path("tiny.yaml"))
    (folder,) = finish(plan, 2)
    summary = ganablate.run(study, retry_failed=True)
    assert (summary.complete, summary.failed, summary.reused, swept) == (0, 0, 0, [])
    with pytest.raises(ValueError, match=r"--force: .*did you mean latent_dim=4\?"):
        ganablate.run(study, force=["latent_dim=5"])
    with pytest.raises(ValueError, match="runs what failed and nothing else"):
        ganablate.run(study, force=["latent_dim=4"], retry_failed=True)
    assert folder.path.exists()
    ganablate.run(study, force=["latent_dim=4"], quiet=True)
    assert states(plan) == ["pending"] * 6
    assert (ROOT / f"{folder.trial_id}.stale-1").exists()
    assert len(swept[0].trials) == 6


def test_python_adds_replicates_until_arms_are_decided(
    plan: Plan, swept: list[Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two looks: what the second sweep finds complete was trained by the first."""
    asked: list[object] = []

    def looks(_: Project, study: Study, *how: object, sweep: Looked, **__: object) -> None:
        asked.extend([study.name, *how])
        assert sweep(plan)
        assert not sweep(plan)

    first, second = ended(4, reused=2), ended(2, reused=6, failed=1)
    summaries = iter([first, second])
    monkeypatch.setattr(Execution, "sweep", lambda *_: next(summaries))
    monkeypatch.setattr(adaptive, "run_until_decided", looks)
    study = load_study(Path("tiny.yaml"))
    found = ganablate.run(study, until_decided=True, max_replicates=7, quiet=True)
    assert asked == ["tiny", None, 7]
    assert (found.complete, found.reused, found.failed, found.wall_seconds) == (6, 2, 1, 2.0)
    with pytest.raises(ValueError, match="chooses arms and replicates itself"):
        ganablate.run(study, until_decided=True, replicates=3)


def test_what_cannot_be_read_is_raised_in_python_and_exit_code_2_of_the_command(
    plan: Plan, swept: list[Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    def looks(*_: object, **__: object) -> None:
        raise ValueError("looks.csv: no csv file")

    monkeypatch.setattr(adaptive, "run_until_decided", looks)
    with pytest.raises(ValueError, match=r"looks\.csv: no csv file"):
        ganablate.run(load_study(Path("tiny.yaml")), until_decided=True, quiet=True)
    code, _, err = invoke("run", "tiny.yaml", "--until-decided")
    assert (code, "looks.csv: no csv file" in err) == (2, True)


@pytest.mark.parametrize(
    ("summary", "whole", "code"),
    [(ended(), True, 0), (ended(), False, 1), (ended(stopped=True), False, 130)],
)
def test_a_search_comes_first_and_one_without_an_end_ends_the_run(
    plan: Plan, swept: list[Plan], monkeypatch: pytest.MonkeyPatch,
    summary: Summary, whole: bool, code: int,
) -> None:  # fmt: skip
    Path("tiny.yaml").write_text(f"{TINY}search: {{lr: {{log_uniform: [1e-4, 1e-2]}}}}\n")

    def search(_: Execution, study: Study, __: Plan) -> tuple[Summary, Study, bool]:
        assert swept == []
        return summary, study, whole

    monkeypatch.setattr(Execution, "search", search)
    assert invoke("run", "tiny.yaml", "--retry-failed")[0] == 0  # searches nothing
    assert invoke("run", "tiny.yaml")[0] == code
    assert len(swept) == whole


def test_a_trial_or_an_arm_is_put_aside_and_nothing_of_it_is_lost(
    plan: Plan, swept: list[Plan]
) -> None:
    folders = finish(plan, 0, 1, 2, 3, 4)
    old = (folders[1].path / "complete.json").read_bytes()
    code, out, err = invoke(
        "run", "tiny.yaml", "--force", plan.trials[1].trial_id, "--force", "latent_dim=4"
    )
    assert code == 0, err
    assert states(plan) == ["complete", "pending", "pending", "pending", "complete", "pending"]
    assert (ROOT / f"{folders[1].trial_id}.stale-1" / "complete.json").read_bytes() == old
    assert f"{folders[1].trial_id} (kept as {folders[1].trial_id}.stale-1)" in out
    assert len(swept[0].trials) == 6  # as without --force: whatever is not complete


def test_when_the_time_is_up_it_says_what_is_left_and_how_it_goes_on(
    plan: Plan, swept: list[Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[float] = []

    def sweep(execution: Execution, plans: Sequence[Plan]) -> Summary:
        limits.append(execution.stop_at - time.monotonic())
        return replace(ended(2, stopped=True), out_of_time=True)

    monkeypatch.setattr(Execution, "sweep", sweep)
    finish(plan, 0, 2)
    options = ["--budget", "full", "--for", "1h", "--arm", "latent_dim=4", "--arm", "baseline"]
    code, out, _ = invoke("run", "tiny.yaml", *options, "--force", plan.trials[0].trial_id)
    assert code == 75
    assert limits[0] == pytest.approx(3540, abs=30)
    *_, left, then = out.splitlines()
    assert left == "left: 3 of 4 trials of tiny at full"
    assert then == (
        "next: ganablate run tiny.yaml --budget full --for 1h --arm latent_dim=4 --arm baseline"
    )
    assert invoke("run", "tiny.yaml", "--for", "10m", "--until-decided")[0] == 75
    for wrong, words in {"2x": "such as 2h", "59s": "at least 60 s"}.items():
        code, out, err = invoke("run", "tiny.yaml", "--for", wrong)
        assert (code, out, len(err.splitlines()), words in err) == (2, "", 1, True)


def test_a_name_that_is_none_is_refused_before_anything(plan: Plan, swept: list[Plan]) -> None:
    finish(plan, 0)
    before = everything_under(Path())
    code, out, err = invoke(
        "run", "tiny.yaml", "--force", "latent_dim=5", "--force", "baseline", "--force", "f" * 16
    )
    assert (code, out) == (2, "")
    first, second = err.splitlines()
    assert "did you mean latent_dim=4?" in first
    assert "is not an arm or the id of a trial here" in second
    code, _, err = invoke("run", "tiny.yaml", "--arm", "latent_dim=4", "--force", "latent_dim=16")
    assert (code, "latent_dim=16" in err) == (2, True)  # --arm leaves it out
    assert everything_under(Path()) == before
    assert swept == []


def _hold(root: Path, trial_id: str, ready: multiprocessing.Event) -> None:
    with TrialFolder(root, trial_id).claim():
        ready.set()
        time.sleep(60)


def test_a_trial_that_is_being_run_is_not_forced(plan: Plan, swept: list[Plan]) -> None:
    folders = finish(plan, 0, 1)
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=_hold, args=(ROOT.resolve(), folders[1].trial_id, ready))
    holder.start()
    assert ready.wait(60)
    code, _, err = invoke("run", "tiny.yaml", "--force", "baseline")
    holder.kill()
    holder.join()
    assert (code, swept) == (2, [])
    assert err.strip() == f"--force: trial {folders[1].trial_id} is being run by another process"
    assert all(folder.path.exists() for folder in folders)


def test_only_what_failed_is_retried(plan: Plan, swept: list[Plan]) -> None:
    finish(plan, 0)
    code, out, _ = invoke("run", "tiny.yaml", "--retry-failed")
    assert (code, swept) == (0, [])
    assert "no trial of these studies failed" in out
    for index in (2, 5):
        folder = TrialFolder(ROOT, plan.trials[index].trial_id)
        folder.open(plan.trials[index])
        folder.write_failure(1, "ValueError: no", "Traceback ...")
    code, _, err = invoke("run", "tiny.yaml", "--retry-failed")
    assert code == 0, err
    (asked,) = swept
    assert list(asked.trials) == [plan.trials[2], plan.trials[5]]


@pytest.mark.parametrize("other", [["--force", "baseline"], ["--until-decided"]])
def test_retry_failed_runs_nothing_else(plan: Plan, swept: list[Plan], other: list[str]) -> None:
    code, _, err = invoke("run", "tiny.yaml", "--retry-failed", *other)
    assert (code, swept) == (2, [])
    assert "runs what failed and nothing else" in err


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # MLflow's own warnings are none of ours
def test_two_studies_train_their_baseline_once_and_force_trains_it_again(tmp_path: Path) -> None:
    """With the real command, Ray and MLflow."""
    base = {**STUDY["base"], "iterations": 40}
    study = {**STUDY, "base": base, "ablate": {"latent_dim": [10]}, "metrics": ["fid"]}
    folder = write_project(tmp_path, study)
    run(folder)
    (folder / "sweeps" / "bare.yaml").write_text("concurrency: 2\nkeep: generator\n")
    other = {**study, "study": "other", "ablate": {"norm": ["none"]}}
    (folder / "studies" / "other.yaml").write_text(json.dumps(other))
    done = command(folder, "run", "studies/other.yaml", "--sweep", "sweeps/bare.yaml")
    assert done.returncode == 0, done.stderr
    assert "2 trials completed, 2 reused" in done.stdout
    status = command(folder, "status", "studies/other.yaml").stdout
    assert "2 trials of arm baseline trained by study small at budget full" in status

    # The profile's `keep` was applied to what this sweep trained, and to nothing else.
    trials = folder / "runs" / "trials"
    by_arm = {row["trial_id"]: row["arm"] for row in rows(folder)}
    files = {path.parent.name: path for path in trials.glob("*/weights.safetensors")}
    assert len(files) == 6
    for id_, path in files.items():
        both = {"generator", "discriminator"} if id_ in by_arm else {"generator"}
        assert networks_in(path) == both

    weights = {id_: (trials / id_ / "weights.safetensors").read_bytes() for id_ in by_arm}
    done = command(folder, "run", "studies/small.yaml", "--force", "baseline")
    assert done.returncode == 0, done.stderr
    assert "2 trials completed, 2 reused" in done.stdout
    for id_, arm in by_arm.items():
        assert (trials / f"{id_}.stale-1").exists() == (arm == "baseline")
        assert (trials / id_ / "weights.safetensors").read_bytes() == weights[id_]
    assert values_per_step(folder) == {1}

    # MLflow is lost, and made again from the folders.
    (folder / "runs" / "mlflow.db").unlink()
    done = command(folder, "track", "studies/small.yaml", "studies/other.yaml")
    assert done.returncode == 0, done.stderr
    assert "8 trials sent" in done.stdout
    assert values_per_step(folder) == {1}
    assert len(tracked(folder)) == 8
    done = command(folder, "track", "studies/small.yaml")
    assert done.returncode == 0, done.stderr
    assert values_per_step(folder) == {1}
    assert len(tracked(folder)) == 8


def tracked(folder: Path) -> list[str]:
    """The outcome of each trial's run that is not stale, or why it is not known."""
    mlflow = pytest.importorskip("mlflow")
    client = mlflow.MlflowClient(f"sqlite:///{folder / 'runs' / 'mlflow.db'}")
    found = client.search_runs([e.experiment_id for e in client.search_experiments()])
    tags = [one.data.tags for one in found if "ganablate.trial_id" in one.data.tags]
    shown = [one for one in tags if one["ganablate.state"] != "stale"]
    return [one.get("ganablate.outcome") or one["ganablate.outcome_because"] for one in shown]


@pytest.mark.parametrize(
    ("first", "asked", "code"),
    [
        (ended(failed=1), ["tiny", "other"], 1),
        (ended(stopped=True), ["tiny"], 130),
        (ended(), ["tiny", "other"], 0),
    ],
    ids=["a trial failed", "interrupted", "well"],
)
def test_until_decided_goes_on_with_the_next_study(
    plan: Plan, swept: list[Plan], monkeypatch: pytest.MonkeyPatch,
    first: Summary, asked: list[str], code: int,
) -> None:  # fmt: skip
    write_tiny(name="other")
    summaries = iter([first, ended()])
    seen: list[str] = []

    def looks(_: Project, study: Study, *__: object, sweep: Looked, **___: object) -> None:
        seen.append(study.name)
        sweep(plan)

    monkeypatch.setattr(Execution, "sweep", lambda *_: next(summaries))
    monkeypatch.setattr(adaptive, "run_until_decided", looks)
    found, _, _ = invoke("run", "tiny.yaml", "other.yaml", "--until-decided")
    assert (found, seen) == (code, asked)
