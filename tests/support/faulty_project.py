"""A project with a study of two short trials, and a command that prints no traceback in it."""

import subprocess
import sys
from pathlib import Path

STUDY = """
study: small
base: {dataset: mnist_5k, network: dcgan, image_size: 28, g_width: 4, d_width: 4, batch_size: 32,
       iterations: 40, precision: fp32}
ablate: {latent_dim: [10]}
primary: d_loss_mean
metrics: [d_loss]
"""
PROFILE = "threads: 1\nconcurrency: 1\ncheckpoint_seconds: 0.2\nretries: 1\n"


def write_project(folder: Path) -> Path:
    (folder / "studies").mkdir(parents=True)
    (folder / "sweeps").mkdir()
    (folder / "studies" / "small.yaml").write_text(STUDY)
    (folder / "sweeps" / "laptop.yaml").write_text(PROFILE)
    return folder


def ganablate(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    call = "from ganablate.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", call, *arguments],
        cwd=folder, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stdout + done.stderr
    return done
