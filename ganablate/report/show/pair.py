"""Two arms judged for a program: what the second changes against the first, and what that shows.

Where the study compares the two, in either order, p is corrected over the study's arms and primary
metrics; else over the primary metrics of the two alone. A metric that is not primary stands for
itself. No correction is needed over the metrics of an assertion: it has to hold in each of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ganablate.report.facts import JudgedEffect, Number, judged_effect, number_of, reach_facts
from ganablate.report.show.selection import Selection, incomparable
from ganablate.report.stats.comparison import MARGIN
from ganablate.report.stats.effects import EQUIVALENT, OPEN, StudyEffects, judged_together
from ganablate.report.stats.working import NOT_WORKING
from ganablate.report.table.cells import estimate_text, p_text
from ganablate.report.table.tables import primary_columns
from ganablate.study.reading.wording import unknown


@dataclass(frozen=True)
class Side:
    """One of the two arms: its trials, and how near they come to the training at `full`."""

    arm: str
    n_planned: int
    n_complete: int
    reach: Mapping[str, float] | None


@dataclass(frozen=True)
class Judged:
    """Both numbers in one metric, and the effect of the second arm against the first.

    `direction` is "min", "max" or "none". `note` says why there is no effect, or why no verdict.
    """

    metric: str
    title: str
    unit: str
    direction: str
    first: Number
    second: Number
    against: JudgedEffect | None
    note: str | None

    @property
    def verdict(self) -> str | None:
        """That on the effect; None: there is none."""
        return None if self.against is None else self.against.verdict

    def __str__(self) -> str:
        """`FID ×1.25 [1.14, 1.38], p (Holm) 0.003, worse`."""  # noqa: RUF002 - a product
        parts, effect = [self.title], self.against
        if effect is not None:
            ends = [effect.effect, effect.low, effect.high]
            estimate = estimate_text(ends, "ratio" if effect.scale == "ratio" else "difference")
            p = p_text(effect.p)
            told = [estimate, p and f"p (Holm) {p}", effect.verdict]
            parts.append(", ".join(filter(None, told)))
        return " ".join(filter(None, parts)) + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True)
class Answer:
    """Whether what was asked of the second arm holds, and why, in a sentence."""

    asked: str
    holds: bool
    because: str


@dataclass(frozen=True)
class Pair:
    """The second arm against the first, in each primary metric or in the one that was asked for.

    `level` is that of the intervals. `corrected_over` is "study" or "pair".
    """

    study: str
    budget: str
    first: Side
    second: Side
    level: float
    corrected_over: str
    metrics: tuple[Judged, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON has them; what is missing is None."""
        return asdict(self)

    def judge(self, asked: str) -> Answer:
        """Whether the second arm is shown to be "better", "equivalent" or "not-worse".

        It has to be shown in every metric, and with every trial of both arms complete: "cannot
        tell" shows nothing.

        Raises:
            ValueError: It is none of the three.
        """
        if asked not in ASKED:
            raise ValueError(unknown("a verdict to assert", asked, ASKED))
        of = f"of {self.second.arm} against {self.first.arm}"
        for side in (self.first, self.second):
            if side.n_complete < side.n_planned:
                trials = f"of {side.arm}, {side.n_complete} of {side.n_planned} trials are complete"
                return Answer(asked, False, f'"{asked}" cannot be shown {of} yet: {trials}.')
        lacking = [(each, why) for each in self.metrics if (why := ASKED[asked](each)) is not None]
        whys = "; ".join(f"{each}{why}" for each, why in lacking)
        if lacking:
            return Answer(asked, False, f'"{asked}" is not shown {of}: {whys}.')
        return Answer(asked, True, f'"{asked}" is shown {of}: {"; ".join(map(str, self.metrics))}.')


def _better(judged: Judged) -> str | None:
    if judged.direction == "none":
        return ", a metric without a better and a worse"
    return None if judged.verdict == "better" else ""


def _equivalent(judged: Judged) -> str | None:
    if judged.against is not None and judged.against.scale != "ratio":
        return ", a difference, which has no margin of equivalence"
    return None if judged.verdict == EQUIVALENT else ""


