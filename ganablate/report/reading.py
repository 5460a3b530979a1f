"""What a report would say now, read without writing anything."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from ganablate.report.build import read_frames
from ganablate.report.effects import effect_columns, study_effects
from ganablate.report.looks import LOOKS, level_of, looked_plan, read_looks, with_look_by_hand
from ganablate.report.tables import arm_table, marked_arms
from ganablate.study.plan import Plan
from ganablate.study.schema import Study


@dataclass(frozen=True)
class Reading:
    """A study at a budget: the plan with every replicate seen, its trials and curves.

    `alpha` is the level of its verdicts; `notices` are lines that a person should see.
    """

    plan: Plan
    trials: pd.DataFrame
    curves: pd.DataFrame
    alpha: float
    notices: tuple[str, ...]

    @cached_property
    def table(self) -> pd.DataFrame:
        """The table of arms, as `arm_table` gives it."""
        return arm_table(self.trials, self.plan, alpha=self.alpha)


def read_results(
    study: Study, budget: str | None, *, trials_root: Path, results_root: Path
) -> Reading:
    """Read the trials of here, completed by the committed ones.

    Args:
        study: The study.
        budget: Of the study; None: its default one.
        trials_root: Holds one folder a trial.
        results_root: The folder of results.

    Raises:
        StudyError: There is no such budget.
        ValueError: A committed csv file cannot be read as one.
    """
    plan, _ = looked_plan(study, budget, results_root)
    folder = results_root / plan.study / plan.budget
    trials, curves, notices = read_frames(plan, trials_root, folder)
    looks = with_look_by_hand(read_looks(folder / LOOKS, plan), trials, plan)
    return Reading(plan, trials, curves, level_of(looks), tuple(notices))


def effects_frame(read: Reading, column: str | None) -> pd.DataFrame:
    """One row for each arm that is compared with another, as `ganablate.effects` says.

    Raises:
        KeyError: The study does not measure that column.
    """
    chosen = column or read.plan.primary
    if chosen not in read.plan.columns:
        raise KeyError(f'"{chosen}" is not measured; allowed: {", ".join(read.plan.columns)}')
    summary = arm_table(read.trials, read.plan, alpha=read.alpha)
    apart = marked_arms(summary, replace(read.plan, primary=chosen))
    found = study_effects(read.trials, read.plan, apart, chosen, alpha=read.alpha)
    compared = found.by_arm if found is not None else {}
    names = [arm.name for arm in read.plan.arms if arm.name in compared]
    frame = pd.DataFrame({"arm": names, "column": chosen}, dtype="string")
    if found is None:
        return frame
    frame = frame.join(effect_columns(found, names))
    if chosen != read.plan.primary:
        judged = ["effect_p", "effect_equivalence_p", "effect_fails_p", "verdict"]
        frame[judged] = frame[judged].mask(frame[judged].notna())
    return frame
