"""MLflow made again from the trial folders: `track`, and what heals by itself."""

import shutil
from pathlib import Path

import pytest

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.tracking import MlflowTracker, TrackedTrial, rebuild, resolve_uri
from ganablate.trials.folder import TrialFolder
from tests.support.command import invoke
from tests.support.in_memory_mlflow import InMemoryMlflow
from tests.support.tiny_study import write_tiny
from tests.support.tracked import look_mlflow, runs_with, tracked, write_block, write_end

slow = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # MLflow's own warnings are none of ours
]


def five_trials(folder: Path) -> list[TrackedTrial]:
    """Complete, failed, begun, never begun, and one that another process works on."""
    found = [tracked(folder, letter * 16) for letter in "abcde"]
    write_block(found[0], 10)
    write_end(found[0], 10)
    for one in (found[1], found[2], found[4]):
        one.folder.open(one.trial)
        one.folder.begin_attempt({"started_ms": 77})
        write_block(one, 10)
    found[1].folder.write_failure(1, "ValueError: no", "Traceback ...")
    return found


def test_each_state_is_sent_as_what_it_is(tmp_path: Path, in_memory: InMemoryMlflow) -> None:
    trials = five_trials(tmp_path)
    with trials[4].folder.claim():
        assert rebuild(trials, resolve_uri(tmp_path), tmp_path, pytest.fail) == 3
    assert statuses(in_memory) == {"a": "FINISHED", "b": "FAILED", "c": "KILLED"}
    failed = look_mlflow(tmp_path, in_memory)["cpu", "b" * 16]
    assert failed.tags["ganablate.failure"] == "ValueError: no"


def test_a_trial_that_is_not_taken_is_a_line_and_the_others_go_on(
    tmp_path: Path, in_memory: InMemoryMlflow
) -> None:
    in_memory.refused = {"b" * 16}
    warnings: list[str] = []
    uri = resolve_uri(tmp_path)
    assert rebuild(five_trials(tmp_path)[:3], uri, tmp_path, warnings.append) == 2
    assert statuses(in_memory) == {"a": "FINISHED", "c": "KILLED"}
    (line,) = warnings
    assert line.startswith(f"MLflow did not take trial {'b' * 16}: OSError: ")
    assert "secret" not in line


def test_a_store_that_takes_nothing_is_given_up(tmp_path: Path, in_memory: InMemoryMlflow) -> None:
    trials = [tracked(tmp_path, f"{number:016d}") for number in range(9)]
    for one in trials:
        write_end(one)
    in_memory.refused = {one.trial.trial_id for one in trials}
    warnings: list[str] = []
    assert rebuild(trials, resolve_uri(tmp_path), tmp_path, warnings.append) == 0
    assert len(warnings) == 6
    assert warnings[-1] == "MLflow is given up"


def statuses(client: InMemoryMlflow) -> dict[str, str]:
    """The first letter of each trial's id, and the status of its run."""
    return {key[1][0]: seen.status for key, seen in look_mlflow(Path(), client).items()}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    write_tiny(ablate="[4]")
    return tmp_path


def test_the_command_sends_every_budget_and_tells_what_went_wrong(
    project: Path, in_memory: InMemoryMlflow
) -> None:
    code, out, _ = invoke("track", "tiny.yaml")
    assert (code, "nothing to send" in out) == (0, True)
    study = load_study(Path("tiny.yaml"))
    for budget in ("full", "smoke"):
        trial = expand(study, budget).trials[0]
        folder = TrialFolder(Path("runs/trials"), trial.trial_id)
        folder.open(trial)
        folder.write_complete({"outcome": None})
    code, out, err = invoke("track", "tiny.yaml")
    assert (code, err) == (0, "")
    assert "2 trials sent to MLflow" in out
    code, out, _ = invoke("track", "tiny.yaml", "--budget", "smoke")
    assert "1 trial sent" in out
    in_memory.refused = {expand(study, "full").trials[0].trial_id}
    in_memory.runs.clear()
    code, out, err = invoke("track", "tiny.yaml")
    assert (code, "1 trial sent" in out) == (1, True)
    assert "did not take trial" in err
    code, _, err = invoke("track", "tiny.yaml", "--tracking-uri", "nonsense")
    assert code == 2
    assert "--tracking-uri" in err


class TestMlflow:
    """With the real store."""

    pytestmark = slow

    def test_a_lost_database_is_made_again(self, tmp_path: Path, fresh_database: Path) -> None:
        warnings: list[str] = []
        trials = five_trials(tmp_path)[:3]
        for name in ("kept", "lost"):
            (tmp_path / name).mkdir()
        kept = runs_with(fresh_database, tmp_path / "kept")
        tracker = MlflowTracker(resolve_uri(kept), kept, warnings.append)
        for one in trials:
            tracker.started(one)
            tracker.blocks(one, one.folder.blocks())
        tracker.completed(trials[0])
        tracker.failed(trials[1], "ValueError: no")
        tracker.close()

        lost = runs_with(fresh_database, tmp_path / "lost")
        for _ in range(2):  # the second time changes nothing
            assert rebuild(trials, resolve_uri(lost), lost, warnings.append) == 3
            assert simple(lost) == simple(kept)
        assert rebuild(trials, resolve_uri(kept), kept, warnings.append) == 3
        assert simple(kept) == simple(lost)
        assert warnings == []

    def test_a_run_without_an_outcome_gets_it(self, tmp_path: Path, fresh_database: Path) -> None:
        import mlflow

        one = tracked(tmp_path)
        write_end(one)
        runs = runs_with(fresh_database, tmp_path)
        complete(one, runs)
        client = mlflow.MlflowClient(tracking_uri=resolve_uri(runs))
        experiment = client.get_experiment_by_name("digits")
        found = client.search_runs([experiment.experiment_id])
        (run,) = [r for r in found if r.data.tags["ganablate.kind"] == "trial"]
        outcome = run.data.tags["ganablate.outcome"]
        for name in ("ganablate.outcome", "ganablate.outcome_because"):
            client.delete_tag(run.info.run_id, name)
        shutil.rmtree(runs / "records")  # a version that told no outcome kept none
        complete(one, runs)  # as `run` tells of a trial that is reused
        assert client.get_run(run.info.run_id).data.tags["ganablate.outcome"] == outcome


def complete(one: TrackedTrial, runs: Path) -> None:
    tracker = MlflowTracker(resolve_uri(runs), runs, pytest.fail)
    tracker.completed(one)
    tracker.close()


def simple(runs: Path) -> object:
    """What a store holds, without the names of its own runs."""
    return {
        key: (
            seen.status, seen.params, seen.points, seen.artifacts,
            {name: tag for name, tag in seen.tags.items() if name.startswith("ganablate.")},
        )
        for key, seen in look_mlflow(runs).items()
    }  # fmt: skip
