"""Replication: a local record beside the published one of the same study and budget.

Arm by arm, the local replicates of the primary metric are compared with the published ones as two
arms of a study are: Welch's test on logs (on the numbers where one of them is not positive), two
one-sided tests against the margin, both corrected by Holm over the arms. An arm *agrees* where it
is shown to lie within the margin, *differs* where it is shown to differ and not to lie within it.

Trainings that are the published ones, copied, are left out: they replicate nothing. So are arms
that were trained with other settings than now, and numbers of another protocol.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from ganablate.catalog import Scale
from ganablate.report.analysis import Analysis
from ganablate.report.frames.provenance import read_provenance
from ganablate.report.frames.trials import PROTOCOL, as_recorded, read_trials
from ganablate.report.stats.comparison import WORST, Comparison, difference_of
from ganablate.report.stats.effects import ONE, Effect, effect_of, with_holm
from ganablate.report.stats.replicates import Replicates, effect_scale, replicates_of, summaries
from ganablate.report.stats.statistics import ALPHA
from ganablate.report.table.verdict_style import AGREES, DIFFERS, EQUAL
from ganablate.study.plan import Plan

CANNOT_TELL = "cannot tell"
OTHER_PROTOCOL, OTHER_SETTINGS = "other protocol", "other settings"


@dataclass(frozen=True)
class ArmReplication:
    """An arm in both records: its replicates, how they compare, and the verdicts on the arm.

    `verdict` is on the replication; None where the arm has no local or no published number.
    """

    arm: str
    published: Replicates
    local: Replicates
    effect: Effect
    verdict: str | None
    published_verdict: str | None = None
    local_verdict: str | None = None

    @property
    def equal(self) -> bool:
        """Whether the replicates that both have are the same but for the last digits.

        Equal trainings are measured equally to about 14 digits; others differ in the third.
        """
        ours, theirs = self.local.numbers, self.published.numbers
        shared = ours.keys() & theirs.keys()
        return bool(shared) and all(
            math.isclose(ours[key], theirs[key], rel_tol=1e-9) for key in shared
        )


@dataclass(frozen=True)
class Replication:
    """Every arm of the local plan beside the published record, in the plan's order.

    `facts` says of each fact in which the records differ (processor, precision, torch) the
    published value and the local one.
    """

    column: str
    title: str
    scale: Scale
    alpha: float
    arms: tuple[ArmReplication, ...]
    published_at: Path
    facts: Mapping[str, tuple[str, str]]

    @property
    def equal(self) -> bool:
        """Whether every arm that both records have has the same numbers."""
        judged = [arm.verdict for arm in self.arms if arm.verdict is not None]
        return bool(judged) and all(verdict == EQUAL for verdict in judged)

    def count(self, *verdicts: str) -> int:
        """How many arms have one of these verdicts on their replication."""
        return sum(arm.verdict in verdicts for arm in self.arms)

    @property
    def arm_verdicts(self) -> list[tuple[str, str]]:
        """The published and the local verdict of each arm that has both."""
        both = ((arm.published_verdict, arm.local_verdict) for arm in self.arms)
        return [(theirs, ours) for theirs, ours in both if theirs is not None and ours is not None]


def replication(
    local: Analysis, facts: Mapping[str, Any] | None, folder: Path
) -> Replication | None:
    """Compare a local record, with its provenance if known, with the published one in `folder`.

    The result is None where there is no published record, it is the local one, or they have no arm
    with a number of the primary metric in common.

    Raises:
        ValueError: A published csv file cannot be read as one.
    """
    plan, path = local.plan, folder / "trials.csv"
    if plan.primary not in plan.columns or not path.exists():
        return None
    published = read_trials(path)
    if plan.primary not in published:
        return None
    published_facts = read_provenance(folder / "provenance.json")
    trials = _without_copies(local.trials, facts or {}, published_facts)
    recorded = as_recorded(plan, folder)
    arms = [_arm_of(arm.name, recorded, trials, published) for arm in plan.arms]
    if not any(arm.local.n and arm.published.n for arm in arms):
        return None
    scale = effect_scale(plan.primary, [x for arm in arms for x in (arm.local, arm.published)])
    effects = with_holm(_effect(arm, scale, plan) for arm in arms)
    published_verdicts, local_verdicts = _verdicts(folder / "table.csv"), _of_table(local.table)
    arms = [
        replace(
            arm,
            effect=effect,
            verdict=arm.verdict or _verdict(arm, effect),
            published_verdict=published_verdicts.get(arm.arm),
            local_verdict=local_verdicts.get(arm.arm),
        )
        for arm, effect in zip(arms, effects, strict=True)
    ]
    return Replication(
        column=plan.primary,
        title=plan.columns[plan.primary].title,
        scale=scale,
        alpha=ALPHA,
        arms=tuple(arms),
        published_at=folder,
        facts=_other_facts(published_facts, facts or {}),
    )


def _without_copies(
    trials: pd.DataFrame, local: Mapping[str, Any], published: Mapping[str, Any]
) -> pd.DataFrame:
    """The local trials that are not, by the time they ended at, the published trainings."""
    ended = {id_: trial.get("finished_ms") for id_, trial in published.get("trials", {}).items()}
    copies = [
        id_
        for id_, trial in local.get("trials", {}).items()
        if trial.get("finished_ms") is not None and ended.get(id_) == trial["finished_ms"]
    ]
    return trials[~trials["trial_id"].isin(copies)]


def _arm_of(name: str, plan: Plan, trials: pd.DataFrame, published: pd.DataFrame) -> ArmReplication:
    """The arm's replicates, with the verdict only where they cannot be compared.

    `plan` has the ids of the published record.
    """
    column, ids = plan.primary, [trial.trial_id for trial in plan.trials if trial.arm == name]
    # A renamed arm keeps its trials; one whose settings changed has no trial in common.
    names = set(published.loc[published["trial_id"].isin(ids), "arm"])
    theirs = published[published["arm"].isin(names)].assign(arm=name)
    ours = trials[trials["arm"] == name]
    why = None if names or name not in set(published["arm"]) else OTHER_SETTINGS
    stamp = column + PROTOCOL
    if stamp in ours and stamp in theirs:
        stamps = [set(frame[stamp].dropna()) for frame in (ours, theirs)]
        why = OTHER_PROTOCOL if all(stamps) and stamps[0] != stamps[1] else why
    published_replicates = replicates_of(theirs, name, column)
    local_replicates = replicates_of(ours, name, column)
    effect = Effect(compared_to="published")
    return ArmReplication(name, published_replicates, local_replicates, effect, why)


def _effect(arm: ArmReplication, scale: Scale, plan: Plan) -> Effect:
    """The local replicates against the published ones, with the p of this arm alone."""
    if arm.verdict is not None:
        return arm.effect
    sides = summaries({"ours": arm.local, "theirs": arm.published}, scale)
    difference = difference_of(sides, "ours", "theirs")
    worst = WORST[plan.columns[plan.primary].direction]
    comparison = Comparison(arm.local, arm.published, scale, difference, worst)
    if arm.equal:  # nothing to test
        return replace(arm.effect, estimate=comparison.estimate)
    return effect_of(comparison, "published", ALPHA)


def _verdict(arm: ArmReplication, effect: Effect) -> str | None:
    fewest = min(arm.local.n, arm.published.n)
    if fewest == 0:
        return None
    if arm.equal:
        return EQUAL
    if fewest == 1:
        return ONE
    if effect.equivalence_p is not None and effect.equivalence_p <= ALPHA:
        return AGREES
    return DIFFERS if effect.p is not None and effect.p <= ALPHA else CANNOT_TELL


def _verdicts(path: Path) -> dict[str, str]:
    """Arm -> its verdict, in a table that was written."""
    if not path.exists():
        return {}
    return _of_table(pd.read_csv(path, dtype="string", keep_default_na=False))


def _of_table(table: pd.DataFrame) -> dict[str, str]:
    if "verdict" not in table:
        return {}
    judged = table[table["verdict"].notna() & (table["verdict"] != "")]
    return dict(zip(map(str, judged["arm"]), map(str, judged["verdict"]), strict=True))


_FACTS = ("processor", "device", "precision", "torch", "ganablate")


def _other_facts(
    published: Mapping[str, Any], local: Mapping[str, Any]
) -> dict[str, tuple[str, str]]:
    """What the trials of both records ran with, where that differs and both say it."""
    facts = {}
    for fact in _FACTS:
        seen = [record.get("seen", {}).get(fact, ()) for record in (published, local)]
        theirs, ours = (", ".join(map(str, values)) for values in seen)
        if theirs and ours and theirs != ours:
            facts[fact] = (theirs, ours)
    return facts
