"""What is wrong with the lines that a plug-in adds to the catalog."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ganablate import catalog
from ganablate.catalog import (
    Column,
    Criterion,
    Dataset,
    Metric,
    Network,
    Optimizer,
    Part,
    Penalty,
    Probe,
    Schedule,
)
from ganablate.config import TrialConfig
from ganablate.study.arms.dependence import DEFAULTS
from ganablate.study.arms.settings import OPTIMIZER_SETTINGS, read_value
from ganablate.study.reading.wording import show, unknown

TABLES: Mapping[str, tuple[dict[str, Any], type[Part], str]] = {
    "CRITERIA": (catalog.CRITERIA, Criterion, "f(real_logits, fake_logits)"),
    "PENALTIES": (catalog.PENALTIES, Penalty, "f(discriminator, real, fake)"),
    "OPTIMIZERS": (catalog.OPTIMIZERS, Optimizer, "f(parameters)"),
    "SCHEDULES": (catalog.SCHEDULES, Schedule, "f(progress)"),
    "NETWORKS": (catalog.NETWORKS, Network, "f(config, channels)"),
    "ACTIVATIONS": (catalog.ACTIVATIONS, Part, "f()"),
    "INITIALISERS": (catalog.INITIALISERS, Part, "f(module, parameter_name, parameter, generator)"),
    "DATASETS": (catalog.DATASETS, Dataset, "f(root)"),
    "METRICS": (catalog.METRICS, Metric, "f(real, fake)"),
    "PROBES": (catalog.PROBES, Probe, "f(subject)"),
}
"""Table -> the catalog's, what its lines are, and how their functions are called."""

MORE_FUNCTIONS = ("test", "counts")
"""Fields of some lines that name a function beside the implementation, called as that is."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_WORDS = ("none", "all", "hard", "constant", "own", "real", "fake")
"""Mean something else where a study names a part."""
_NETWORK_NEEDS = (
    "g_width", "d_width", "g_activation", "d_activation", "g_output", "pixel_range", "g_norm",
    "d_norm", "d_dropout", "init",
)  # fmt: skip
_FACTS = ("state", "outcome", "images_seen", "g_updates", "d_updates", "arm", "replicate")
_DIRECTIONS = ("min", "max", "none")
_NEEDS = ("labels", "classifier", "convolutions")


def table_faults(names: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the tables as a whole; `names` is what the module defines."""
    of_catalog = [known for known, _, _ in TABLES.values()]
    tables = {name: value for name, value in names.items() if _holds_parts(value)}
    tables = {k: v for k, v in tables.items() if not any(v is known for known in of_catalog)}
    for name in tables.keys() - TABLES.keys():
        yield unknown("a table of the catalog that a plug-in can add to", name, TABLES)
    own = [name for name in TABLES if name in names and names[name] is not TABLES[name][0]]
    if not own and not tables:
        yield f"it defines no table; one of these is needed: {', '.join(TABLES)}"
    for name in own:
        if not isinstance(names[name], dict) or not names[name]:
            yield f"{name}: {show(names[name])} is given; a mapping from names to lines is needed"


def _holds_parts(value: object) -> bool:
    return isinstance(value, dict) and any(isinstance(line, Part) for line in value.values())


def name_faults(table: str, name: object, line: object) -> Iterator[str]:
    """Why a line cannot be added at all; `line` is not in the catalog yet."""
    known, kind, _ = TABLES[table]
    where = f"{table}[{show(name)}]"
    if type(line) is not kind:
        given = type(line).__name__
        yield f"{where}: a {given} is given; a ganablate.catalog.{kind.__name__} is needed"
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield f"{where}: a name of small letters, digits and _ is needed, 60 at most"
    elif name in _WORDS:
        yield f"{where}: the word {name} means something else there; choose another"
    elif name in known:
        by = known[name].plugin
        yield f"{where}: {f'{by} has' if by else 'ganablate has'} a {name} already; choose another"


