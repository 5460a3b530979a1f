"""Parts of one's own that leave, vanish, hang or print, in a real sweep beside a healthy arm."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plugins import forget_plugins, load_plugins
from ganablate.sweep.profile import Profile
from ganablate.sweep.runner import run_sweep
from ganablate.tracking import NoTracker
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import state_of
from tests.support.plugin_files import BAD, write
from tests.support.sweep_cases import Diary

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # Ray's own warnings are none of ours
]

STUDY = """
study: bad
base: {dataset: mnist_5k, network: dcgan, image_size: 28, g_width: 4, d_width: 4, batch_size: 32,
       iterations: 40, precision: fp32, criterion: bce}
ablate: {criterion: [hangs, exits, vanishes, prints]}
primary: d_loss_mean
metrics: [d_loss]
"""


class _Impatient(Diary):
    """Presses Ctrl-C once all that can end has ended, and what hangs was told."""

    def progressed(self, arm: str, replicate: int, progress: object) -> None:
        pass

    def warned(self, message: str) -> None:
        super().warned(message)
        if len(self.of("completed")) == 2 and "has not moved" in message:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[None]:
    load_plugins([str(write(tmp_path, BAD))])
    yield
    forget_plugins()


@pytest.mark.usefixtures("plugin")
def test_bad_parts_cost_their_own_trials_and_each_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ganablate.sweep.runner.STANDSTILL_SECONDS", 4.0)
    (tmp_path / "bad.yaml").write_text(STUDY)
    plan = expand(load_study(tmp_path / "bad.yaml"))
    diary = _Impatient()
    summary = run_sweep(
        [plan],
        Profile(retries=0, concurrency=2, threads=1),
        observer=diary,
        tracker=NoTracker(),
        runs=tmp_path / "runs",
    )
    lines = BAD.splitlines()
    exits, hangs = lines.index("    sys.exit(3)") + 1, lines.index("        time.sleep(0.1)") + 1
    assert (summary.complete, summary.failed, summary.interrupted) == (2, 2, True)
    assert {failure.arm: failure.message for failure in summary.failures} == {
        "criterion=exits": f"SystemExit: 3, at my_losses.py:{exits} in exits",
        "criterion=vanishes": "the worker process died: killed, out of memory, or by os._exit",
    }
    assert any(
        line.startswith("criterion=hangs / 0 has not moved for ")
        and line.endswith(f" s, at my_losses.py:{hangs} in hangs")
        for (line,) in diary.of("warned")
    )
    trials = {trial.arm: trial for trial in plan.trials}
    states = {arm: state_of(trial, tmp_path / "runs" / "trials") for arm, trial in trials.items()}
    assert states == {
        "baseline": "complete", "criterion=prints": "complete", "criterion=hangs": "pending",
        "criterion=exits": "failed", "criterion=vanishes": "failed",
    }  # fmt: skip
    folder = TrialFolder(tmp_path / "runs" / "trials", trials["criterion=prints"].trial_id)
    assert (folder.path / "output.log").read_text() == "to stdout\nto stderr\n"
    assert "to std" not in "".join(capfd.readouterr())
