"""The command line in this process, and a study to try it on."""

from pathlib import Path

from typer.testing import CliRunner

from ganablate.cli import app

GOOD = """\
study: tiny
base: {dataset: mnist_5k, network: mlp, latent_dim: 8, epochs: 1}
ablate: {latent_dim: [4, 16], criterion: [mse]}
replicates: 2
primary: fid
metrics: [fid]
budgets: {smoke: {train_images: 256}}
"""


def invoke(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.stdout, result.stderr


def everything_under(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