def line_faults(table: str, name: str, line: Any, loaded: Callable[[], Any]) -> Iterator[str]:
    """What is wrong with a line that stands in the catalog by now, with all others beside it.

    Args:
        table: Its table.
        name: Its name.
        line: The line.
        loaded: Imports its function.
    """
    where = f"{table}[{show(name)}]"
    for field, what in (("summary", "what it is, in a line"), ("source", 'a paper, or "own"')):
        text = getattr(line, field)
        if not isinstance(text, str) or not text.strip():
            yield f"{where}: {field} is empty; it says {what}"
    try:
        function = loaded()
    except Exception as error:
        yield f"{where}: its implementation cannot be imported: {type(error).__name__}: {error}"
    else:
        for message in _function_faults(table, line, function):
            yield f"{where}: {line.implementation.partition(':')[2]} {message}"
    for message in _more_faults(table, line):
        yield f"{where}: {message}"
    try:
        for message in _MORE.get(table, lambda _: iter(()))(line):
            yield f"{where}: {message}"
    except (TypeError, AttributeError) as error:  # a list where a mapping belongs
        yield f"{where}: {error}"


def _more_faults(table: str, line: Any) -> Iterator[str]:
    for field in MORE_FUNCTIONS:
        named = getattr(line, field, None)
        if named is None:
            continue
        try:
            function = replace(line, implementation=named).load()
        except Exception as error:
            yield f"{field}: it cannot be imported: {type(error).__name__}: {error}"
            continue
        for message in _call_faults(table, line, function):
            yield f"{field}: {named.partition(':')[2]} {message}"


def _function_faults(table: str, line: Any, function: Any) -> Iterator[str]:
    if not callable(function):
        yield f"is {show(function)}, and no function"
        return
    if not (inspect.getdoc(function) or "").strip():
        yield "has no docstring; it says the formula, the ranges and the source"
    yield from _call_faults(table, line, function)


def _call_faults(table: str, line: Any, function: Any) -> Iterator[str]:
    called, arguments, keywords = _call(table, line)
    try:
        inspect.signature(function).bind(*arguments, **dict.fromkeys(keywords))
    except TypeError as error:
        yield f"cannot be called as {called}: {error}"
    except ValueError:
        return  # a function of C that tells nothing of itself


def _call(table: str, line: Any) -> tuple[str, list[None], tuple[str, ...]]:
    """How a line's function is called: in words, the arguments by place, those by name."""
    called = TABLES[table][2]
    keywords: tuple[str, ...] = ()
    if table == "CRITERIA" and line.labels:
        keywords = ("real_labels", "fake_labels")
    elif table == "OPTIMIZERS":
        keywords = ("lr", *line.settings)
    elif table == "METRICS" and line.needs == "losses":
        called = "f(losses)"
    places = [part for part in called[2:-1].split(", ") if part]
    named = [f"{keyword}=..." for keyword in keywords]
    return f"f({', '.join([*places, *named])})", [None] * len(places), keywords


def _value(setting: str, value: object, of: str) -> Iterator[str]:
    try:
        read_value(setting, value)
    except ValueError as error:
        yield f"{of}: {error}"


def _criterion(line: Criterion) -> Iterator[str]:
    yield from _value("d_steps", line.d_steps, "d_steps")
    if line.weight_clip is not None:
        yield from _value("d_weight_clip", line.weight_clip, "weight_clip")
    if isinstance(line.threshold, bool) or not isinstance(line.threshold, int | float):
        yield f"threshold: {show(line.threshold)} is given; a number is needed"


def _penalty(line: Penalty) -> Iterator[str]:
    yield from _value("penalty_weight", line.default_weight, "default_weight")


def _optimizer(line: Optimizer) -> Iterator[str]:
    for name, default in line.settings.items():
        if name not in OPTIMIZER_SETTINGS:
            what = "a setting that a study can give beside lr"
            yield f"settings: {unknown(what, name, OPTIMIZER_SETTINGS)}; fix others in the function"
        else:
            yield from _value(name, default, f"settings: {name}")


