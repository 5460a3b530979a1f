"""Checks that take the whole study: every budget, and every name that refers to something."""

from collections.abc import Iterable, Iterator

from ganablate.catalog import METRICS, Column, metric_columns
from ganablate.study.claim_check import claim_faults
from ganablate.study.errors import Fault, KeyPath
from ganablate.study.known import Known
from ganablate.study.layout import Layout, lay_out
from ganablate.study.plan import FULL
from ganablate.study.schema import Study
from ganablate.study.wording import unknown


def check(study: Study, broken: Iterable[str] = (), lost: Iterable[str] = ()) -> list[Fault]:
    """Everything that is wrong with a study whose shape is right.

    `broken` are names of arms, factors and budgets that were left out because their shape is
    wrong, `lost` whole sections: naming one of those is not a second problem.
    """
    return list(_Check(study, set(broken), set(lost)).faults())


class _Check:
    def __init__(self, study: Study, broken: set[str], lost: set[str]) -> None:
        self.study = study
        self.broken = frozenset(broken)
        """By their shape: a budget that restates one of these makes no second problem."""
        self.known = Known(study, broken, lost)

    def faults(self) -> Iterator[Fault]:
        yield from self._names()
        yield from self._budgets()
        yield from self._published()
        yield from claim_faults(self.known)

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
        yield from self.known.column(study.primary, ("primary",), "primary: ")

    def _budgets(self) -> Iterator[Fault]:
        """The study at every budget; what is wrong at several is said once."""
        said: set[Fault] = set()
        idle: list[set[int]] = []
        for label in dict.fromkeys(self.study.budget_names):
            layout = lay_out(self.study, label)
            self.known.include(layout)
            idle.append(layout.idle_excludes)
            for fault in (*layout.faults, *self._at_budget(layout)):
                if fault in said or self._follows(fault):
                    continue
                said.add(fault)
                own = fault.path[:2] == ("budgets", label)
                at = "" if label == FULL or own else f"at the budget {label}: "
                yield Fault(fault.path, at + fault.message)
        for index in sorted(set.intersection(*idle)):
            message = "exclude: this matches no arm; correct it or leave it out"
            yield Fault(("exclude", index), message)

    def _follows(self, fault: Fault) -> bool:
        """Whether a budget restates an entry that was left out for its shape."""
        key = str(fault.path[2]) if len(fault.path) == 3 else ""
        return fault.path[0] == "budgets" and key.partition(".")[2] in self.broken

    def _at_budget(self, layout: Layout) -> Iterator[Fault]:
        without: dict[str, None] = {}
        for row in layout.rows:
            data = row.resolution.data
            if data is not None and data.extractor is None:
                without[row.resolution.values["dataset"]] = None
        for dataset in without:
            for metric in self.known.on_features():
                path = ("metrics", self.study.metrics.index(metric))
                message = (
                    f"metrics: {metric} needs image features, and {dataset} has no extractor for "
                    "them; leave the metric out or take another data set"
                )
                yield Fault(path, message)

    def _published(self) -> Iterator[Fault]:
        every: dict[str, Column] = metric_columns(list(METRICS))
        for index, number in enumerate(self.study.published):
            path: KeyPath = ("published", index)
            for fault in self.known.arm(number.arm, (*path, "arm")):
                yield Fault(fault.path, f"published: {fault.message}")
            if number.metric is not None and number.metric not in every:
                message = unknown("a column of any metric", number.metric, every)
                yield Fault((*path, "metric"), f"published: {message} (or say quantity: TEXT)")
