"""The LaTeX table in a real LaTeX, with the two packages that its first line asks for."""

import shutil
import subprocess
from pathlib import Path

import pytest

PDFLATEX = shutil.which("pdflatex")
GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "table.tex"
DOCUMENT = r"""\documentclass{article}
\usepackage{booktabs}
\usepackage[T1]{fontenc}
\begin{document}
\input{table}
\end{document}
"""


@pytest.mark.slow
@pytest.mark.skipif(PDFLATEX is None, reason="no pdflatex is installed")
def test_the_table_compiles(tmp_path):
    shutil.copy(GOLDEN, tmp_path / "table.tex")
    (tmp_path / "document.tex").write_text(DOCUMENT)
    done = subprocess.run(
        [PDFLATEX, "-interaction=nonstopmode", "-halt-on-error", "document.tex"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Missing character" not in done.stdout
    assert (tmp_path / "document.pdf").stat().st_size > 10_000