def _network(line: Network) -> Iterator[str]:
    allowed = (*_NETWORK_NEEDS, *catalog.NETWORK_SETTINGS, *DEFAULTS)
    for name, default in line.defaults.items():
        if name not in allowed:
            yield f"defaults: {unknown('a setting that a network has', name, allowed)}"
        else:
            yield from _value(name, default, f"defaults: {name}")
    missing = [name for name in _NETWORK_NEEDS if name not in line.defaults]
    if missing:
        yield f"defaults: {', '.join(missing)} must be given too"
    for size in line.image_sizes or ():
        yield from _value("image_size", size, "image_sizes")


def _dataset(line: Dataset) -> Iterator[str]:
    others = [one for one in catalog.DATASETS.values() if one is not line]
    if not line.data_id or line.data_id in {one.data_id for one in others}:
        yield f"data_id: {show(line.data_id)} is empty or another's; it names the bytes"
    if line.channels not in (1, 3):
        yield f"channels: {show(line.channels)} is given; allowed: 1, 3"
    if line.image_size is not None:
        yield from _value("image_size", line.image_size, "image_size")
    yield from _value("train_images", line.images, "images")
    if line.extractor is not None and line.extractor not in catalog.EXTRACTORS:
        yield f"extractor: {unknown('an extractor', line.extractor, catalog.EXTRACTORS)}, or None"
    if line.part_of is not None and line.part_of not in catalog.DATASETS:
        yield f"part_of: {unknown('a data set', line.part_of, catalog.DATASETS)}"


def _metric(line: Metric) -> Iterator[str]:
    if line.needs not in ("losses", "features"):
        yield f"needs: {unknown('allowed', line.needs, ('losses', 'features'))}"
    if not line.columns:
        yield "columns: at least one is needed: what a table shows"
    yield from _columns(line)


def _probe(line: Probe) -> Iterator[str]:
    for need in line.needs:
        if need not in _NEEDS:
            yield f"needs: {unknown('allowed', need, _NEEDS)}"
    if not line.columns and not line.pictures:
        yield "it has neither columns nor pictures; what would it find?"
    for name in line.pictures:
        if not _NAME.fullmatch(str(name)):
            yield f"pictures: {show(name)}: small letters, digits and _ are needed"
    yield from _columns(line)


def _columns(line: Metric | Probe) -> Iterator[str]:
    lines: list[tuple[str, Metric | Probe]] = [*catalog.METRICS.items(), *catalog.PROBES.items()]
    others = [(name, other) for name, other in lines if other is not line]
    taken = {column: name for name, other in others for column in (name, *other.columns)}
    own = next(name for name, other in lines if other is line)
    if own in taken:
        yield f"{own} is a metric, a probe or a column of one already; choose another name"
    columns: Mapping[Any, Any] = line.columns
    for name, column in columns.items():
        if not isinstance(column, Column):
            yield f"columns: {name}: a ganablate.catalog.Column is needed"
        elif not _NAME.fullmatch(str(name)):
            yield f"columns: {show(name)}: small letters, digits and _ are needed"
        elif name in taken:
            yield f"columns: {name} is a name of {taken[name]} already"
        elif name in _FACTS or name in TrialConfig.model_fields:
            yield f"columns: {name} is a fact of every trial already"
        elif column.direction not in _DIRECTIONS:
            yield f"columns: {name}: {unknown('a direction', column.direction, _DIRECTIONS)}"
        elif not (column.unit and column.title):
            yield f"columns: {name}: a unit and a title are needed"


_MORE: Mapping[str, Callable[[Any], Iterator[str]]] = {
    "CRITERIA": _criterion,
    "PENALTIES": _penalty,
    "OPTIMIZERS": _optimizer,
    "NETWORKS": _network,
    "DATASETS": _dataset,
    "METRICS": _metric,
    "PROBES": _probe,
}
