"""Claims that only looking can judge: where to look."""

from ganablate.report.claims.finding import Evidence, Finding
from ganablate.report.claims.judgement import SHOWN
from ganablate.study.claims.claims import Visual

FIGURES = {
    "samples": "figures/samples.png",
    "curves": "figures/losses.png",
    "walk": "figures/walk.png",
    "filters": "figures/filters.png",
    "arithmetic": "figures/arithmetic.png",
    "animation": "animation.gif of each trial under runs/trials",
}
"""What a claim shows -> where it is, from the folder of the study's results."""


def judge_visual(evidence: Evidence, statement: Visual) -> Finding:
    """Shown, not judged: the name of the figure."""
    return Finding(SHOWN, f"See {FIGURES[statement.show]}", evidence.named(statement.named))
