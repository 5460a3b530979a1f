"""The arms of a study at one budget: resolved, named, checked against each other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from ganablate.catalog import SETTINGS
from ganablate.study.arms.levels import Draft, Exclusion, LevelReader
from ganablate.study.arms.names import ArmNames
from ganablate.study.arms.resolve import BASE, BOTTOM, Resolution, Resolver, put
from ganablate.study.arms.settings import axes, read_layer, stranger_of
from ganablate.study.plan import BASELINE, NULL, WITHOUT
from ganablate.study.reading.errors import Fault, KeyPath, dotted
from ganablate.study.reading.wording import show, unknown
from ganablate.study.schema import Budget, Study

_MOST_OF_A_CIRCLE = 10


@dataclass(slots=True)
class Row:
    """An arm of the layout. `changes` are the settings that its draft gives, by field.

    `compare_to` is what the study says until the layout is whole, then the name of an arm.
    """

    name: str
    resolution: Resolution
    changes: tuple[str, ...] = ()
    compare_to: str | None = None
    null: bool = False


@dataclass
class Layout:
    """What a study comes to at a budget, with everything that is wrong with it there.

    `broken` are the names of arms that could not be read, `idle_excludes` the entries of `exclude`
    that match no arm. `cells` maps the levels of a cell of the cross to its arm; None: left out.
    `components` maps what is removed to the fields that an arm without it has.
    """

    names: ArmNames
    has_baseline: bool
    rows: list[Row] = field(default_factory=list)
    excluded: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    idle_excludes: set[int] = field(default_factory=set)
    cells: dict[tuple[str, ...], str | None] = field(default_factory=dict)
    components: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def baseline(self) -> Row | None:
        """The baseline's row; None: there is none."""
        return self.rows[0] if self.has_baseline and self.rows else None

    def refuse(self, path: KeyPath, message: str) -> None:
        """Add a fault."""
        self.faults.append(Fault(path, message))


_layouts: WeakKeyDictionary[Study, dict[str, Layout]] = WeakKeyDictionary()


def lay_out(study: Study, label: str) -> Layout:
    """Resolve every arm of the study at the budget called `label`; once for each budget.

    Checking a study and expanding it need the same layouts; a study does not change.

    Raises:
        KeyError: the study has no such budget.
    """
    layouts = _layouts.setdefault(study, {})
    if label not in layouts:
        layouts[label] = _new_layout(study, study.budget(label), ("budgets", label))
    return layouts[label]


def _new_layout(study: Study, budget: Budget, path: KeyPath) -> Layout:
    folders = list(study.folders)
    layout = Layout(ArmNames(folders), _has_base(study))
    base = read_layer(study.base, BASE, folders, layout.faults)
    stranger = stranger_of(study.base)
    budget_layer = read_layer(budget.base, path, folders, layout.faults, stranger)
    stack = put(put(BOTTOM, base), budget_layer)
    layout.faults += _restating(study, budget, path, budget_layer.paths)
    resolver = Resolver(stack, study.folders)
    bottom = resolver.bottom
    reader = LevelReader(folders, layout.faults, layout.broken, stranger)
    exclusions = _exclusions(study, layout, reader, bottom)
    first_with: dict[tuple[Any, ...], Row] = {}
    if layout.has_baseline:
        layout.faults.extend(bottom.faults)
        layout.rows.append(Row(BASELINE, bottom))
        layout.names.add(BASELINE)
        first_with[bottom.identity] = layout.rows[0]
    inherited = bottom.faults if layout.has_baseline else ()
    for draft in _drafts(study, budget, path, reader):
        resolution = resolver.resolve(draft.layer)
        if not _is_excluded(layout, draft, resolution, exclusions):
            faults = [fault for fault in resolution.faults if fault not in inherited]
            layout.faults.extend(faults)
            changes = tuple(draft.layer.values)
            row = Row(draft.name, resolution, changes, draft.compare_to)
            first = first_with.setdefault(resolution.identity, row)
            _place(layout, draft, row, first, is_faulty=bool(faults))
    layout.components = reader.components
    if layout.broken:
        # An exclude may be meant for the arm that could not be read.
        layout.idle_excludes.clear()
    _choose_baseline(study, layout)
    _add_null(study, layout)
    _link(layout)
    if not layout.rows and not layout.faults:
        layout.refuse(("exclude",), "exclude: no arm of the study is left")
    return layout


def _has_base(study: Study) -> bool:
    """Whether the base itself is an arm, the baseline."""
    return bool(study.remove or study.ablate or study.arms or not study.cross)


def _drafts(study: Study, budget: Budget, path: KeyPath, reader: LevelReader) -> Iterator[Draft]:
    def restated(section: str, name: str, given: object) -> tuple[object, KeyPath]:
        key = f"{section}.{name}"
        if key in budget.settings:
            return budget.settings[key], (*path, key)
        return given, (section, name)

    components = {name: restated("remove", name, given) for name, given in study.remove.items()}
    yield from reader.removed(components, study.remove_also)
    for factor, levels in study.ablate.items():
        yield from reader.levels(factor, *restated("ablate", factor, levels))
    if study.cross:
        yield from reader.cross(
            {name: restated("cross", name, given) for name, given in study.cross.items()}
        )
    for name, arm in study.arms.items():
        changes, place = restated("arms", name, arm.changes)
        if isinstance(changes, dict):
            yield from reader.named(name, changes, arm.compare_to, place)
        else:
            message = f"{dotted(place)}: {show(changes)} is given; a mapping is needed"
            reader.faults.append(Fault(place, message))


