"""The arms of a study at one budget: resolved, named, checked against each other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ganablate.catalog import SETTINGS
from ganablate.study.arms.excludes import Exclusion, read_excludes
from ganablate.study.arms.levels import Draft, LevelReader
from ganablate.study.arms.names import ArmNames
from ganablate.study.arms.resolve import BOTTOM, Resolution, Stack, finish, put
from ganablate.study.arms.settings import axes, read_layer
from ganablate.study.plan import BASELINE, NULL
from ganablate.study.reading.errors import Fault, KeyPath, dotted
from ganablate.study.reading.wording import show, unknown
from ganablate.study.schema import RESTATED, Budget, Study

_MOST_OF_A_CIRCLE = 10


@dataclass(frozen=True, slots=True)
class Row:
    """An arm of the layout. `changes` are the settings that its draft gives, by field."""

    name: str
    path: KeyPath
    resolution: Resolution
    changes: tuple[str, ...]
    compare_to: str | None
    null: bool = False


@dataclass
class Layout:
    """What a study comes to at a budget, with everything that is wrong with it there."""

    rows: list[Row] = field(default_factory=list)
    excluded: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    names: ArmNames = field(default_factory=ArmNames)
    broken: set[str] = field(default_factory=set)
    idle_excludes: set[int] = field(default_factory=set)
    has_baseline: bool = True
    cells: dict[tuple[str, ...], str | None] = field(default_factory=dict)
    """Levels of a cell of the cross -> its arm; None: left out."""


def lay_out(study: Study, label: str) -> Layout:
    """Resolve every arm of the study at the budget called `label`; once for each budget.

    Raises:
        KeyError: the study has no such budget.
    """
    if label not in study.layouts:
        study.layouts[label] = _Builder(study, study.budget(label), ("budgets", label)).build()
    layout: Layout = study.layouts[label]
    return layout


class _Builder:
    def __init__(self, study: Study, budget: Budget, path: KeyPath) -> None:
        self.study = study
        self.budget = budget
        self.path = path
        self.folders = list(study.folders)
        self.layout = Layout(names=ArmNames(self.folders))
        self.reader = LevelReader(self.folders, self.layout.faults)
        self.seen: dict[tuple[Any, ...], str] = {}
        self.layout.has_baseline = bool(study.ablate or study.arms or not study.cross)

    def build(self) -> Layout:
        layout, study = self.layout, self.study
        base = put(BOTTOM, read_layer(study.base, ("base",), self.folders, layout.faults))
        budget_layer = read_layer(self.budget.base, self.path, self.folders, layout.faults)
        stack = put(base, budget_layer)
        self._check_restated(budget_layer.paths)
        bottom = finish(stack, study.folders)
        excludes = self._excludes(bottom)
        if layout.has_baseline:
            layout.faults.extend(bottom.faults)
            self._add(Row(BASELINE, ("base",), bottom, (), None))
        for draft in self._drafts():
            self._place(draft, stack, bottom, excludes)
        layout.broken |= self.reader.broken
        if layout.broken:
            # An exclude may be meant for the arm that could not be read.
            layout.idle_excludes.clear()
        self._choose_baseline()
        self._add_null()
        self._link()
        if not layout.rows and not layout.faults:
            layout.faults.append(Fault(("exclude",), "exclude: no arm of the study is left"))
        return layout

    def _add(self, row: Row) -> None:
        self.layout.rows.append(row)
        self.layout.names.add(row.name)
        self.seen[row.resolution.identity] = row.name

    def _restated(self, section: str, name: str, given: object) -> tuple[object, KeyPath]:
        key = f"{section}.{name}"
        if key in self.budget.settings:
            return self.budget.settings[key], (*self.path, key)
        return given, (section, name)

    def _drafts(self) -> Iterator[Draft]:
        study = self.study
        for factor, levels in study.ablate.items():
            yield from self.reader.ablation(factor, *self._restated("ablate", factor, levels))
        if study.cross:
            yield from self.reader.cross(
                {name: self._restated("cross", name, given) for name, given in study.cross.items()}
            )
        for name, arm in study.arms.items():
            changes, path = self._restated("arms", name, arm.changes)
            if isinstance(changes, dict):
                yield from self.reader.named(name, changes, arm.compare_to, path)
            else:
                message = f"{dotted(path)}: {show(changes)} is given; a mapping is needed"
                self.layout.faults.append(Fault(path, message))

    def _check_restated(self, touched: Mapping[str, KeyPath]) -> None:
        """What a budget sets must not be varied, unless the levels are stated anew."""
        study, settings = self.study, self.budget.settings
        sections: dict[str, Mapping[str, Any]] = {
            "ablate": study.ablate,
            "cross": study.cross,
            "arms": study.arms,
            "search": study.search,
        }
        for key in self.budget.restated:
            section, _, name = key.partition(".")
            if name not in sections.get(section, ()):
                allowed = [f"{part}.{entry}" for part in sections for entry in sections[part]]
                message = unknown("restating anything of the study", key, allowed)
                path = (*self.path, key)
                self.layout.faults.append(Fault(path, f"{dotted(self.path)}: {message}"))
        varied = {f"{part}.{name}": [name] for part in RESTATED[:2] for name in sections[part]}
        varied |= {f"arms.{name}": list(arm.changes) for name, arm in study.arms.items()}
        varied |= {f"search.{name}": [name] for name in study.search}
        by_axis = {axis: path for name, path in touched.items() for axis in axes(name)}
        hits: dict[KeyPath, list[str]] = {}
        for key, names in varied.items():
            varied_axes = [axis for name in names if name in SETTINGS for axis in axes(name)]
            hit = [by_axis[axis] for axis in varied_axes if axis in by_axis]
            if hit and key not in settings:
                hits.setdefault(hit[0], []).append(key)
        for path, keys in hits.items():
            message = (
                f"{dotted(path)}: the study varies this in {', '.join(keys)}; state the levels for "
                f"this budget too ({keys[0]}: ...)"
            )
            self.layout.faults.append(Fault(path, message))

    def _excludes(self, bottom: Resolution) -> list[Exclusion]:
        layout, found = self.layout, []
        for exclusion in read_excludes(self.study.exclude, self.folders, layout.faults):
            if layout.has_baseline and exclusion.matches(bottom, {}):
                message = "exclude: this leaves out the baseline; name what differs from it"
                layout.faults.append(Fault(exclusion.path, message))
            else:
                found.append(exclusion)
                layout.idle_excludes.add(exclusion.index)
        return found

    def _place(
        self,
        draft: Draft,
        stack: Stack,
        bottom: Resolution,
        excludes: list[Exclusion],
    ) -> None:
        layout = self.layout
        resolution = finish(put(stack, draft.layer), self.study.folders)
        for exclusion in excludes:
            if exclusion.matches(resolution, draft.layer.values):
                layout.idle_excludes.discard(exclusion.index)
                layout.excluded.append((draft.name, exclusion.because))
                layout.names.leave_out(draft.name, exclusion.because)
                if draft.cell:
                    layout.cells[draft.cell] = None
                return
        known = bottom.faults if layout.has_baseline else ()
        new = [fault for fault in resolution.faults if fault not in known]
        layout.faults.extend(new)
        same = self.seen.get(resolution.identity)
        if draft.cell:
            layout.cells[draft.cell] = same or draft.name
        if same is None:
            changes = tuple(draft.layer.values)
            self._add(Row(draft.name, draft.path, resolution, changes, draft.compare_to))
        elif draft.cell:
            layout.names.add(draft.name, stands_for=same)
        elif not new:
            layout.broken.add(draft.name)
            layout.faults.append(Fault(draft.path, _same_message(draft, same)))

    def _choose_baseline(self) -> None:
        study, layout = self.study, self.layout
        if study.baseline is None:
            return
        path: KeyPath = ("baseline",)
        if not study.cross or study.ablate or study.arms:
            message = (
                "baseline: names a cell of a cross; with ablate or arms (or without a cross) the "
                "base is the baseline, so leave it out"
            )
            layout.faults.append(Fault(path, message))
            return
        name = layout.names.find(study.baseline)
        if name is None:
            if not layout.broken:
                message = f"baseline: {layout.names.refusal(study.baseline, 'an arm of the cross')}"
                layout.faults.append(Fault(path, message))
            return
        layout.rows.sort(key=lambda row: row.name != name)
        layout.has_baseline = True
        layout.names.baseline = name

    def _add_null(self) -> None:
        """The baseline once more, last; its seeds are what makes it another arm."""
        layout = self.layout
        path: KeyPath = ("null_arm",)
        if not self.study.null_arm or not layout.rows:
            return
        if any(row.name == NULL for row in layout.rows):
            message = f"null_arm: the study has an arm called {NULL} already; name it otherwise"
            layout.faults.append(Fault(path, message))
        elif layout.has_baseline:
            layout.rows.append(Row(NULL, path, layout.rows[0].resolution, (), None, null=True))
            layout.names.add(NULL)
        elif self.study.baseline is None:
            message = (
                "null_arm: it repeats the baseline, and a cross has none unless `baseline:` names "
                "a cell; give that, or leave null_arm out"
            )
            layout.faults.append(Fault(path, message))

    def _link(self) -> None:
        """Give each arm the arm that it is compared with."""
        layout = self.layout
        first = layout.rows[0].name if layout.has_baseline and layout.rows else None
        linked = []
        for row in layout.rows:
            target = first if row.name != first else None
            if row.compare_to is not None:
                target = self._target(row)
            linked.append(replace(row, compare_to=target))
        layout.rows = linked
        self._check_chains()

    def _target(self, row: Row) -> str | None:
        assert row.compare_to is not None
        layout, path = self.layout, _compare_path(row)
        name = layout.names.find(row.compare_to)
        if name == row.name:
            message = f"{dotted(path)}: the arm would be compared with itself"
        elif name is None and row.compare_to not in layout.broken:
            message = f"{dotted(path)}: {layout.names.refusal(row.compare_to, but=row.name)}"
        else:
            return name
        layout.faults.append(Fault(path, message))
        layout.broken.add(row.name)
        return None

    def _check_chains(self) -> None:
        targets = {row.name: row.compare_to for row in self.layout.rows}
        rows = {row.name: row for row in self.layout.rows}
        walked: set[str] = set()
        for start in targets:
            chain: dict[str, None] = {}
            at: str | None = start
            while at is not None and at not in walked and at not in chain:
                chain[at] = None
                at = targets.get(at)
            walked.update(chain)
            if at in chain:
                names = list(chain)
                circle = names[names.index(at) :]
                shown = [*circle[:_MOST_OF_A_CIRCLE], at]
                message = f"compare_to: {' -> '.join(shown)} never reaches the baseline"
                self.layout.faults.append(Fault(_compare_path(rows[at]), message))


def _compare_path(row: Row) -> KeyPath:
    """Where an arm's compare_to stands: at the arm itself, also if a budget restates the arm."""
    return ("arms", row.name.partition(":")[0], "compare_to")


def _same_message(draft: Draft, same: str) -> str:
    where = dotted(draft.path)
    if same == BASELINE:
        if draft.path[0] == "arms" or "arms." in where:
            return f"{where}: {draft.name} is the baseline itself; change a setting or drop it"
        return f"{where}: {draft.name} is the baseline's own value; leave it out"
    return f"{where}: {draft.name} has the same settings as the arm {same}; leave one out"
