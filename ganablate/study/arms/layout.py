"""The arms of a study at one budget: resolved, named, checked against each other."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakKeyDictionary

from ganablate.catalog import SETTINGS
from ganablate.study.arms.excludes import Exclusion, read_excludes
from ganablate.study.arms.levels import Draft, LevelReader
from ganablate.study.arms.names import ArmNames
from ganablate.study.arms.resolve import BOTTOM, Resolution, Stack, finish, put
from ganablate.study.arms.settings import axes, read_layer
from ganablate.study.plan import BASELINE, NULL
from ganablate.study.reading.errors import Fault, KeyPath, dotted
from ganablate.study.reading.wording import show, unknown
from ganablate.study.schema import Budget, Study

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

    @property
    def baseline(self) -> Row | None:
        """The baseline's row; None: there is none."""
        return self.rows[0] if self.has_baseline and self.rows else None

    def refuse(self, path: KeyPath, message: str) -> None:
        """Add a fault."""
        self.faults.append(Fault(path, message))


_laid_out: WeakKeyDictionary[Study, dict[str, Layout]] = WeakKeyDictionary()


def lay_out(study: Study, label: str) -> Layout:
    """Resolve every arm of the study at the budget called `label`; once for each budget.

    Checking a study and expanding it need the same layouts; a study does not change.

    Raises:
        KeyError: the study has no such budget.
    """
    layouts = _laid_out.setdefault(study, {})
    if label not in layouts:
        layouts[label] = _Builder(study, study.budget(label), ("budgets", label)).build()
    return layouts[label]


