"""A clone of the repository in which a user runs, reports and tests: it stays as it was cloned.

Numbers depend on the processor, so a user's differ from the published ones in every digit. Here
trainings in fp32 see to that on any machine, since the published ones were made in bf16.
"""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ganablate.sweep.machine import resolve_precision

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow
PROFILE, LOG = "runs/fp32.yaml", "runs/demo.log"
MODULES = ("tests/repository/test_docs.py", "tests/repository/test_repository.py",
           "tests/test_api.py", "tests/report/test_show.py",
           "tests/report/claims/test_judged.py")  # fmt: skip
"""The tests that read results."""


def called(folder: Path, *command: str) -> str:
    """What a command prints in the clone, which it ends well."""
    clean = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=900,
        env={**clean, "PYTHONPATH": str(folder), "COLUMNS": "80"},
    )  # fmt: skip
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def ganablate(folder: Path, *arguments: str) -> str:
    code = "from ganablate.cli import main; main()"
    return called(folder, sys.executable, "-c", code, *arguments)


def numbers(folder: Path, column: str) -> list[str]:
    with (folder / "trials.csv").open() as file:
        return [row[column] for row in csv.DictReader(file) if row["arm"] == "baseline"]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone, the demo run in it with other digits, and another study at its smallest budget."""
    folder = tmp_path_factory.mktemp("clone") / "ganablate"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    (folder / "runs").mkdir()
    (folder / PROFILE).write_text("precision: fp32\nthreads: 1\n")
    demo = ganablate(folder, "run", "studies/quickstart.yaml", "--sweep", PROFILE)
    (folder / LOG).write_text(demo)
    ganablate(folder, "run", "studies/mnist_ablation.yaml", "--budget", "smoke")
    ganablate(folder, "report")
    ganablate(folder, "report", "--published")
    return folder


def test_nothing_that_is_committed_has_changed(clone: Path) -> None:
    assert called(clone, "git", "status", "--porcelain") == ""
    assert (clone / "results" / "quickstart" / "full" / "report.html").exists()
    assert (clone / "results" / "mnist_ablation" / "smoke" / "table.md").exists()


def test_the_local_numbers_are_others_and_both_stand_in_the_report(clone: Path) -> None:
    local = clone / "results" / "quickstart" / "full"
    published = clone / "results" / "published" / "quickstart" / "full"
    if resolve_precision("auto", "cpu") == "bf16":
        for column in ("fid", "d_loss_mean"):
            assert set(numbers(local, column)).isdisjoint(numbers(published, column))
    assert "**Replication of the published record**" in (local / "table.md").read_text()
    assert "**Replication" not in (published / "table.md").read_text()


def test_the_closing_lines_fit_a_screen(clone: Path) -> None:
    lines = (clone / LOG).read_text().splitlines()
    closing = lines[next(n for n, line in enumerate(lines) if line.startswith("quickstart at")) :]
    assert len(closing) <= 23
    assert max(map(len, closing)) <= 80
    assert any(line.startswith("Replication of the published record, by FID:") for line in closing)


def test_the_tests_pass_beside_local_results(clone: Path) -> None:
    tests = [str(clone / module) for module in MODULES]
    assert all(Path(module).exists() for module in tests)
    called(clone, sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *tests)
    shutil.rmtree(clone / "runs")
    assert called(clone, "git", "status", "--porcelain") == ""
