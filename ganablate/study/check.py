"""Checks that take the whole study: every budget, and every name that refers to something."""

from collections.abc import Iterable, Iterator

from ganablate.catalog import METRICS, Column, metric_columns
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
from ganablate.study.layout import Layout, lay_out
from ganablate.study.names import ArmNames
from ganablate.study.plan import FULL
from ganablate.study.schema import RESTATED, Study, folder_names
from ganablate.study.wording import unknown

LOSS_CURVES = ("d/criterion", "g/criterion", "d/penalty", "d/accuracy_real", "d/accuracy_fake")
"""Recorded at every step; a curve claim may name one, or a column measured on images."""


def check(study: Study, broken: Iterable[str] = (), lost: Iterable[str] = ()) -> list[Fault]:
    """Everything that is wrong with a study whose shape is right.

    `broken` are names of arms, factors and budgets that were left out because their shape is
    wrong, `lost` whole sections: naming one of those is not a second problem.
    """
    return list(_Check(study, set(broken), set(lost)).faults())


class _Check:
    def __init__(self, study: Study, broken: set[str], lost: set[str]) -> None:
        self.study = study
        self.broken = broken
        self.arms_known = lost.isdisjoint(RESTATED)
        self.arms = ArmNames(folder_names(study.folders))
        known = [name for name in study.metrics if name in METRICS]
        self.columns = metric_columns(known)
        self.metrics_known = len(known) == len(study.metrics)

    def faults(self) -> Iterator[Fault]:
        yield from self._names()
        yield from self._budgets()
        yield from self._published()
        seen: dict[str, int] = {}
        for index, claim in enumerate(self.study.claims):
            path: KeyPath = ("claims", index)
            if claim.id in seen:
                message = f"claims: the id {claim.id} is given twice; each claim has its own"
                yield Fault((*path, "id"), message)
            seen[claim.id] = index
            for fault in self._claim(claim, (*path, claim.kind)):
                yield Fault(fault.path, f"claim {claim.id}: {fault.message}")

    def _names(self) -> Iterator[Fault]:
        study = self.study
        for index, metric in enumerate(study.metrics):
            path: KeyPath = ("metrics", index)
            if metric not in METRICS:
                yield Fault(path, f"metrics: {unknown('a metric', metric, METRICS)}")
            elif metric in study.metrics[:index]:
                yield Fault(path, f"metrics: {metric} is given twice")
        if FULL in study.budgets:
            message = "budgets: full is the study itself, unchanged; name this budget otherwise"
            yield Fault(("budgets", FULL), message)
        if study.default_budget not in (*study.budget_names, *self.broken):
            message = unknown("a budget of this study", study.default_budget, study.budget_names)
            yield Fault(("default_budget",), f"default_budget: {message}")
        yield from self._column(study.primary, ("primary",), "primary: ")

    def _budgets(self) -> Iterator[Fault]:
        """The study at every budget; what is wrong at several is said once."""
        said: set[Fault] = set()
        for label in dict.fromkeys(self.study.budget_names):
            layout = lay_out(self.study, label)
            self.arms.include(layout.names)
            self.broken |= layout.broken
            for fault in (*layout.faults, *self._at_budget(layout, label)):
                if fault in said or self._follows(fault):
                    continue
                said.add(fault)
                own = fault.path[:2] == ("budgets", label)
                at = "" if label == FULL or own else f"at the budget {label}: "
                yield Fault(fault.path, at + fault.message)

    def _follows(self, fault: Fault) -> bool:
        """Whether a budget restates an entry that was left out."""
        key = str(fault.path[2]) if len(fault.path) == 3 else ""
        return fault.path[0] == "budgets" and key.partition(".")[2] in self.broken

    def _at_budget(self, layout: Layout, label: str) -> Iterator[Fault]:
        if label == FULL:
            for index in sorted(layout.idle_excludes):
                message = "exclude: this matches no arm; correct it or leave it out"
                yield Fault(("exclude", index), message)
        without: dict[str, None] = {}
        for row in layout.rows:
            data = row.resolution.data
            if data is not None and data.extractor is None:
                without[row.resolution.values["dataset"]] = None
        for dataset in without:
            for metric in self._on_features():
                path = ("metrics", self.study.metrics.index(metric))
                message = (
                    f"metrics: {metric} needs image features, and {dataset} has no extractor for "
                    "them; leave the metric out or take another data set"
                )
                yield Fault(path, message)

    def _on_features(self) -> list[str]:
        known = [name for name in self.study.metrics if name in METRICS]
        return [name for name in known if METRICS[name].needs == "features"]

    def _arm(self, name: str, path: KeyPath) -> Iterator[Fault]:
        if self.arms.find(name) is None and not self._is_broken(name):
            yield Fault(path, unknown("an arm of this study", name, self.arms.all()))

    def _is_broken(self, name: str) -> bool:
        if not self.arms_known or not self.broken.isdisjoint((name, name.partition(":")[0])):
            return True
        factors = (part.partition("=")[0].rpartition(":")[2] for part in name.split(","))
        return "=" in name and not self.broken.isdisjoint(factors)

    def _column(self, name: str, path: KeyPath, before: str = "") -> Iterator[Fault]:
        if name not in self.columns and self.metrics_known:
            message = unknown("a column that this study's metrics yield", name, self.columns)
            metric = next((m for m, entry in METRICS.items() if name in entry.columns), None)
            if metric is not None:
                message += f"; add {metric} to `metrics`"
            yield Fault(path, before + message)

    def _published(self) -> Iterator[Fault]:
        every: dict[str, Column] = metric_columns(list(METRICS))
        for index, number in enumerate(self.study.published):
            path: KeyPath = ("published", index)
            for fault in self._arm(number.arm, (*path, "arm")):
                yield Fault(fault.path, f"published: {fault.message}")
            if number.metric is not None and number.metric not in every:
                message = unknown("a column of any metric", number.metric, every)
                yield Fault((*path, "metric"), f"published: {message} (or say quantity: TEXT)")

    def _claim(self, claim: Claim, path: KeyPath) -> Iterator[Fault]:
        if claim.budget is not None and claim.budget not in (
            *self.study.budget_names,
            *self.broken,
        ):
            message = unknown("a budget of this study", claim.budget, self.study.budget_names)
            yield Fault((*path[:-1], "budget"), message)
        statement = claim.statement
        if isinstance(statement, AboutArms):
            yield from self._about(statement, path)
        for key, column in _columns_of(statement).items():
            yield from self._column(column, (*path, key))
        match statement:
            case Compare():
                yield from self._compare(statement, path)
            case Curve():
                yield from self._curve(statement, path)
            case Arithmetic():
                yield from self._arithmetic(statement, path)

    def _about(self, statement: AboutArms, path: KeyPath) -> Iterator[Fault]:
        if statement.arm is not None:
            yield from self._arm(statement.arm, (*path, "arm"))
        for index, name in enumerate(statement.arms):
            if name != ALL:
                yield from self._arm(name, (*path, "arms", index))

    def _compare(self, statement: Compare, path: KeyPath) -> Iterator[Fault]:
        if statement.to is not None:
            yield from self._arm(statement.to, (*path, "to"))
            found = self.arms.find(statement.to)
            if found is not None and found in map(self.arms.find, statement.named):
                yield Fault((*path, "to"), f"{statement.to} would be compared with itself")
        column = self.columns.get(statement.metric or self.study.primary)
        directed = statement.expected in ("better", "worse")
        if directed and column is not None and column.direction == "none":
            name = statement.metric or self.study.primary
            message = f"{name} is neither good nor bad by itself; say lower or higher"
            yield Fault((*path, "is"), message)

    def _curve(self, statement: Curve, path: KeyPath) -> Iterator[Fault]:
        curves = [*metric_columns(self._on_features()), *LOSS_CURVES]
        if statement.metric not in curves and self.metrics_known:
            message = unknown("a curve that this study records", statement.metric, curves)
            yield Fault((*path, "metric"), message)
        if statement.spread is not None and statement.spread.to is not None:
            yield from self._arm(statement.spread.to, (*path, "spread", "to"))
        if statement.reaches is not None and statement.reaches.before is not None:
            yield from self._arm(statement.reaches.before, (*path, "reaches", "before"))

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
