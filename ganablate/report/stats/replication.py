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
from ganablate.report.frames.trials import PROTOCOL, read_trials
from ganablate.report.stats.effects import ONE, Comparison, Effect, compare, corrected
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
    published_verdict: str | None
    local_verdict: str | None


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
        judged = [one.verdict for one in self.arms if one.verdict is not None]
        return bool(judged) and all(verdict == EQUAL for verdict in judged)

    def count(self, *verdicts: str) -> int:
        """How many arms have one of these verdicts on their replication."""
        return sum(one.verdict in verdicts for one in self.arms)

    @property
    def arm_verdicts(self) -> list[tuple[str, str]]:
        """The published and the local verdict of each arm that has both."""
        both = ((one.published_verdict, one.local_verdict) for one in self.arms)
        return [(theirs, ours) for theirs, ours in both if theirs is not None and ours is not None]


def replication(
    local: Analysis, facts: Mapping[str, Any] | None, folder: Path
) -> Replication | None:
    """Compare a local record with the published one.

    Args:
        local: The local record.
        facts: Its provenance; None: unknown.
        folder: Of the published record of the same study and budget.

    Returns:
        None where there is no published record, it is the local one, or they have no arm with a
        number of the primary metric in common.

    Raises:
        ValueError: A published csv file cannot be read as one.
    """
    plan, path = local.plan, folder / "trials.csv"
    if plan.primary not in plan.columns or not path.exists():
        return None
    published = read_trials(path)
    if plan.primary not in published:
        return None
    known = read_provenance(folder / "provenance.json")
    ours = _without_copies(local.trials, facts or {}, known)
    pairs = {arm.name: _of_arm(arm.name, plan, ours, published) for arm in plan.arms}
    if not any(one.n and other.n for one, other, _ in pairs.values()):
        return None
    scale = effect_scale(plan.primary, [one for pair in pairs.values() for one in pair[:2]])
    verdicts = _verdicts(folder / "table.csv")
    return Replication(
        column=plan.primary,
        title=plan.columns[plan.primary].title,
        scale=scale,
        alpha=ALPHA,
        arms=_judged(pairs, local, scale, verdicts),
        published_at=folder,
        facts=_other_facts(known, facts or {}),
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


def _of_arm(
    name: str, plan: Plan, trials: pd.DataFrame, published: pd.DataFrame
) -> tuple[Replicates, Replicates, str | None]:
    """Local and published replicates of an arm, and what keeps them from being compared."""
    column, ids = plan.primary, [trial.trial_id for trial in plan.trials if trial.arm == name]
    # A renamed arm keeps its trials; one whose settings changed has no trial in common.
    named = set(published.loc[published["trial_id"].isin(ids), "arm"])
    theirs = published[published["arm"].isin(named)].assign(arm=name)
    ours = trials[trials["arm"] == name]
    why = None if named or name not in set(published["arm"]) else OTHER_SETTINGS
    stamp = column + PROTOCOL
    if stamp in ours and stamp in theirs:
        stamps = [set(frame[stamp].dropna()) for frame in (ours, theirs)]
        why = OTHER_PROTOCOL if all(stamps) and stamps[0] != stamps[1] else why
    return replicates_of(ours, name, column), replicates_of(theirs, name, column), why


def _judged(
    pairs: Mapping[str, tuple[Replicates, Replicates, str | None]],
    local: Analysis,
    scale: Scale,
    published_verdicts: Mapping[str, str],
) -> tuple[ArmReplication, ...]:
    how = Comparison(scale, local.plan.columns[local.plan.primary].direction, ALPHA)
    alone = {}
    for name, (ours, theirs, why) in pairs.items():
        spreads = summaries({"ours": ours, "theirs": theirs}, scale)
        both = (spreads["ours"], spreads["theirs"]) if len(spreads) == 2 else None
        effect = Effect(compared_to="published")
        if why is None:
            effect = compare(ours, theirs, both, how, compared_to="published")
        if _equal(ours, theirs):  # nothing to test
            effect = Effect(compared_to="published", estimate=effect.estimate)
        alone[name] = effect
    ps = corrected([effect.p_alone for effect in alone.values()])
    evens = corrected([effect.equivalence_p_alone for effect in alone.values()])
    own = _of_table(local.table)
    rows = []
    for (name, effect), p, even in zip(alone.items(), ps, evens, strict=True):
        ours, theirs, why = pairs[name]
        full = replace(effect, p=p, equivalence_p=even)
        verdict = why or _verdict(full, ours, theirs)
        rows.append(
            ArmReplication(
                name, theirs, ours, full, verdict, published_verdicts.get(name), own.get(name)
            )
        )
    return tuple(rows)


def _equal(ours: Replicates, theirs: Replicates) -> bool:
    """Whether the replicates that both have are the same but for the last digits.

    Equal trainings are measured equally to about 14 digits; others differ in the third.
    """
    shared = set(ours.numbers) & set(theirs.numbers)
    return bool(shared) and all(
        math.isclose(ours.numbers[key], theirs.numbers[key], rel_tol=1e-9) for key in shared
    )


def _verdict(effect: Effect, ours: Replicates, theirs: Replicates) -> str | None:
    fewest = min(ours.n, theirs.n)
    if fewest == 0:
        return None
    if _equal(ours, theirs):
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
    seen = [one.get("seen", {}) for one in (published, local)]
    pairs = {fact: tuple(", ".join(map(str, one.get(fact, ()))) for one in seen) for fact in _FACTS}
    return {fact: (a, b) for fact, (a, b) in pairs.items() if a and b and a != b}
