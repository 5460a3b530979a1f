"""Real Ray sweeps with attempts that train nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ganablate.study.plan import Plan
from ganablate.sweep.estimate import Cost, Costs, work_of
from ganablate.sweep.events import Summary
from ganablate.sweep.job import Job
from ganablate.sweep.profile import Profile
from ganablate.tracking import NoTracker, TrackedTrial
from ganablate.trials.needs import Measurements, measurements_of, state_of
from tests.support.fake_attempts import NoOpAttempt
from tests.support.paths import ROOT
from tests.support.sweep_cases import Diary, plan

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # Ray's own warnings are none of ours
]


class Recorder(NoTracker):
    """A tracker that notes what became of trials."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str]] = []
        self.closed = False

    def completed(self, tracked: TrackedTrial) -> None:
        self.calls.append(("completed", tracked.study, tracked.trial.arm))

    def failed(self, tracked: TrackedTrial, message: str) -> None:
        self.calls.append(("failed", tracked.study, tracked.trial.arm))

    def close(self) -> None:
        self.closed = True


def sweep(
    plans: Sequence[Plan],
    profile: Profile,
    runs: Path,
    attempt: str = "telltale",
    tracker: NoTracker | None = None,
) -> tuple[Summary, Diary]:
    """Run a sweep with attempts of this name; how it ended, and what its observer heard."""
    from ganablate.sweep.runner import run_sweep

    diary = Diary()
    summary = run_sweep(
        plans, profile, observer=diary, tracker=tracker or NoTracker(), runs=runs,
        attempt=f"tests.support.fake_attempts:{attempt}",
    )  # fmt: skip
    return summary, diary


def test_one_arm_fails_one_worker_is_killed_and_the_rest_completes(tmp_path: Path) -> None:
    arms = ["baseline", "broken", "mortal", "last"]
    recorder = Recorder()
    runs = tmp_path / "runs"
    made = plan(arms, replicates=2)
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    profile = Profile(retries=1, concurrency=2, threads=3)
    summary, diary = sweep([made], profile, runs, tracker=recorder)
    assert (summary.complete, summary.failed, summary.reused) == (6, 2, 0)
    assert not summary.interrupted
    assert recorder.closed

    assert diary.of("started") == [(8, 0)]
    completed = {(arm, replicate) for arm, replicate, outcome in diary.of("completed")}
    assert completed == {(a, r) for a in arms if a != "broken" for r in (0, 1)}
    assert {line[2] for line in diary.of("completed")} == {"ok"}

    message = "ValueError: the optimizer is upside down"
    failed = diary.of("failed")
    for replicate in (0, 1):
        broken = [line for line in failed if line[:2] == ("broken", replicate)]
        assert broken == [
            ("broken", replicate, 1, message, True),
            ("broken", replicate, 2, message, False),
        ]
        mortal = [line for line in failed if line[:2] == ("mortal", replicate)]
        assert [line[2:] for line in mortal] == [
            (1, "the worker process died: killed, out of memory, or by os._exit", True)
        ]
    assert {call[2] for call in recorder.calls if call[0] == "failed"} == {"broken"}
    assert all(state_of(t, runs / "trials") == "complete" for t in made.trials if t.arm != "broken")

    notes = [path.read_text().split() for path in (runs / "attempts").iterdir()]
    assert len(notes) == 2 + 4 + 4 + 2
    assert {threads for _, threads, _ in notes} == {"3"}
    assert {folder for _, _, folder in notes} == {str(Path.cwd())}
    assert handlers == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert not list(Path("/tmp").glob(f"ganablate-ray-*/session_*_{os.getpid()}"))


def test_trials_shared_by_studies_run_once_and_workers_are_reused(tmp_path: Path) -> None:
    first = plan(["baseline", "other"], replicates=6)
    second = replace(plan(["baseline"], replicates=6), study="again")
    done = first.trials[3]
    job = Job(
        trial=done, wanted=Measurements(("fid",)), trials_root=tmp_path / "trials", cache=tmp_path,
        data_root=None, device="cpu", precision="fp32", threads=1, checkpoint_seconds=1,
    )  # fmt: skip
    NoOpAttempt(job).advance()
    recorder = Recorder()
    summary, diary = sweep([first, second], Profile(concurrency=2), tmp_path, tracker=recorder)
    assert (summary.complete, summary.failed, summary.reused) == (11, 0, 1)
    assert diary.of("started") == [(12, 1)]
    finished = [call for call in recorder.calls if call[0] == "completed"]
    assert finished.count(("completed", "small", "baseline")) == 6
    assert finished.count(("completed", "again", "baseline")) == 6
    assert finished.count(("completed", "small", "other")) == 6
    notes = [path.read_text().split() for path in (tmp_path / "attempts").iterdir()]
    assert len(notes) == 11
    assert len({pid for pid, *_ in notes}) == 2  # a worker is started once, however many trials


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_the_sweep_and_leaves_no_process(
    tmp_path: Path, number: signal.Signals
) -> None:
    process = start_slow_sweep(tmp_path)
    began = time.monotonic()
    process.send_signal(number)
    output, errors = process.communicate(timeout=40)
    assert process.returncode == 0, errors
    assert "interrupted=True" in output
    assert time.monotonic() - began < 20
    workers = [int(path.name) for path in (tmp_path / "pids").iterdir()]
    assert len(workers) == 2
    assert not [pid for pid in workers if alive(pid)]
    assert not children_of_session(process.pid)
    (line,) = [line for line in (output + errors).splitlines() if line != "working"]
    assert line.startswith("Summary(")


def test_workers_of_a_killed_driver_end_soon_and_a_restart_is_not_disturbed(
    tmp_path: Path,
) -> None:
    process = start_slow_sweep(tmp_path)
    process.kill()
    process.communicate()
    plans = [plan(["baseline", "other"], replicates=2)]
    summary, _ = sweep(plans, Profile(concurrency=2), tmp_path, attempt="no_op")
    assert (summary.complete, summary.failed) == (4, 0)
    workers = [int(path.name) for path in (tmp_path / "pids").iterdir()]
    assert not [pid for pid in workers if alive(pid)]


def start_slow_sweep(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.run_slow_sweep", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while len(list((folder / "pids").glob("*"))) < 2:
        assert time.monotonic() < deadline, "the sweep did not start"
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    time.sleep(0.5)
    return process


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children_of_session(session: int) -> list[str]:
    """Processes of the session that `start_new_session` made, zombies left out."""
    names = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = rest.split()
        if int(fields[3]) == session and fields[0] != "Z":
            names.append(name)
    return names


def test_trials_run_replicate_by_replicate(tmp_path: Path) -> None:
    made = plan(["baseline", "other"], replicates=6)
    profile = Profile(concurrency=2)
    runs = tmp_path / "runs"
    costs = Costs(runs, profile)
    wanted = measurements_of([made])
    for trial, seconds in ((made.trials[0], 0.1), (made.trials[-1], 1.0)):
        costs.keep(work_of(trial, wanted[trial.trial_id]), Cost(iteration=seconds))
    assert sweep([made], profile, runs)[0].complete == 12
    notes = sorted((runs / "attempts").iterdir(), key=lambda note: note.stat().st_mtime_ns)
    replicates = [int(note.stem.rpartition("-")[2]) for note in notes]
    # Four trials wait at a time, among which Tune chooses as it likes.
    assert set(replicates[:2]) <= {0, 1}
    assert sum(replicates[:6]) < sum(replicates[6:]) - 9