def _exclusions(
    study: Study, layout: Layout, reader: LevelReader, bottom: Resolution
) -> list[Exclusion]:
    exclusions = []
    for exclusion in reader.exclusions(study.exclude):
        if layout.has_baseline and exclusion.matches(bottom, {}):
            message = "exclude: this leaves out the baseline; name what differs from it"
            layout.refuse(("exclude", exclusion.index), message)
        else:
            exclusions.append(exclusion)
            layout.idle_excludes.add(exclusion.index)
    return exclusions


def _is_excluded(
    layout: Layout, draft: Draft, resolution: Resolution, exclusions: Sequence[Exclusion]
) -> bool:
    """Whether an entry of `exclude` leaves out the arm; the layout then says so."""
    for exclusion in exclusions:
        if exclusion.matches(resolution, draft.layer.values):
            layout.idle_excludes.discard(exclusion.index)
            layout.excluded.append((draft.name, exclusion.because))
            layout.names.leave_out(draft.name, exclusion.because)
            if draft.cell:
                layout.cells[draft.cell] = None
            return True
    return False


def _place(layout: Layout, draft: Draft, row: Row, first: Row, *, is_faulty: bool) -> None:
    """Add an arm, unless `first` has the same settings already."""
    if draft.cell:
        layout.cells[draft.cell] = first.name
    if draft.name in layout.names:
        message = f"{dotted(draft.path)}: `remove` makes an arm called {draft.name} already"
        layout.refuse(draft.path, f"{message}; name this one otherwise")
        return
    if first is row:
        layout.rows.append(row)
    if first is row or draft.cell:
        layout.names.add(draft.name, stands_for=first.name)
    elif not is_faulty:
        where = dotted(draft.path)
        message = f"has the same settings as the arm {first.name}; leave one out"
        if first.name == BASELINE and (draft.path[0] == "arms" or "arms." in where):
            message = "is the baseline itself; change a setting or drop it"
        elif first.name == BASELINE and draft.name.startswith(WITHOUT):
            message = "is the baseline itself: nothing is removed; drop it or correct its value"
        elif first.name == BASELINE:
            message = "is the baseline's own value; leave it out"
        layout.broken.add(draft.name)
        layout.refuse(draft.path, f"{where}: {draft.name} {message}")


def _restating(
    study: Study, budget: Budget, path: KeyPath, touched: Mapping[str, KeyPath]
) -> Iterator[Fault]:
    """What a budget sets must not be varied, unless the levels are stated anew.

    `touched` are the fields that the budget sets, and where it does so.
    """
    varied: dict[str, Iterable[str]] = {
        f"remove.{name}": given if isinstance(given, dict) else [name]
        for name, given in study.remove.items()
    }
    varied |= {f"ablate.{name}": [name] for name in study.ablate}
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
    """Put the cell of a cross that the study names first."""
    if study.baseline is None:
        return
    name = layout.names.find(study.baseline)
    message = ""
    if _has_base(study):
        message = (
            "names a cell of a cross; with remove, ablate or arms (or without a cross) the base is "
            "the baseline, so leave it out"
        )
    elif name is not None:
        layout.rows.sort(key=lambda row: row.name != name)
        layout.has_baseline = True
        layout.names.baseline = name
    elif not layout.broken:
        message = layout.names.refusal(study.baseline, "an arm of the cross")
    if message:
        layout.refuse(("baseline",), f"baseline: {message}")


def _add_null(study: Study, layout: Layout) -> None:
    """Add the baseline once more, last; its seeds are what makes it another arm."""
    path: KeyPath = ("null_arm",)
    if not study.null_arm or not layout.rows:
        return
    if any(row.name == NULL for row in layout.rows):
        message = f"null_arm: the study has an arm called {NULL} already; name it otherwise"
        layout.refuse(path, message)
    elif layout.has_baseline:
        layout.rows.append(Row(NULL, layout.rows[0].resolution, null=True))
        layout.names.add(NULL)
    elif study.baseline is None:
        message = (
            "null_arm: it repeats the baseline, and a cross has none unless `baseline:` names "
            "a cell; give that, or leave null_arm out"
        )
        layout.refuse(path, message)


def _link(layout: Layout) -> None:
    """Give each arm the arm that it is compared with."""
    first = layout.baseline.name if layout.baseline else None
    linked: dict[str, str | None] = {}
    for row in layout.rows:
        if row.compare_to is None:
            row.compare_to = first if row.name != first else None
        else:
            row.compare_to = linked[row.name] = _target(row, row.compare_to, layout)
    for circle in _circles(linked):
        names = " -> ".join([*circle[:_MOST_OF_A_CIRCLE], circle[0]])
        message = f"compare_to: {names} never reaches the baseline"
        layout.refuse(_compare_path(circle[0]), message)


def _target(row: Row, wanted: str, layout: Layout) -> str | None:
    name = layout.names.find(wanted)
    if name == row.name:
        message = "the arm would be compared with itself"
    elif name is None and wanted not in layout.broken:
        message = layout.names.refusal(wanted, but=row.name)
    else:
        return name
    path = _compare_path(row.name)
    layout.refuse(path, f"{dotted(path)}: {message}")
    layout.broken.add(row.name)
    return None


def _circles(targets: Mapping[str, str | None]) -> Iterator[list[str]]:
    """The arms that are compared with each other in a circle, each circle once."""
    walked: set[str] = set()
    for start in targets:
        chain: list[str] = []
        arm: str | None = start
        while arm is not None and arm not in walked:
            walked.add(arm)
            chain.append(arm)
            arm = targets.get(arm)
        if arm in chain:
            yield chain[chain.index(arm) :]


def _compare_path(arm: str) -> KeyPath:
    """Where an arm's compare_to stands: at the arm itself, also if a budget restates the arm."""
    return ("arms", arm.partition(":")[0], "compare_to")
