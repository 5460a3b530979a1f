"""The figures of the benchmarks, as `benchmarks/everything.py --save` left them."""

import json
from pathlib import Path

from docs.made.markdown import table

_WORDS = ("target", "verdict", "beside")
FIGURES = Path(__file__).parents[2] / "benchmarks" / "figures.json"


def benchmark_figures() -> str:
    """The table, and the machine below it."""
    saved = json.loads(FIGURES.read_text(encoding="utf-8"))
    rows = (
        [one["what"], f"{one['value']:,.4g} {one['unit']}", *(one[key] for key in _WORDS)]
        for part in saved["parts"].values()
        for one in part
    )
    facts = saved["machine"]
    return (
        table(["Figure", "Ours", "Target", "", "Beside"], rows)
        + f"Taken on {facts['date']} in {saved['minutes']} minutes on {facts['cores']} cores of "
        f"an {facts['processor']} with {facts['memory_gib']} GiB, load "
        f"{facts['load_before']:.1f} before; Python {facts['python']}, torch {facts['torch']}, "
        f"Ray {facts['ray']}, MLflow {facts['mlflow']}.\n\n"
    )
