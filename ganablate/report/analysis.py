"""What is known of a study at a budget: read from trial folders and csv files, without writing.

A local record is made of the trial folders of this machine, and of the rows that an earlier local
record has of trials whose folders are gone. A published record is what its csv files say, and
nothing else: no folder of this machine is looked at.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from ganablate.report.frames.curves import curves_frame, read_curves, with_earlier_curves
from ganablate.report.frames.looks import (
    LOOKS,
    Look,
    level_of,
    looked_plan,
    read_looks,
    with_look_by_hand,
)
from ganablate.report.frames.other_extractor import without_other_extractor
from ganablate.report.frames.trials import planned_frame, read_trials, trials_frame, with_earlier
from ganablate.report.stats.effects import StudyEffects, effect_columns
from ganablate.report.table.tables import arm_table, column_effects, primary_effects
from ganablate.study.plan import Plan
from ganablate.study.schema import Study


@dataclass(frozen=True)
class Reading:
    """A study at a budget: the plan with every replicate seen, its trials, curves and looks.

    `notices` are lines that a person should see; `looks` has a look by hand at the end where more
    replicates are complete than at the last look.
    """

    plan: Plan
    trials: pd.DataFrame
    curves: pd.DataFrame
    looks: tuple[Look, ...]
    notices: tuple[str, ...] = ()

    @property
    def alpha(self) -> float:
        """The level of its verdicts."""
        return level_of(self.looks)

    @cached_property
    def table(self) -> pd.DataFrame:
        """The table of arms, as `arm_table` gives it."""
        return arm_table(self.trials, self.plan, alpha=self.alpha)

    @cached_property
    def effects(self) -> StudyEffects | None:
        """The effects on the primary metric, as `primary_effects` gives them."""
        return primary_effects(self.trials, self.table, self.plan, alpha=self.alpha)


def read_local(plan: Plan, trials_root: Path, folder: Path) -> Reading:
    """Read this machine's trials of a plan, and of those that are gone the rows in `folder`.

    Args:
        plan: With every replicate that was seen.
        trials_root: Holds one folder a trial.
        folder: Of the local record; it need not be there.

    Raises:
        ValueError: A csv file of the record cannot be read as one.
    """
    here, curves = trials_frame(plan, trials_root), curves_frame(plan, trials_root)
    local = {str(id_) for id_ in here.loc[here["state"] == "complete", "trial_id"]}
    return _read(plan, folder, here, curves, local)


def read_written(plan: Plan, folder: Path) -> Reading:
    """Read a record from its csv files alone.

    Args:
        plan: With every replicate that was seen.
        folder: Of the record; without files every trial is pending.

    Raises:
        ValueError: A csv file cannot be read as one.
    """
    nothing = curves_frame(replace(plan, trials=()), folder)
    return _read(plan, folder, planned_frame(plan), nothing, set())


def _read(
    plan: Plan, folder: Path, here: pd.DataFrame, curves: pd.DataFrame, local: set[str]
) -> Reading:
    trials, notices = here, list[str]()
    written = folder / "curves.csv"
    earlier = read_curves(written) if written.exists() else curves.iloc[:0]
    if (folder / "trials.csv").exists():
        rows = read_trials(folder / "trials.csv")
        rows, earlier, others = without_other_extractor(rows, earlier, plan)
        trials, notices = with_earlier(here, rows, plan)
        notices = others + notices
    if not (trials["state"] == "complete").any():
        notices.append(
            f"no trial of {plan.study} at budget {plan.budget} is complete yet: "
            "the table has no numbers"
        )
    curves = with_earlier_curves(curves, earlier, trials, local)
    looks = with_look_by_hand(read_looks(folder / LOOKS, plan), trials, plan)
    return Reading(plan, trials, curves, looks, tuple(notices))


def read_results(
    study: Study, budget: str | None, *, root: Path, trials_root: Path | None = None
) -> Reading:
    """Read a study's local record, or its published one.

    Args:
        study: The study.
        budget: Of the study; None: its default one.
        root: The folder of local results, or that of published ones.
        trials_root: Holds one folder a trial; None: the csv files alone are read.

    Raises:
        StudyError: There is no such budget.
        ValueError: A csv file of the record cannot be read as one.
    """
    plan, _ = looked_plan(study, budget, root)
    folder = root / plan.study / plan.budget
    if trials_root is None:
        return read_written(plan, folder)
    return read_local(plan, trials_root, folder)


def effects_frame(read: Reading, column: str | None) -> pd.DataFrame:
    """One row for each arm that is compared with another, as `ganablate.effects` says.

    Raises:
        KeyError: The study does not measure that column.
    """
    chosen = column or read.plan.primary
    if chosen not in read.plan.columns:
        raise KeyError(f'"{chosen}" is not measured; allowed: {", ".join(read.plan.columns)}')
    found = column_effects(read.trials, read.table, read.plan, chosen, alpha=read.alpha)
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
