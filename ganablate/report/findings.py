"""What is found in the numbers of arms: effects, verdicts, the table, its notes and a summary."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import pandas as pd

from ganablate.report.claims.judgement import Judgement
from ganablate.report.design import Design
from ganablate.report.frames.references import NO_REFERENCES, References
from ganablate.report.stats.effects import (
    StudyEffects,
    column_effects,
    compared_arms,
    judged_together,
    null_arms,
)
from ganablate.report.stats.replicates import arm_replicates, equal_arms
from ganablate.report.stats.statistics import ALPHA
from ganablate.report.stats.working import NOT_WORKING, Working, is_quality
from ganablate.report.table.captions import UNKNOWN, number_notes
from ganablate.report.table.effect_notes import level_note
from ganablate.report.table.render import Column
from ganablate.report.table.summary import Sentence, summary
from ganablate.report.table.tables import (
    arm_table,
    baseline_arm,
    marks_of,
    primary_columns,
    text_columns,
)


@dataclass(frozen=True)
class Findings:
    """What a frame of trials says of a design: each part is calculated when first asked for, once.

    Nothing else is known of these trials; `Analysis` has what a study adds.

    `trials` is a frame as `trials_frame` gives it. `notices` are lines that a person should see.
    Verdicts are at the level `alpha`. `references` are the reference lines of the numbers'
    protocols, where they are known.
    """

    plan: Design
    trials: pd.DataFrame
    notices: tuple[str, ...] = field(default=(), kw_only=True)
    alpha: float = field(default=ALPHA, kw_only=True)
    references: References = field(default=NO_REFERENCES, kw_only=True)

    @cached_property
    def working(self) -> Mapping[str, Working]:
        """Whether each arm works that others are compared with; the baseline is the first."""
        baseline = baseline_arm(self.plan)
        names = dict.fromkeys([] if baseline is None else [baseline.name])
        names |= dict.fromkeys(compared_arms(self.plan.arms).values())
        found = {name: self.works(name) for name in names}
        return {name: working for name, working in found.items() if working is not None}

    def works(self, name: str) -> Working | None:
        """Whether an arm works; None: no trial of it is complete, or nothing is known of it."""
        return None

    @property
    def measured_primaries(self) -> tuple[str, ...]:
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
        alone = map(self._effects_alone, self.measured_primaries)
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
    def table(self) -> pd.DataFrame:
        """The table of arms."""
        return arm_table(self.trials, self.plan, self.judged)

    @cached_property
    def columns(self) -> Sequence[Column]:
        """The table of arms as columns of text."""
        return text_columns(self.table, self.plan)

    @property
    def about(self) -> Sequence[str]:
        """What must be known of the primary metrics."""
        return ()

    @cached_property
    def head(self) -> Sequence[str]:
        """The lines above the table: what must be known before it is read."""
        return (UNKNOWN,)

    @cached_property
    def notes(self) -> Sequence[str]:
        """The notes below the table."""
        return number_notes(self.trials, self.table, self.plan, self.judged)

    @cached_property
    def remarks(self) -> Sequence[tuple[str, str]]:
        """What was changed after results were seen, or by hand: pairs of a beginning and a text."""
        return ()

    @cached_property
    def claims(self) -> tuple[Judgement, ...]:
        """What became of the study's claims."""
        return ()

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
            *self._equal(),
            *(Sentence("", level_note(tested), topic="limits") for _ in tested[:1]),
            *(Sentence("", text, topic="data") for text in self.about),
            *(Sentence(*pair, topic="question") for pair in self.remarks),
        ]

    def _equal(self) -> Iterator[Sentence]:
        """The arms whose change changed nothing at all."""
        plan = self.plan
        for arm, other in equal_arms(self.trials, compared_arms(plan.arms), plan.columns).items():
            text = "in every replicate, to the last digit: nothing reads what the arm changes."
            yield Sentence(f"{arm} has the numbers of {other}", text, topic="outcomes")

    def row(self, arm: str) -> pd.Series:
        """An arm's row in the table."""
        return self.table[self.table["arm"] == arm].iloc[0]
