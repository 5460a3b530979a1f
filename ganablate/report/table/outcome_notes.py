"""What a caption says about outcomes: the rules by which these trials were judged."""

from collections.abc import Iterator

import pandas as pd

from ganablate.report.table.tables import not_all_ok
from ganablate.study.plan import Plan
from ganablate.trials.outcome import FEW_CLASSES, FEW_MODES, classes_told, decides, measure_of_modes
from ganablate.trials.saturation import ONE_SIDED, PARTS


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
    lines += [*_not_assessed(complete), *_ended_early(complete, plan)]
    if not_all_ok(complete) and plan.primary in plan.columns:
        title = plan.columns[plan.primary].title
        lines.append(
            f"{title}, of those ok (k): over the k trials that are ok; what is compared is all."
        )
    return lines


def _ended_early(complete: pd.DataFrame, plan: Plan) -> Iterator[str]:
    """The rule, and for each arm how many of its trials ended by it and where."""
    successive = sorted({arm.config.early_end for arm in plan.arms if arm.config.early_end})
    if not successive:
        return
    numbers = " or ".join(str(number) for number in successive)
    yield (
        f"A training ends early once it is saturated, by the same rule, in each of {numbers} "
        f"successive {PARTS}ths of its length; its numbers are those of that moment."
    )
    early = complete[complete["ended_early_at"].notna()]
    said = []
    for arm in plan.arms:
        own = early[early["arm"] == arm.name]
        if len(own):
            said.append(f"{arm.name} {len(own)} ({_at(own)})")
    n = f"{len(early)} of {len(complete)} complete trials"
    yield f"Ended early: {n}{': ' if said else ''}{'; '.join(said)}."


def _at(early: pd.DataFrame) -> str:
    """`at 195 to 390 of 975 iterations`."""
    found = []
    for planned in sorted({*early["planned_iterations"]}):
        own = early.loc[early["planned_iterations"] == planned, "ended_early_at"]
        low, high = int(own.min()), int(own.max())
        span = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        found.append(f"at {span} of {planned:,} iterations")
    return ", ".join(found)


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
