"""What is known of a study at a budget: read from trial folders and csv files, without writing.

A local record is made of the trial folders of this machine, and of the rows that an earlier local
record has of trials whose folders are gone. A published record is what its csv files say, and
nothing else: no folder of this machine is looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from ganablate.report.claims.judge import judge_claims
from ganablate.report.claims.judgement import Judgement
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
    NO_REFERENCES,
    REFERENCES,
    References,
    local_references,
    read_references,
)
from ganablate.report.frames.trials import as_recorded, local_frames, planned_frame, read_trials
from ganablate.report.stats.cross import CrossEffects, corrected_crosses, cross_effects
from ganablate.report.stats.effects import (
    StudyEffects,
    column_effects,
    compared_arms,
    effect_columns,
    judged_together,
    null_arms,
)
from ganablate.report.stats.replicates import arm_replicates
from ganablate.report.stats.statistics import ALPHA
from ganablate.report.stats.working import NOT_WORKING, Working, is_quality, working_of
from ganablate.report.table.captions import features_note, not_measured_note, table_notes
from ganablate.report.table.effect_notes import level_note
from ganablate.report.table.reference_rows import (
    reference_note,
    with_reference_rows,
    working_note,
)
from ganablate.report.table.render import Column
from ganablate.report.table.summary import Sentence, summary
from ganablate.report.table.tables import (
    arm_table,
    baseline_arm,
    marks_of,
    primary_columns,
    text_columns,
)
from ganablate.study.plan import Plan
from ganablate.study.schema import Study


@dataclass(frozen=True)
class Analysis:
    """A study at a budget, analysed: each part is calculated when it is first asked for, once.

    `plan` has every replicate that was seen, `trials` and `curves` are frames as `trials_frame` and
    `curves_frame` give them. `looks` has a look by hand at the end where more replicates are
    complete than at the last look. `notices` are lines that a person should see. Verdicts are at
    the level `alpha`. `history` is what was seen before; `kept_hashes` are those of csv files that
    the numbers come from, and that are not as they were written. `references` are the reference
    lines of its protocols, where they are known.
    """

    plan: Plan
    trials: pd.DataFrame
    curves: pd.DataFrame = field(default_factory=lambda: curves_of([]))
    looks: tuple[Look, ...] = ()
    notices: tuple[str, ...] = ()
    alpha: float = ALPHA
    history: History = field(default_factory=History)
    kept_hashes: Mapping[str, str | None] = field(default_factory=dict)
    references: References = NO_REFERENCES

    @cached_property
    def working(self) -> Mapping[str, Working]:
        """Whether each arm works that others are compared with; the baseline is the first."""
        baseline = baseline_arm(self.plan)
        names = dict.fromkeys([] if baseline is None else [baseline.name])
        names |= dict.fromkeys(compared_arms(self.plan.arms).values())
        found = {name: self.works(name) for name in names}
        return {name: working for name, working in found.items() if working is not None}

    def works(self, name: str) -> Working | None:
        """Whether an arm works; None: no trial of it is complete."""
        trials = self.trials
        rows = trials[(trials["arm"] == name) & (trials["state"] == "complete")]
        arm = next(arm for arm in self.plan.arms if arm.name == name)
        return working_of(arm, rows, self.plan, self.references) if len(rows) else None

    @property
    def _measured_primaries(self) -> tuple[str, ...]:
        """The primary metrics of which some trial has a number; the first one anyway."""
        plan = self.plan
        return tuple(
            name
            for name in primary_columns(plan)
            if name == plan.primary or self.trials[name].notna().any()
        )

    @cached_property
    def judged(self) -> Mapping[str, StudyEffects]:
        """What the arms change in each primary metric with numbers, corrected together."""
        alone = map(self._effects_alone, self._measured_primaries)
        effects = judged_together([x for x in alone if x is not None])
        return {x.column: self.founded(x) for x in effects}

    def effects_on(self, column: str) -> StudyEffects | None:
        """What the arms change in a column; None where no arm is compared with another.

        Of a primary one with p and verdicts of the study's correction, of another by itself.
        """
        if column in self.plan.primaries:
            return self.judged.get(column)
        effects = self._effects_alone(column)
        return None if effects is None else self.founded(judged_together([effects])[0])

    def _effects_alone(self, column: str) -> StudyEffects | None:
        """The effects on a column without a correction or a verdict."""
        plan = self.plan
        if column not in plan.columns:
            return None
        marked = marks_of(self.trials, plan, column)
        names = [arm.name for arm in plan.arms if arm.name not in marked]
        return self._compared(column, names, compared_arms(plan.arms))

    def effects_of_pair(self, column: str, first: str, second: str) -> StudyEffects | None:
        """What the second arm changes against the first, neither corrected nor judged.

        Whether or not the study compares them: the caller sees to it that they can be compared.
        """
        return self._compared(column, [arm.name for arm in self.plan.arms], {second: first})

    def _compared(
        self, column: str, arms: Sequence[str], references: Mapping[str, str]
    ) -> StudyEffects | None:
        return column_effects(
            arm_replicates(self.trials, arms, column),
            references,
            column,
            self.plan.columns[column].direction,
            null=null_arms(self.plan.arms),
            alpha=self.alpha,
        )

    def founded(self, effects: StudyEffects) -> StudyEffects:
        """Without the verdicts about quality that rest on an arm that does not work."""
        if not is_quality(self.plan, effects.column):
            return effects
        others = {effect.compared_to for effect in effects.by_arm.values()}
        working = {name: self.working.get(name) or self.works(name) for name in others}
        failing = {name for name, state in working.items() if state and state.works is False}
        by_arm = {
            name: replace(effect, verdict=NOT_WORKING, fails_p=None)
            if effect.verdict is not None and effect.compared_to in failing
            else effect
            for name, effect in effects.by_arm.items()
        }
        return replace(effects, by_arm=by_arm)

    @property
    def effects(self) -> StudyEffects | None:
        """What the arms change in the first primary metric."""
        return self.judged.get(self.plan.primary)

    @cached_property
    def crosses(self) -> tuple[CrossEffects, ...]:
        """Main effects and interactions on each primary metric; none where nothing is crossed."""
        plan, trials, found = self.plan, self.trials, []
        for column in self._measured_primaries:
            marked = marks_of(trials, plan, column)
            effects = cross_effects(trials, plan, marked, column=column, alpha=self.alpha)
            found += [] if effects is None else [effects]
        return corrected_crosses(found)

    @cached_property
    def table(self) -> pd.DataFrame:
        """The table of arms."""
        return arm_table(self.trials, self.plan, self.judged)

    @cached_property
    def columns(self) -> Sequence[Column]:
        """The table of arms as columns of text; its last rows are the reference lines."""
        columns = text_columns(self.table, self.plan)
        return with_reference_rows(columns, self.references, self.trials, self.plan)

    @cached_property
    def head(self) -> Sequence[str]:
        """The lines above the table: whether the baseline works, and which FID it is."""
        working = (working_note(name, working) for name, working in self.working.items())
        return [*working, *self._about]

    @property
    def _about(self) -> Sequence[str]:
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

    @cached_property
    def summary(self) -> Sequence[Sentence]:
        """What was found, in a few sentences, and what was changed since it was asked."""
        tested = [
            effects
            for effects in self.judged.values()
            if any(x.verdict not in (None, NOT_WORKING) and x.p for x in effects.by_arm.values())
        ]
        return [
            *summary(self.table, self.plan, self.claims, self.working),
            *(Sentence("", level_note(tested), topic="limits") for _ in tested[:1]),
            *(Sentence("", text, topic="data") for text in self._about),
            *(Sentence(*pair, topic="question") for pair in self.remarks),
        ]

    def row(self, arm: str) -> pd.Series:
        """An arm's row in the table."""
        return self.table[self.table["arm"] == arm].iloc[0]


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
        plan, trials, curves, looks, tuple(notices), level_of(looks), history, kept, references
    )


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
