"""What is known of a study at a budget: read from trial folders and csv files, without writing.

A local record is made of the trial folders of this machine, and of the rows that an earlier local
record has of trials whose folders are gone. A published record is what its csv files say, and
nothing else: no folder of this machine is looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from ganablate.report.claims.judge import judge_claims
from ganablate.report.claims.judgement import Judgement
from ganablate.report.findings import Findings
from ganablate.report.frames.curves import curves_of, read_curves
from ganablate.report.frames.earlier_record import (
    with_earlier,
    with_earlier_curves,
    without_older_protocol,
    without_other_extractor,
)
from ganablate.report.frames.history import History, looked_plan, read_history, remarks
from ganablate.report.frames.looks import Look, level_of, look_notes, with_look_by_hand
from ganablate.report.frames.provenance import edit_remarks, kept_hashes, read_provenance
from ganablate.report.frames.references import (
    REFERENCES,
    local_references,
    read_references,
)
from ganablate.report.frames.trials import as_recorded, local_frames, planned_frame, read_trials
from ganablate.report.stats.cross import CrossEffects, corrected_crosses, cross_effects
from ganablate.report.stats.effects import (
    effect_columns,
)
from ganablate.report.stats.working import Working, working_of
from ganablate.report.table.captions import features_note, not_measured_note, table_notes
from ganablate.report.table.reference_rows import (
    reference_note,
    with_reference_rows,
    working_note,
)
from ganablate.report.table.render import Column
from ganablate.report.table.tables import (
    marks_of,
    text_columns,
)
from ganablate.study.plan import Plan
from ganablate.study.schema import Study


@dataclass(frozen=True)
class Analysis(Findings):
    """A study at a budget, analysed: each part is calculated when it is first asked for, once.

    `plan` has every replicate that was seen, `trials` and `curves` are frames as `trials_frame` and
    `curves_frame` give them. `looks` has a look by hand at the end where more replicates are
    complete than at the last look. `history` is what was seen before; `kept_hashes` are those of
    csv files that the numbers come from, and that are not as they were written.
    """

    plan: Plan
    curves: pd.DataFrame = field(default_factory=lambda: curves_of([]))
    looks: tuple[Look, ...] = ()
    history: History = field(default_factory=History)
    kept_hashes: Mapping[str, str | None] = field(default_factory=dict)

    def works(self, name: str) -> Working | None:
        """Whether an arm works; None: no trial of it is complete."""
        trials = self.trials
        rows = trials[(trials["arm"] == name) & (trials["state"] == "complete")]
        arm = next(arm for arm in self.plan.arms if arm.name == name)
        return working_of(arm, rows, self.plan, self.references) if len(rows) else None

    @cached_property
    def crosses(self) -> tuple[CrossEffects, ...]:
        """Main effects and interactions on each primary metric; none where nothing is crossed."""
        plan, trials, found = self.plan, self.trials, []
        for column in self.measured_primaries:
            marked = marks_of(trials, plan, column)
            effects = cross_effects(trials, plan, marked, column=column, alpha=self.alpha)
            found += [] if effects is None else [effects]
        return corrected_crosses(found)

    @cached_property
    def columns(self) -> Sequence[Column]:
        """The table of arms as columns of text; its last rows are the reference lines."""
        columns = text_columns(self.table, self.plan)
        return with_reference_rows(columns, self.references, self.trials, self.plan)

    @cached_property
    def head(self) -> Sequence[str]:
        """The lines above the table: whether the baseline works, and which FID it is."""
        working = (working_note(name, working) for name, working in self.working.items())
        return [*working, *self.about]

    @property
    def about(self) -> Sequence[str]:
        """What must be known of the primary metrics."""
        return [
            *features_note(self.trials, self.plan),
            *not_measured_note(self.table, self.plan),
        ]

    @cached_property
    def notes(self) -> Sequence[str]:
        """The notes below the table."""
        return [
            *table_notes(self.trials, self.table, self.plan, self.judged),
            *reference_note(self.references, self.trials, self.plan),
            *look_notes(self.looks),
            *(f"{lead} {text}" for lead, text in self.remarks),
        ]

    @cached_property
    def remarks(self) -> Sequence[tuple[str, str]]:
        """What was changed after results were seen, or by hand: pairs of a beginning and a text."""
        return [*remarks(self.history, self.plan), *edit_remarks(self.kept_hashes)]

    @cached_property
    def claims(self) -> tuple[Judgement, ...]:
        """What became of the study's claims."""
        return judge_claims(
            self.plan, self.trials, self.curves, references=self.references, alpha=self.alpha
        )


