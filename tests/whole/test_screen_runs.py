"""A real sweep before a real terminal, and the same one in silence."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ganablate.trials.folder import TrialFolder
from tests.support.fences import project_environment

pytestmark = pytest.mark.slow
STUDY = """\
study: tiny
base: {dataset: mnist_5k, network: mlp, latent_dim: 8, epochs: 30, train_images: 2000}
ablate: {criterion: [mse]}
replicates: 2
primary: d_loss_mean
metrics: [d_loss, d_accuracy]
"""
GANABLATE = [sys.executable, "-m", "ganablate"]


def at_a_terminal(command: list[str], folder: Path, seconds: float = 300) -> tuple[int, str]:
    """The exit code of a command in a pseudo-terminal of 100 columns, and all that it wrote."""
    master, slave = pty.openpty()
    environment = {
        **project_environment(), "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "24",
    }  # fmt: skip
    process = subprocess.Popen(
        command, cwd=folder, stdin=slave, stdout=slave, stderr=slave, env=environment
    )
    os.close(slave)
    written, deadline = b"", time.monotonic() + seconds
    while time.monotonic() < deadline:
        if select.select([master], [], [], 0.5)[0]:
            try:
                chunk = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            written += chunk
        elif process.poll() is not None:
            break
    code = process.wait(timeout=30)
    os.close(master)
    return code, written.decode()


def test_a_sweep_before_a_terminal_and_again_in_silence(tmp_path: Path) -> None:
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "tiny.yaml").write_text(STUDY)
    code, written = at_a_terminal([*GANABLATE, "run", "studies/tiny.yaml"], tmp_path)
    assert code == 0, written
    drawn = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written).replace("\r", "")
    assert re.search(r"baseline / 0 +epoch \d+ of 30  D \d", drawn)
    assert re.search(r"[0-4] of 4 trials done, \d running, about \d+ (s|min) left", drawn)
    assert "\x1b[?25h" in written[written.rindex("\x1b[?25l") :], "the cursor is shown again"
    end = drawn[drawn.rindex("4 trials completed") :]
    assert re.search(r"^outcomes: \d (ok|saturated|not assessed)", end, re.MULTILINE)
    assert "| criterion=mse " in end
    assert "next:\n  ganablate compare baseline criterion=mse studies/tiny.yaml" in end
    kept = sorted((tmp_path / "runs" / "trials").iterdir())
    assert len([path for path in kept if TrialFolder(path.parent, path.name).complete]) == 4
    quiet = subprocess.run(
        [*GANABLATE, "run", "studies/tiny.yaml", "--quiet"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, env=project_environment(),
    )  # fmt: skip
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
