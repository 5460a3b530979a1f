"""Checks that take the whole study: every budget, and every name that refers to something."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from ganablate.catalog import (
    DATASETS,
    METRICS,
    NAMED_EXTRACTORS,
    NETWORKS,
    PROBES,
    TRAINERS,
    Column,
    Part,
    metric_columns,
    probe_columns,
)
from ganablate.study.arms.grid import size_faults
from ganablate.study.arms.layout import Layout, lay_out
from ganablate.study.arms.resolve import Resolution
from ganablate.study.checks.claim_check import claim_faults
from ganablate.study.checks.names import StudyNames
from ganablate.study.plan import FULL
from ganablate.study.points import point_faults
from ganablate.study.reading.errors import Fault, KeyPath
from ganablate.study.reading.wording import unknown, unknown_part
from ganablate.study.schema import OWN, Study
from ganablate.study.search.plan_search import search_faults

MOST_FAULTS = 200
"""Further ones are not looked for: nobody reads them, and each costs time."""


def check(study: Study, broken: Iterable[str] = (), lost: Iterable[str] = ()) -> list[Fault]:
    """Everything that is wrong with a study whose shape is right.

    `broken` are names of arms, factors and budgets that were left out because their shape is
    wrong, `lost` whole sections: naming one of those is not a second problem. A study that is too
    large to be expanded is not looked at any further.
    """
    too_large = list(size_faults(study))
    if too_large:
        return too_large
    return list(islice(_Check(study, set(broken), set(lost)).faults(), MOST_FAULTS))


class _Check:
    def __init__(self, study: Study, broken: set[str], lost: set[str]) -> None:
        self.study = study
        self.broken = frozenset(broken)
        """By their shape: a budget that restates one of these makes no second problem."""
        self.names = StudyNames(study, broken, lost)

    def faults(self) -> Iterator[Fault]:
        yield from self._names()
        yield from self._budgets()
        yield from self._losses()
        yield from self._published()
        yield from self._evaluations()
        yield from self._points()
        yield from claim_faults(self.names)

    def _names(self) -> Iterator[Fault]:
        study = self.study
        yield from _keys("metrics", "a metric", study.metrics, METRICS)
        yield from _keys("probes", "a probe", study.probes, PROBES)
        for section in ("arms", "budgets", "folders"):
            yield from _but_for_case(section, getattr(study, section))
        if FULL in study.budgets:
            message = "budgets: full is the study itself, unchanged; name this budget otherwise"
            yield Fault(("budgets", FULL), message)
        if study.default_budget not in (*study.budget_names, *self.broken):
            message = unknown("a budget of this study", study.default_budget, study.budget_names)
            yield Fault(("default_budget",), f"default_budget: {message}")
        for index, name in enumerate(study.primaries):
            path: KeyPath = ("primary", index)
            for fault in self.names.column(name, path, "primary: "):
                hint = f"; several are a list: [{name}]" if "," in name else ""
                yield Fault(path, fault.message + hint)
            if name in study.primaries[:index]:
                yield Fault(path, f"primary: {name} is given twice")

    def _budgets(self) -> Iterator[Fault]:
        """The study at every budget; what is wrong at several is reported once."""
        reported: set[Fault] = set()
        idle: list[set[int]] = []
        for label in dict.fromkeys(self.study.budget_names):
            layout = lay_out(self.study, label)
            self.names.include(layout)
            idle.append(layout.idle_excludes)
            extractor = self.study.extractor_at(label)
            searched = search_faults(self.study, label, layout)
            for fault in (*layout.faults, *self._at_budget(layout, extractor), *searched):
                if fault in reported or self._follows(fault):
                    continue
                reported.add(fault)
                in_budget = label == FULL or fault.path[:2] == ("budgets", label)
                prefix = "" if in_budget else f"at the budget {label}: "
                yield Fault(fault.path, prefix + fault.message)
        for index in sorted(set.intersection(*idle)):
            message = "exclude: this matches no arm; correct it or leave it out"
            yield Fault(("exclude", index), message)

    def _follows(self, fault: Fault) -> bool:
        """Whether a budget restates an entry that was left out for its shape."""
        key = str(fault.path[2]) if len(fault.path) == 3 else ""
        return fault.path[0] == "budgets" and key.partition(".")[2] in self.broken

    def _at_budget(self, layout: Layout, extractor: str | None) -> Iterator[Fault]:
        resolutions = [row.resolution for row in layout.rows]
        unmeasured = dict.fromkeys(
            resolution.get("dataset")
            for resolution in resolutions
            if resolution.data is not None and resolution.data.extractor is None
        )
        for metric in self.names.on_features():
            path: KeyPath = ("metrics", self.study.metrics.index(metric))
            for dataset in unmeasured if extractor is None else ():
                message = (
                    f"metrics: {metric} needs image features, and {dataset} has no extractor for "
                    "them; leave the metric out or take another data set"
                )
                yield Fault(path, message)
            if (reason := _not_told(metric, extractor)) is not None:
                advice = "leave the metric out or measure with `extractor: own`"
                yield Fault(path, f"metrics: {metric} {reason}; {advice}")
        yield from self._probes(resolutions)

    def _losses(self) -> Iterator[Fault]:
        """Metrics of losses that no arm records."""
        for index, name in enumerate(self.study.metrics if self.names.complete else ()):
            of_losses = name in METRICS and METRICS[name].needs == "losses"
            keys = METRICS[name].reads if of_losses else ()
            if lacking := [key for key in keys if key not in self.names.losses]:
                message = (
                    f"metrics: {name} is made of the loss {lacking[0]}, and the trainer "
                    f"{' or '.join(self.names.trainers)} records none; leave the metric out"
                )
                yield Fault(("metrics", index), message)

    def _probes(self, resolutions: Sequence[Resolution]) -> Iterator[Fault]:
        """Probes that lack what they need in some arm."""
        for index, name in enumerate(self.study.probes):
            for need in ("pair", *PROBES[name].needs) if name in PROBES else ():
                lacking = (_lacking(need, resolution) for resolution in resolutions)
                for owner in filter(None, dict.fromkeys(lacking)):
                    other = {"pair": "trainer", "convolutions": "network"}.get(need, "data set")
                    message = (
                        f"probes: {name} needs {_NEEDS[need]}, and {owner} has none; leave the "
                        f"probe out or take another {other}"
                    )
                    yield Fault(("probes", index), message)

    def _evaluations(self) -> Iterator[Fault]:
        """Keys about metrics on images, where the study has none."""
        if not self.names.metrics_known or self.names.on_features():
            return
        reason = "no metric of this study is measured on images"
        lines = {name: line for name, line in METRICS.items() if line.needs == "features"}
        if self.study.evaluations > 1:
            advice = f"and losses have every step anyway; add one of: {', '.join(lines)}"
            yield Fault(("evaluations",), f"evaluations: {reason}, {advice}")
        if self.study.extractor != OWN:
            fitting = (name for name, line in lines.items() if not line.counts_classes)
            yield Fault(("extractor",), f"extractor: {reason}; add one of: {', '.join(fitting)}")

    def _published(self) -> Iterator[Fault]:
        columns: dict[str, Column] = {**metric_columns(list(METRICS)), **probe_columns(PROBES)}
        seen: set[tuple[str, str]] = set()
        for index, number in enumerate(self.study.published):
            path: KeyPath = ("published", index)
            for fault in self.names.arm(number.arm, (*path, "arm")):
                yield Fault(fault.path, f"published: {fault.message}")
            if number.metric is None:
                continue
            messages = []
            cell = (self.names.arms.find(number.arm) or number.arm, number.metric)
            if cell in seen:
                messages.append(f"{number.metric} of {number.arm} is given twice")
            seen.add(cell)
            if number.metric not in columns:
                messages.append(unknown("a column of any metric or probe", number.metric, columns))
            for message in messages:
                yield Fault((*path, "metric"), f"published: {message} (or say quantity: TEXT)")

    def _points(self) -> Iterator[Fault]:
        columns = metric_columns(self.names.on_features())
        budgets = (budget.evaluations for budget in self.study.budgets.values())
        counts = [self.study.evaluations, *(count for count in budgets if count is not None)]
        for name, point in self.study.points.items():
            path: KeyPath = ("points", name)
            if name not in columns:
                if self.names.metrics_known:
                    what = "a column that this study measures on images"
                    yield Fault(path, f"points: {unknown(what, name, columns)}")
                continue
            for message in point_faults(name, point, columns[name].direction, counts):
                yield Fault(path, f"points.{name}: {message}")


_NEEDS = {
    "pair": "a generator and a discriminator",
    "labels": "labels",
    "classifier": "a classifier of the images (an extractor)",
    "convolutions": "convolutions in the discriminator",
}


def _keys(
    section: str, what: str, given: Sequence[str], table: Mapping[str, Part]
) -> Iterator[Fault]:
    """What is wrong with a list of names from a table of the catalog."""
    seen: set[str] = set()
    for index, name in enumerate(given):
        path: KeyPath = (section, index)
        if name not in table:
            of = [part for part, line in table.items() if name in getattr(line, "columns", ())]
            column = f'"{name}" is a column of {of[0]}: write that' if of else ""
            yield Fault(path, f"{section}: {column or unknown_part(what, name, table)}")
        elif name in seen:
            yield Fault(path, f"{section}: {name} is given twice")
        seen.add(name)


def _but_for_case(section: str, names: Iterable[str]) -> Iterator[Fault]:
    """Names that some file systems, and tired eyes, take for one."""
    seen: dict[str, str] = {}
    for name in names:
        first = seen.setdefault(name.lower(), name)
        if first != name:
            message = f"{section}: {name} differs from {first} by its case only; rename one"
            yield Fault((section, name), message)


def _not_told(metric: str, extractor: str | None) -> str | None:
    """Why a named extractor cannot give this metric its classes; None: it can, or need not."""
    if extractor is None:
        return None
    if METRICS[metric].counts_classes:
        return f"counts the data set's own classes, and {extractor} tells others"
    if METRICS[metric].reads_classes and not NAMED_EXTRACTORS[extractor].classifies:
        return f"needs classes, and {extractor} tells none"
    return None


def _lacking(need: str, resolution: Resolution) -> str | None:
    """The trainer, the data set or the network of an arm that has not what a probe needs."""
    dataset: str | None = resolution.get("dataset")
    if need == "pair":
        trainer: str = resolution.get("trainer") or "gan"
        return None if TRAINERS[trainer].has_pair else trainer
    if need == "convolutions":
        network: str | None = resolution.get("network")
        return network if network in NETWORKS and not NETWORKS[network].convolutions else None
    if resolution.data is None:
        return None  # the data set's name is wrong, which another check reports
    if need == "labels":
        has_it = dataset in DATASETS and DATASETS[dataset].classes is not None
    else:
        has_it = resolution.data.extractor is not None
    return None if has_it else dataset
