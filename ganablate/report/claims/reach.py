"""What a verdict is about: the report's statement, or the smaller training that we ran.

A verdict on a report needs trainings that come near to its own: at least half of its generator
updates, of the images seen, of the distinct ones, and of the widths of the nets, in every arm that
the claim names or that these are compared with. Below that it says what was seen, and at which
share of the report's training. That is the training at the study's budget `full`, which is the
report's as the study reads it.
"""

from collections.abc import Sequence
from dataclasses import replace

from ganablate.report.claims.judgement import OF_SMALLER, OF_THE_REPORT, Judgement
from ganablate.study.plan import Plan
from ganablate.study.reach import Reach

NEAR = 0.5
"""The least share of the report's training at which a verdict is one on the report."""
_SMALLER = dict(zip(OF_THE_REPORT, OF_SMALLER, strict=True))
WORDS = {
    "updates": "generator updates",
    "images": "images",
    "distinct_images": "distinct images",
    "widths": "widths",
}


def least_reach(plan: Plan, arms: Sequence[str]) -> Reach:
    """The reach of the arm that comes least near to its training at `full`."""
    return min((plan.reach.get(arm, Reach()) for arm in arms), key=lambda x: x.least)


def at_reach(judgement: Judgement, plan: Plan) -> Judgement:
    """The judgement with its reach; below `NEAR` its verdict is that on the smaller training."""
    if judgement.verdict not in OF_THE_REPORT:
        return judgement
    arms = (*judgement.arms, *judgement.against)
    reach = least_reach(plan, arms or [arm.name for arm in plan.arms])
    verdict = judgement.verdict if reach.least >= NEAR else _SMALLER[judgement.verdict]
    words = WORDS[reach.least_of]
    return replace(judgement, verdict=verdict, reach=reach.least, reach_of=words)


def reach_text(reach: float, of: str) -> str:
    """`at 1/60 of the report's generator updates`; from `NEAR` on `at 0.8 of ...`."""
    return f"at {fraction(reach)} of the report's {of}"


def fraction(reach: float) -> str:
    """`1/60`, `1/5.8`; from `NEAR` on `0.8`."""
    if reach >= NEAR:
        return f"{reach:.2g}"
    return f"1/{1 / reach:,.0f}" if 1 / reach >= 9.5 else f"1/{1 / reach:.2g}"