def read_record(plan: Plan, folder: Path, trials_root: Path | None = None) -> Analysis:
    """Read a record: what its trial folders say, and of trials that have none its csv files.

    Args:
        plan: With every replicate that was seen.
        folder: Of the record; it need not be there, then every trial without a folder is pending.
        trials_root: Holds one folder a trial; None: the csv files alone are read.

    Raises:
        ValueError: A csv file of the record cannot be read as one.
    """
    trials, curves = _frames(plan, trials_root)
    if not (trials["state"] == "complete").any():
        recorded = as_recorded(plan, folder)
        if recorded is not plan:
            plan = recorded
            trials, curves = _frames(plan, trials_root)
    local = set(map(str, trials.loc[trials["state"] == "complete", "trial_id"]))
    notices: list[str] = []
    written = folder / "curves.csv"
    earlier = read_curves(written) if written.exists() else curves.iloc[:0]
    if (folder / "trials.csv").exists():
        rows = read_trials(folder / "trials.csv")
        rows, earlier, notices = without_other_extractor(rows, earlier, plan)
        trials, more = with_earlier(trials, rows, plan)
        notices += more
    if not (trials["state"] == "complete").any():
        notices.append(
            f"no trial of {plan.study} at budget {plan.budget} is complete yet: "
            "the table has no numbers"
        )
    curves = with_earlier_curves(curves, earlier, trials, local)
    trials, curves, mixed = without_older_protocol(trials, curves, plan)
    notices += mixed
    kept = kept_hashes(folder, read_provenance(folder / "provenance.json"))
    if set(trials.loc[trials["state"] == "complete", "trial_id"]) <= local:
        # Every number is read anew from the trials' folders.
        edited = [name for name, digest in kept.items() if digest]
        notices += [f"{folder / name} was edited by hand: it is written anew" for name in edited]
        kept = {}
    history = read_history(plan, folder)
    notices += [f"{lead} {text}" for lead, text in edit_remarks(kept)]
    looks = with_look_by_hand(history.looks, trials, plan)
    references = read_references(folder / REFERENCES)
    if trials_root is not None:
        references = local_references(plan, trials, trials_root, references)
    return Analysis(
        plan, trials, curves, looks, history, kept, notices=tuple(notices), alpha=level_of(looks),
        references=references,
    )  # fmt: skip


def _frames(plan: Plan, trials_root: Path | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Trials and curves as the trial folders say, or trials that are all pending."""
    if trials_root is None:
        return planned_frame(plan), curves_of([])
    return local_frames(plan, trials_root)


def read_results(
    study: Study, budget: str | None, *, root: Path, trials_root: Path | None = None
) -> Analysis:
    """Read a study's record below `root`: its local one, or its published one.

    `budget` is None for the default one; `trials_root` is that of `read_record`.

    Raises:
        StudyError: There is no such budget.
        ValueError: A csv file of the record cannot be read as one.
    """
    plan, _ = looked_plan(study, budget, root)
    return read_record(plan, root / plan.study / plan.budget, trials_root)


def effects_frame(analysis: Analysis, column: str | None) -> pd.DataFrame:
    """One row for each arm that is compared with another, as `ganablate.effects` says.

    Of a `column`; None: of each primary metric, one below the other.

    Raises:
        KeyError: The study does not measure that column.
    """
    plan = analysis.plan
    chosen = plan.primaries if column is None else (column,)
    for name in chosen:
        if name not in plan.columns:
            raise KeyError(f'"{name}" is not measured; allowed: {", ".join(plan.columns)}')
    frames = [_effects_frame(analysis, name) for name in chosen]
    shown = [frame for frame in frames if len(frame)] or frames[:1]
    return pd.concat(shown, ignore_index=True)


def _effects_frame(analysis: Analysis, column: str) -> pd.DataFrame:
    plan, effects = analysis.plan, analysis.effects_on(column)
    names = [arm.name for arm in plan.arms if effects is not None and arm.name in effects.by_arm]
    frame = pd.DataFrame({"arm": names, "column": column}, dtype="string")
    if effects is None:
        return frame
    frame = frame.join(effect_columns(effects, names))
    if column not in plan.primaries:
        judged = ["effect_p", "effect_equivalence_p", "effect_fails_p", "verdict"]
        frame[judged] = frame[judged].mask(frame[judged].notna())
    return frame