def _not_worse(judged: Judged) -> str | None:
    """Non-inferiority: the worse end of the interval lies within the margin, 0 of a difference."""
    effect = judged.against
    if judged.direction == "none":
        return _better(judged)
    if judged.verdict in ("better", EQUIVALENT):
        return None
    if effect is None or judged.verdict != OPEN or effect.low is None or effect.high is None:
        return ""
    if effect.scale == "ratio":
        worst = effect.high if judged.direction == "min" else 1 / effect.low
        within, margin = worst <= MARGIN, f"a factor of {MARGIN:g}"
    else:
        worst = effect.high if judged.direction == "min" else -effect.low
        within, margin = worst <= 0, "0, the only margin of a difference"
    return None if within else f", with an interval that reaches beyond {margin}"


ASKED: Mapping[str, Callable[[Judged], str | None]] = {
    "better": _better,
    "equivalent": _equivalent,
    "not-worse": _not_worse,
}
"""What may be asserted -> what a metric lacks to show it, behind its numbers; None: nothing."""


def judged_pair(first: Selection, second: Selection, metric: str | None = None) -> Pair:
    """Judge two arms of one analysis in the primary metrics, or in one metric.

    Raises:
        ValueError: One is a trial, both are one arm, or the study does not measure the metric.
    """
    plan, analysis = first.plan, first.analysis
    for side in (first, second):
        if not side.is_arm:
            raise ValueError(f"{side.name} is a trial: only arms can be judged")
    if first.name == second.name:
        raise ValueError(f"{first.name}: two arms are needed to judge")
    if metric is not None and metric not in plan.columns:
        raise ValueError(unknown("a metric of this study", metric, plan.columns))
    reasons, primaries = incomparable(first, second), primary_columns(plan)
    shown = primaries if metric is None else (metric,)
    # A primary metric is corrected with the others, also where it alone is asked for.
    together = primaries if set(shown) <= set(primaries) else shown
    judged, over = _effects(first, second, [name for name in together if name not in reasons])
    metrics = []
    for name in shown:
        column, effect = plan.columns[name], judged_effect(judged.get(name), second.name)
        numbers = [number_of(analysis, side.name, name) for side in (first, second)]
        note = reasons.get(name) or _note(effect, first, second)
        facts = (name, column.title, column.unit, column.direction)
        metrics.append(Judged(*facts, numbers[0], numbers[1], effect, note))
    level = round(1 - analysis.alpha, 12)
    return Pair(plan.study, plan.budget, _side(first), _side(second), level, over, tuple(metrics))


def _side(side: Selection) -> Side:
    reach = reach_facts(side.analysis, side.name)
    return Side(side.name, len(side.trials), len(side.complete), reach)


def _note(effect: JudgedEffect | None, first: Selection, second: Selection) -> str | None:
    """Why an effect has no verdict, or is not there."""
    if effect is None:
        return "not measured"
    if effect.verdict == NOT_WORKING:
        working = first.analysis.works(first.name)
        return None if working is None else working.because
    if effect.verdict is None:
        return "an arm that changes the seeds alone" if second.arm.null else "not measured"
    return None


def _effects(
    first: Selection, second: Selection, columns: Sequence[str]
) -> tuple[dict[str, StudyEffects], str]:
    """The judged effects by column, and over what they are corrected: "study" or "pair"."""
    analysis, pair = first.analysis, (first.name, second.name)
    alone = [analysis.effects_of_pair(column, *pair) for column in columns]
    effects = {x.column: x for x in judged_together([x for x in alone if x is not None])}
    over = "pair"
    for column, each in effects.items():
        own = analysis.judged.get(column)
        for arm, other in (pair, pair[::-1]):
            found = None if own is None else own.by_arm.get(arm)
            if found is None or found.compared_to != other or second.name not in each.by_arm:
                continue
            over = "study"
            effect = each.by_arm[second.name]
            effect = replace(effect, p=found.p, equivalence_p=found.equivalence_p)
            if second.name in each.judged:
                effect = replace(effect, verdict=each.verdict_of(second.name, effect))
            effects[column] = replace(each, by_arm={second.name: effect})
    return {column: analysis.founded(each) for column, each in effects.items()}, over
