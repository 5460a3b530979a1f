"""What libraries log goes to a file, and what we say to the terminal."""

import subprocess
import sys
from pathlib import Path

import pytest

NOISE = """
import logging, sys, warnings
from pathlib import Path
from ganablate.cli.library_log import log_libraries
log_libraries(Path(sys.argv[1]))
if sys.argv[2] == "noise":
    {noise}
logging.getLogger("ganablate.files").warning("a.json cannot be read: taken as absent")
"""
KINDS = {
    "an error with a traceback": (
        "import sqlite3\n    try:\n        1 / 0\n    except ZeroDivisionError:\n"
        "        logging.getLogger('filelock').exception('cannot be locked')",
        "ZeroDivisionError",
    ),
    "a warning": ("warnings.warn('Image size exceeds limit')", "Image size exceeds limit"),
    "mlflow": (
        "from ganablate.tracking.mlflow_store import import_mlflow; import_mlflow()\n"
        "    logging.getLogger('mlflow.store.db').error('(sqlite3.OperationalError) locked')",
        "OperationalError",
    ),
}


@pytest.mark.parametrize(
    ("noise", "text"),
    [pytest.param(*KINDS[name], id=name, marks=[pytest.mark.slow] * (name == "mlflow"))
     for name in KINDS],
)  # fmt: skip
def test_libraries_are_logged_and_we_are_heard(noise: str, text: str, tmp_path: Path) -> None:
    code = NOISE.format(noise=noise)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), "noise"], capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stderr == "warning: a.json cannot be read: taken as absent\n"
    assert text in (tmp_path / "libraries.log").read_text()


def test_without_noise_there_is_no_file(tmp_path: Path) -> None:
    code = NOISE.format(noise="pass")
    subprocess.run([sys.executable, "-c", code, str(tmp_path), "none"], check=True)
    assert list(tmp_path.iterdir()) == []


def test_a_python_without_docstrings_is_a_line() -> None:
    done = subprocess.run(
        [sys.executable, "-OO", "-m", "ganablate", "list"], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        "Python runs without docstrings (-OO, PYTHONOPTIMIZE=2), which libraries need\n"
    )