class _Builder:
    def __init__(self, study: Study, budget: Budget, path: KeyPath) -> None:
        self.study = study
        self.budget = budget
        self.path = path
        self.folders = list(study.folders)
        self.layout = Layout(names=ArmNames(self.folders))
        self.reader = LevelReader(self.folders, self.layout.faults, self.layout.broken)
        self.seen: dict[tuple[Any, ...], str] = {}
        self.layout.has_baseline = bool(study.ablate or study.arms or not study.cross)

    def build(self) -> Layout:
        layout, study = self.layout, self.study
        base = put(BOTTOM, read_layer(study.base, ("base",), self.folders, layout.faults))
        budget_layer = read_layer(self.budget.base, self.path, self.folders, layout.faults)
        stack = put(base, budget_layer)
        layout.faults += _restating(study, self.budget, self.path, budget_layer.paths)
        bottom = finish(stack, study.folders)
        excludes = self._excludes(bottom)
        if layout.has_baseline:
            layout.faults.extend(bottom.faults)
            self._add(Row(BASELINE, ("base",), bottom, (), None))
        for draft in self._drafts():
            self._place(draft, stack, bottom, excludes)
        if layout.broken:
            # An exclude may be meant for the arm that could not be read.
            layout.idle_excludes.clear()
        _choose_baseline(study, layout)
        _add_null(study, layout)
        _link(layout)
        if not layout.rows and not layout.faults:
            layout.refuse(("exclude",), "exclude: no arm of the study is left")
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
                given = f"{show(changes)} is given; a mapping is needed"
                self.layout.refuse(path, f"{dotted(path)}: {given}")

    def _excludes(self, bottom: Resolution) -> list[Exclusion]:
        layout, excludes = self.layout, []
        for exclusion in read_excludes(self.study.exclude, self.folders, layout.faults):
            if layout.has_baseline and exclusion.matches(bottom, {}):
                message = "exclude: this leaves out the baseline; name what differs from it"
                layout.refuse(exclusion.path, message)
            else:
                excludes.append(exclusion)
                layout.idle_excludes.add(exclusion.index)
        return excludes

    def _place(
        self, draft: Draft, stack: Stack, bottom: Resolution, excludes: list[Exclusion]
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
        inherited = bottom.faults if layout.has_baseline else ()
        faults = [fault for fault in resolution.faults if fault not in inherited]
        layout.faults.extend(faults)
        same = self.seen.get(resolution.identity)
        if draft.cell:
            layout.cells[draft.cell] = same or draft.name
        if same is None:
            changes = tuple(draft.layer.values)
            self._add(Row(draft.name, draft.path, resolution, changes, draft.compare_to))
        elif draft.cell:
            layout.names.add(draft.name, stands_for=same)
        elif not faults:
            layout.broken.add(draft.name)
            layout.refuse(draft.path, _same_message(draft, same))


def _same_message(draft: Draft, same: str) -> str:
    where = dotted(draft.path)
    if same == BASELINE:
        if draft.path[0] == "arms" or "arms." in where:
            return f"{where}: {draft.name} is the baseline itself; change a setting or drop it"
        return f"{where}: {draft.name} is the baseline's own value; leave it out"
    return f"{where}: {draft.name} has the same settings as the arm {same}; leave one out"


def _restating(
    study: Study, budget: Budget, path: KeyPath, touched: Mapping[str, KeyPath]
) -> Iterator[Fault]:
    """What a budget sets must not be varied, unless the levels are stated anew.

    `touched` are the fields that the budget sets, and where it does so.
    """
    varied: dict[str, Iterable[str]] = {f"ablate.{name}": [name] for name in study.ablate}
    varied |= {f"cross.{name}": [name] for name in study.cross}
    varied |= {f"arms.{name}": arm.changes for name, arm in study.arms.items()}
    varied |= {f"search.{name}": [name] for name in study.search}
    for key in (key for key in budget.restated if key not in varied):
        message = unknown("restating anything of the study", key, varied)
        yield Fault((*path, key), f"{dotted(path)}: {message}")
    places: dict[KeyPath, list[str]] = {}
    for key, names in varied.items():
        where = _first_touched(names, touched)
        if where is not None and key not in budget.settings:
            places.setdefault(where, []).append(key)
    for where, keys in places.items():
        message = (
            f"{dotted(where)}: the study varies this in {', '.join(keys)}; state the levels for "
            f"this budget too ({keys[0]}: ...)"
        )
        yield Fault(where, message)


def _first_touched(names: Iterable[str], touched: Mapping[str, KeyPath]) -> KeyPath | None:
    """Where a budget sets what one of these settings sets as well."""
    by_axis = {axis: where for field, where in touched.items() for axis in axes(field)}
    varied = (axis for name in names if name in SETTINGS for axis in axes(name))
    return next((by_axis[axis] for axis in varied if axis in by_axis), None)


def _choose_baseline(study: Study, layout: Layout) -> None:
    """Of a cross, the cell that the study names comes first."""
    path: KeyPath = ("baseline",)
    if study.baseline is None:
        return
    if not study.cross or study.ablate or study.arms:
        message = (
            "baseline: names a cell of a cross; with ablate or arms (or without a cross) the "
            "base is the baseline, so leave it out"
        )
        layout.refuse(path, message)
        return
    name = layout.names.find(study.baseline)
    if name is not None:
        layout.rows.sort(key=lambda row: row.name != name)
        layout.has_baseline = True
        layout.names.baseline = name
    elif not layout.broken:
        refusal = layout.names.refusal(study.baseline, "an arm of the cross")
        layout.refuse(path, f"baseline: {refusal}")


def _add_null(study: Study, layout: Layout) -> None:
    """The baseline once more, last; its seeds are what makes it another arm."""
    path: KeyPath = ("null_arm",)
    if not study.null_arm or not layout.rows:
        return
    if any(row.name == NULL for row in layout.rows):
        message = f"null_arm: the study has an arm called {NULL} already; name it otherwise"
        layout.refuse(path, message)
    elif layout.has_baseline:
        layout.rows.append(Row(NULL, path, layout.rows[0].resolution, (), None, null=True))
        layout.names.add(NULL)
    elif study.baseline is None:
        message = (
            "null_arm: it repeats the baseline, and a cross has none unless `baseline:` names "
            "a cell; give that, or leave null_arm out"
        )
        layout.refuse(path, message)


# --- what an arm is compared with ---


def _link(layout: Layout) -> None:
    """Give each arm the arm that it is compared with."""
    first = layout.baseline.name if layout.baseline else None
    for position, row in enumerate(layout.rows):
        target = first if row.name != first else None
        if row.compare_to is not None:
            target = _target(row, row.compare_to, layout)
        layout.rows[position] = replace(row, compare_to=target)
    for circle in _circles({row.name: row.compare_to for row in layout.rows}):
        names = " -> ".join([*circle[:_MOST_OF_A_CIRCLE], circle[0]])
        message = f"compare_to: {names} never reaches the baseline"
        layout.refuse(_compare_path(circle[0]), message)


def _target(row: Row, wanted: str, layout: Layout) -> str | None:
    path = _compare_path(row.name)
    name = layout.names.find(wanted)
    if name == row.name:
        message = "the arm would be compared with itself"
    elif name is None and wanted not in layout.broken:
        message = layout.names.refusal(wanted, but=row.name)
    else:
        return name
    layout.refuse(path, f"{dotted(path)}: {message}")
    layout.broken.add(row.name)
    return None


def _circles(targets: Mapping[str, str | None]) -> Iterator[list[str]]:
    """The arms that are compared with each other in a circle, each circle once."""
    walked: set[str] = set()
    for start in targets:
        chain: dict[str, None] = {}
        arm: str | None = start
        while arm is not None and arm not in walked and arm not in chain:
            chain[arm] = None
            arm = targets.get(arm)
        walked.update(chain)
        if arm in chain:
            names = list(chain)
            yield names[names.index(arm) :]


def _compare_path(arm: str) -> KeyPath:
    """Where an arm's compare_to stands: at the arm itself, also if a budget restates the arm."""
    return ("arms", arm.partition(":")[0], "compare_to")
