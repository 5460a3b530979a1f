"""Checks of the claims: what they name must be there, and there must be something to compare."""

from collections.abc import Iterator

from ganablate.catalog import metric_columns
from ganablate.study.claims import (
    ALL,
    AboutArms,
    Arithmetic,
    Association,
    Claim,
    Compare,
    Curve,
    NoneStated,
    Relation,
    Statement,
)
from ganablate.study.document import read_number
from ganablate.study.errors import Fault, KeyPath
from ganablate.study.known import Known
from ganablate.study.wording import unknown

LOSS_CURVES = ("d/criterion", "g/criterion", "d/penalty")
"""Recorded at every step; a curve claim may name one, or a column measured on images."""


def claim_faults(known: Known) -> Iterator[Fault]:
    """What is wrong with the claims of a study; `known` holds all its budgets already."""
    check = _ClaimCheck(known)
    seen: set[str] = set()
    for index, claim in enumerate(known.study.claims):
        path: KeyPath = ("claims", index)
        if claim.id in seen:
            message = f"claims: the id {claim.id} is given twice; each claim has its own"
            yield Fault((*path, "id"), message)
        seen.add(claim.id)
        for fault in check.claim(claim, (*path, claim.kind)):
            yield Fault(fault.path, f"claim {claim.id}: {fault.message}")


class _ClaimCheck:
    def __init__(self, known: Known) -> None:
        self.known = known
        self.study = known.study

    def claim(self, claim: Claim, path: KeyPath) -> Iterator[Fault]:
        if claim.budget is not None and claim.budget not in (
            *self.study.budget_names,
            *self.known.broken,
        ):
            message = unknown("a budget of this study", claim.budget, self.study.budget_names)
            yield Fault((*path[:-1], "budget"), message)
        statement = claim.statement
        if isinstance(statement, AboutArms):
            yield from self._about(statement, path)
        for key, column in _columns_of(statement).items():
            yield from self.known.column(column, (*path, key))
        match statement:
            case Relation() if statement.metric == statement.than:
                message = f"{statement.metric} would be compared with itself"
                yield Fault((*path, "than"), message)
            case Association() if statement.metric == statement.along:
                message = f"{statement.metric} would be compared with itself"
                yield Fault((*path, "with"), message)
            case Compare():
                yield from self._compare(statement, path)
            case Curve():
                yield from self._curve(statement, claim.budget, path)
            case Arithmetic():
                yield from self._arithmetic(statement, path)

    def _about(self, statement: AboutArms, path: KeyPath) -> Iterator[Fault]:
        if statement.arm is not None:
            yield from self.known.arm(statement.arm, (*path, "arm"))
        for index, name in enumerate(statement.arms):
            if name != ALL:
                yield from self.known.arm(name, (*path, "arms", index))

    def _against(self, statement: AboutArms, to: str | None, path: KeyPath) -> Iterator[Fault]:
        """Whether each arm has another one to be compared with: `to`, or else its own."""
        known = self.known
        if to is not None:
            found = known.arms.find(to)
            if found is not None and found in map(known.arms.find, statement.named):
                yield Fault(path, f"{to} would be compared with itself")
            return
        if ALL in statement.named:
            unlinked = [] if known.linked else ["any arm"]
        else:
            found_arms = {name: known.arms.find(name) for name in statement.named}
            unlinked = [name for name, arm in found_arms.items() if arm and arm not in known.linked]
        if unlinked and known.complete:
            message = f"there is nothing to compare {unlinked[0]} with; say {path[-1]}: ARM"
            yield Fault(path, message)

    def _compare(self, statement: Compare, path: KeyPath) -> Iterator[Fault]:
        if statement.to is not None:
            yield from self.known.arm(statement.to, (*path, "to"))
        yield from self._against(statement, statement.to, (*path, "to"))
        column = self.known.columns.get(statement.metric or self.study.primary)
        directed = statement.expected in ("better", "worse")
        if directed and column is not None and column.direction == "none":
            name = statement.metric or self.study.primary
            message = f"{name} is neither good nor bad by itself; say lower or higher"
            yield Fault((*path, "is"), message)

    def _curve(self, statement: Curve, budget: str | None, path: KeyPath) -> Iterator[Fault]:
        curves = [*metric_columns(self.known.on_features()), *LOSS_CURVES]
        if statement.metric not in curves and self.known.metrics_known:
            message = unknown("a curve that this study records", statement.metric, curves)
            yield Fault((*path, "metric"), message)
        if statement.metric in curves and statement.metric not in LOSS_CURVES:
            yield from self._evaluated(statement, budget, path)
        if statement.metric == "d/penalty" and not self.known.penalty and self.known.complete:
            message = "no arm of this study has a penalty, so there is no curve d/penalty"
            yield Fault((*path, "metric"), message)
        if statement.spread is not None:
            other, where = statement.spread.to, (*path, "spread", "to")
            yield from self._against(statement, other, where)
        elif statement.reaches is not None and statement.reaches.before is not None:
            other, where = statement.reaches.before, (*path, "reaches", "before")
            yield from self._against(statement, other, where)
        else:
            return
        if other is not None:
            yield from self.known.arm(other, where)

    def _evaluated(self, statement: Curve, judged_at: str | None, path: KeyPath) -> Iterator[Fault]:
        names = [judged_at] if judged_at in self.study.budget_names else self.study.budget_names
        counts = (self.study.budget(name).evaluations for name in names if name is not None)
        if all((count or self.study.evaluations) == 1 for count in counts):
            message = (
                f"{statement.metric} is measured at the end only, which is no curve; say "
                "`evaluations: 10`, or another number of points, in the study or a budget"
            )
            yield Fault((*path, "metric"), message)

    def _arithmetic(self, statement: Arithmetic, path: KeyPath) -> Iterator[Fault]:
        known = {n.metric or n.quantity or "" for n in self.study.published}
        if statement.published is not None and statement.published not in known:
            message = unknown("among the published numbers", statement.published, sorted(known))
            yield Fault((*path, "published"), message)
        if read_number(statement.than) is None and statement.than not in known:
            message = unknown("a number or among the published ones", statement.than, sorted(known))
            yield Fault((*path, "than"), message)


def _columns_of(statement: Statement) -> dict[str, str]:
    """The columns a statement names, by the key that names them."""
    match statement:
        case Relation():
            return {"metric": statement.metric, "than": statement.than}
        case Association():
            return {"metric": statement.metric, "with": statement.along}
        case Compare() | NoneStated() if statement.metric is not None:
            return {"metric": statement.metric}
    return {}
