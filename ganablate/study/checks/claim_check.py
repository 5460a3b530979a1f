"""Checks of the claims: what they name must be there, and there must be something to compare."""

from collections.abc import Iterator

from ganablate.catalog import DATASETS, FOLDER_PREFIX, metric_columns
from ganablate.study.checks.names import StudyNames
from ganablate.study.claims.claims import (
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
    Visual,
)
from ganablate.study.claims.curve_shapes import (
    LOSS_CURVES,
    CurveSpread,
    Points,
    Reaches,
    Recovery,
    Settles,
)
from ganablate.study.reading.document import read_number
from ganablate.study.reading.errors import Fault, KeyPath
from ganablate.study.reading.wording import unknown

_PROBES = ("walk", "arithmetic", "filters")
"""What a visual claim shows by a probe of that name."""


def claim_faults(names: StudyNames) -> Iterator[Fault]:
    """What is wrong with the claims of a study; `names` holds all its budgets already."""
    check = _ClaimCheck(names)
    seen: set[str] = set()
    for index, claim in enumerate(names.study.claims):
        path: KeyPath = ("claims", index)
        if claim.id in seen:
            message = f"claims: the id {claim.id} is given twice; each claim has its own"
            yield Fault((*path, "id"), message)
        seen.add(claim.id)
        for fault in check.claim(claim, (*path, claim.kind)):
            yield Fault(fault.path, f"claim {claim.id}: {fault.message}")


