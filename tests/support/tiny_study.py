"""A study of a few trials, where a test needs one and does not care which."""

from pathlib import Path

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plan import Plan

TINY = """\
study: tiny
base: {dataset: mnist_5k, network: mlp, latent_dim: 8, epochs: 1}
ablate: {latent_dim: [4, 16]}
replicates: 2
primary: fid
metrics: [fid]
budgets: {smoke: {train_images: 256}}
"""


def write_tiny(*, name: str = "tiny", ablate: str = "[4, 16]", replicates: int = 2) -> Plan:
    """Write it as NAME.yaml in the working folder; its plan at the budget full."""
    text = TINY.replace("tiny", name).replace("[4, 16]", ablate)
    path = Path(f"{name}.yaml")
    path.write_text(text.replace("replicates: 2", f"replicates: {replicates}"))
    return expand(load_study(path))
