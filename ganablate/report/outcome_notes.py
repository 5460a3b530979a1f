"""What a caption says about outcomes: the rules by which these trials were judged."""

from collections.abc import Iterator

import pandas as pd

from ganablate.outcomes import (
    FEW_CLASSES,
    FEW_MODES,
    ONE_SIDED,
    classes_told,
    decides,
    measure_of_modes,
)
from ganablate.report.tables import not_all_ok
from ganablate.study.plan import Plan


def outcome_notes(trials: pd.DataFrame, plan: Plan) -> list[str]:
    """The rules, as far as they apply to this study, and how many trials could not be judged."""
    complete = trials[trials["state"] == "complete"]
    if not len(complete):
        return []
    rules = ["Diverged: a loss or a weight is not finite", *_saturated(plan), *_collapsed(plan)]
    lines = [
        "Outcomes are rates of the complete trials, judged in this order. "
        f"{'; '.join(rules)}; else ok."
    ]
    lines += _not_assessed(complete)
    if not_all_ok(complete) and plan.primary in plan.columns:
        title = plan.columns[plan.primary].title
        lines.append(
            f"{title}, of those ok (k): over the k trials that are ok; what is compared is all."
        )
    return lines


def _saturated(plan: Plan) -> Iterator[str]:
    critics = sorted({arm.config.criterion for arm in plan.arms if not decides(arm.config)})
    if any(decides(arm.config) for arm in plan.arms):
        yield (
            "saturated: over the last fifth of training D decides alike about "
            f"{100 * ONE_SIDED:g} % or more of the real and of the generated images"
        )
    if critics:
        yield f"D of the criterion {' and '.join(critics)} decides nothing, and cannot saturate"


def _collapsed(plan: Plan) -> Iterator[str]:
    said = []
    for arm in plan.arms:
        column = measure_of_modes(arm.config, plan.measured)
        if column == "modes":
            classes = classes_told(arm.config)
            said.append(
                f"{int(FEW_CLASSES * (classes or 0))} of {classes} classes covered or fewer"
            )
        elif column is not None:
            said.append(f"{plan.columns[column].title.lower()} at most {FEW_MODES[column]:g}")
    if said:
        yield f"collapsed: {', or '.join(dict.fromkeys(said))}"


def _not_assessed(complete: pd.DataFrame) -> Iterator[str]:
    open_ = complete[complete["outcome"].isna()]
    if not len(open_):
        return
    reasons = open_["outcome_because"].fillna("judged by no rule when they were run")
    counts = reasons.value_counts().sort_index()
    said = "; ".join(f"{counts[reason]} ({reason})" for reason in counts.index)
    yield f"Not assessed: {said}."