class _ClaimCheck:
    def __init__(self, names: StudyNames) -> None:
        self.names = names
        self.study = names.study

    def claim(self, claim: Claim, path: KeyPath) -> Iterator[Fault]:
        if claim.budget is not None and claim.budget not in (
            *self.study.budget_names,
            *self.names.broken,
        ):
            message = unknown("a budget of this study", claim.budget, self.study.budget_names)
            yield Fault((*path[:-1], "budget"), message)
        for index, name in enumerate(claim.data):
            if name not in DATASETS and name.removeprefix(FOLDER_PREFIX) not in self.study.folders:
                message = unknown("a data set", name, DATASETS)
                yield Fault((*path[:-1], "data", index), message)
        statement = claim.statement
        if isinstance(statement, AboutArms):
            yield from self._about(statement, path)
        for key, column in _columns_of(statement).items():
            yield from self.names.column(column, (*path, key))
        yield from self._kind(statement, claim.budget, path)

    def _kind(self, statement: Statement, budget: str | None, path: KeyPath) -> Iterator[Fault]:
        match statement:
            case Relation(metric=metric, than=other) if metric == other:
                yield Fault((*path, "than"), f"{metric} would be compared with itself")
            case Association(metric=metric, along=other) if metric == other:
                yield Fault((*path, "with"), f"{metric} would be compared with itself")
            case Association(over="training"):
                yield from self._over_training(statement, budget, path)
            case Compare(metric=metric, to=to, expected=expected):
                yield from self._against(statement, to, (*path, "to"))
                yield from self._directed(metric or self.study.primary, expected, path)
            case Curve():
                yield from self._curve(statement, budget, path)
            case Visual() if statement.show in _PROBES:
                if statement.show not in self.study.probes:
                    message = f"{statement.show} is shown by a probe; add it to `probes`"
                    yield Fault((*path, "show"), message)
            case Arithmetic():
                yield from self._arithmetic(statement, path)

    def _about(self, statement: AboutArms, path: KeyPath) -> Iterator[Fault]:
        if statement.arm is not None:
            yield from self.names.arm(statement.arm, (*path, "arm"))
        for key in ("arms", "some"):
            for index, name in enumerate(getattr(statement, key, ())):
                if name != ALL:
                    yield from self.names.arm(name, (*path, key, index))

    def _against(self, statement: AboutArms, to: tuple[str, ...], path: KeyPath) -> Iterator[Fault]:
        """Whether each arm has another one to be compared with: `to`, or else its own."""
        names, arms = self.names, self.names.arms
        for name in to:
            yield from names.arm(name, path)
            arm = arms.find(name)
            if arm is not None and arm in map(arms.find, statement.named):
                yield Fault(path, f"{name} would be compared with itself")
        if to:
            return
        if ALL in statement.named:
            unlinked = [] if names.linked else ["any arm"]
        else:
            linked = {*names.linked, None}
            unlinked = [name for name in statement.named if arms.find(name) not in linked]
        if unlinked and names.complete:
            message = f"there is nothing to compare {unlinked[0]} with; say {path[-1]}: ARM"
            yield Fault(path, message)

    def _directed(self, name: str, expected: str, path: KeyPath) -> Iterator[Fault]:
        """Better and worse are for columns that have a direction; a loss curve has none."""
        column = self.names.columns.get(name)
        undirected = name in LOSS_CURVES or (column is not None and column.direction == "none")
        if undirected and expected in ("better", "worse"):
            message = f"{name} is neither good nor bad by itself; say lower or higher"
            yield Fault((*path, "is"), message)

    def _over_training(
        self, statement: Association, budget: str | None, path: KeyPath
    ) -> Iterator[Fault]:
        for key, curve in (("metric", statement.metric), ("with", statement.along)):
            yield from self._recorded(curve, budget, (*path, key))
        if statement.to:
            yield from self._against(statement, statement.to, (*path, "to"))

    def _curve(self, statement: Curve, budget: str | None, path: KeyPath) -> Iterator[Fault]:
        yield from self._recorded(statement.metric, budget, (*path, "metric"))
        match statement.shape:
            case Points(expected=expected):
                yield from self._directed(statement.metric, expected, (*path, "points"))
            case Recovery():
                yield from self._directed(statement.metric, "better", (*path, "recovery"))
            case CurveSpread(to=to):
                yield from self._against(statement, to, (*path, "spread", "to"))
            case Settles(before=other) | Reaches(before=other, until=None):
                named = (other,) if other is not None else ()
                where = (*path, statement.shape_name, "before")
                yield from self._against(statement, named, where)

    def _recorded(self, curve: str, budget: str | None, path: KeyPath) -> Iterator[Fault]:
        """Whether there is such a curve, and more than one point of it."""
        curves = [*metric_columns(self.names.on_features()), *LOSS_CURVES]
        if curve not in curves and self.names.metrics_known:
            yield Fault(path, unknown("a curve that this study records", curve, curves))
        if curve in curves and curve not in LOSS_CURVES and self._measures_once(budget):
            message = (
                f"{curve} is measured at the end only, which is no curve; say "
                "`evaluations: 10`, or another number of points, in the study or a budget"
            )
            yield Fault(path, message)
        if curve in LOSS_CURVES and curve not in self.names.losses and self.names.complete:
            lacking = "a penalty" if curve == "d/penalty" else "a trainer that records it"
            message = f"no arm of this study has {lacking}, so there is no curve {curve}"
            yield Fault(path, message)

    def _measures_once(self, budget: str | None) -> bool:
        """Whether images are measured at the end only, at this budget or else at every one."""
        study = self.study
        names = [budget] if budget in study.budget_names else study.budget_names
        counts = (study.budget(name).evaluations for name in names if name is not None)
        return all((count or study.evaluations) == 1 for count in counts)

    def _arithmetic(self, statement: Arithmetic, path: KeyPath) -> Iterator[Fault]:
        names = sorted({n.metric or n.quantity or "" for n in self.study.published})
        if statement.published is not None and statement.published not in names:
            message = unknown("among the published numbers", statement.published, names)
            yield Fault((*path, "published"), message)
        if read_number(statement.than) is None and statement.than not in names:
            message = unknown("a number or among the published ones", statement.than, names)
            yield Fault((*path, "than"), message)


def _columns_of(statement: Statement) -> dict[str, str]:
    """The columns a statement names, by the key that names them."""
    match statement:
        case Relation():
            return {"metric": statement.metric, "than": statement.than}
        case Association() if statement.over != "training":
            return {"metric": statement.metric, "with": statement.along}
        case Compare() | NoneStated() if statement.metric is not None:
            return {"metric": statement.metric}
    return {}
