"""What is wrong with the lines that a plug-in adds to the catalog, where their types cannot say."""

import inspect
import keyword
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ganablate.catalog import (
    DATASETS,
    EXTRACTORS,
    METRICS,
    PLUGIN_TABLES,
    PROBES,
    TABLES,
    Criterion,
    Dataset,
    Metric,
    Network,
    Optimizer,
    OwnSetting,
    Part,
    Probe,
    Trainer,
)
from ganablate.catalog.parts import PART_NAME
from ganablate.catalog.settings import (
    FIELDS,
    NETWORK_SETTINGS,
    OF_EVERY_TRAINER,
    OPTIMIZER_SETTINGS,
    SETTINGS,
    USUAL,
)
from ganablate.config import TrialConfig
from ganablate.study.arms.settings import read_value
from ganablate.study.reading.wording import show, unknown

FUNCTIONS = ("implementation", "test", "counts")
"""Fields that name a function; those that only some lines have are called as the first is."""

_WORDS = ("none", "all", "hard", "constant", "own", "real", "fake")
"""Mean something else where a study names a part."""
_NETWORK_NEEDS = (
    "g_width", "d_width", "g_activation", "d_activation", "g_output", "pixel_range", "g_norm",
    "d_norm", "d_dropout", "init",
)  # fmt: skip
_OF_TRAINING = (
    "trainers", "criteria", "penalties", "optimizers", "schedules", "networks", "activations",
    "initialisers", "datasets",
)  # fmt: skip
"""Tables whose lines may declare settings."""
_KEYS = (
    "replicates", "evaluations", "extractor", "search_trials", "search_length", "compare_to",
    "because", "length", "baseline", "all", "seed",
)  # fmt: skip
"""Mean something beside the settings of a study."""
_FACTS = ("state", "outcome", "images_seen", "g_updates", "d_updates", "arm", "replicate")


def table_faults(names: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the tables as a whole; `names` is what the module defines."""
    allowed = {table.upper(): TABLES[table].lines for table in PLUGIN_TABLES}
    imported = [id(lines) for lines in allowed.values()]
    defined = {name: value for name, value in names.items() if id(value) not in imported}
    tables = set()
    for name, value in defined.items():
        if isinstance(value, dict) and any(isinstance(line, Part) for line in value.values()):
            tables.add(name)
            if name not in allowed:
                yield unknown("a table of the catalog that a plug-in can add to", name, allowed)
    if not tables and defined.keys().isdisjoint(allowed):
        yield f"it defines no table; one of these is needed: {', '.join(allowed)}"
    for name in allowed.keys() & defined.keys():
        value = defined[name]
        if not isinstance(value, dict) or not value:
            yield f"{name}: {show(value)} is given; a mapping from names to lines is needed"


def name_faults(table: str, name: object, line: object) -> Iterator[str]:
    """Why a line cannot be added at all; `line` is not in the catalog yet."""
    lines, kind = TABLES[table].lines, TABLES[table].kind
    where = f"{table.upper()}[{show(name)}]"
    if type(line) is not kind:
        given = type(line).__name__
        yield f"{where}: a {given} is given; a ganablate.catalog.{kind.__name__} is needed"
    if not isinstance(name, str) or not PART_NAME.fullmatch(name):
        yield f"{where}: a name of small letters, digits and _ is needed, 60 at most"
    elif name in _WORDS:
        yield f"{where}: the word {name} means something else there; choose another"
    elif name in lines:
        by = lines[name].plugin
        yield f"{where}: {f'{by} has' if by else 'ganablate has'} a {name} already; choose another"


def line_faults(table: str, name: str) -> Iterator[str]:
    """What is wrong with a line that stands in the catalog by now, with all others beside it."""
    line = TABLES[table].lines[name]
    faults = (*_functions(table, line), *_settings(line), *_own(table, line), *_names(name, line))
    for message in faults:
        yield f"{table.upper()}[{show(name)}]: {message}"


def _functions(table: str, line: Part) -> Iterator[str]:
    """Whether its functions can be imported and called."""
    for field in FUNCTIONS:
        implementation = getattr(line, field, None)
        if implementation is None:
            continue
        main = field == "implementation"
        try:
            function = replace(line, implementation=implementation).load()
        except (Exception, SystemExit) as error:
            what = "its implementation" if main else f"{field}: it"
            yield f"{what} cannot be imported: {type(error).__name__}: {error}"
            continue
        prefix = "" if main else f"{field}: "
        for message in _function_faults(table, line, function, documented=main):
            yield f"{prefix}{implementation.partition(':')[2]} {message}"


def _function_faults(table: str, line: Part, function: Any, *, documented: bool) -> Iterator[str]:
    if not callable(function):
        yield f"is {show(function)}, and no function"
        return
    if documented and not (inspect.getdoc(function) or "").strip():
        yield "has no docstring; it says the formula, the ranges and the source"
    places, keywords = _arguments(table, line)
    try:
        inspect.signature(function).bind(*[None] * len(places), **dict.fromkeys(keywords))
    except TypeError as error:
        called = ", ".join([*places, *(f"{keyword}=..." for keyword in keywords)])
        yield f"cannot be called as f({called}): {error}"
    except ValueError:
        return  # a function of C that tells nothing of itself


def _arguments(table: str, line: Part) -> tuple[list[str], tuple[str, ...]]:
    """The arguments of a line's function: by place, by name."""
    called = TABLES[table].called
    if isinstance(line, Metric) and line.needs == "losses":
        called = "f(losses)"
    elif isinstance(line, Metric) and line.compares_training:
        called = "f(real, fake, training)"
    places = [part for part in called[2:-1].split(", ") if part]
    keywords: tuple[str, ...] = ()
    if isinstance(line, Criterion) and line.labels:
        keywords = ("real_labels", "fake_labels")
    elif isinstance(line, Trainer):
        keywords = ("device", "precision")
    elif isinstance(line, Optimizer):
        keywords = ("lr", *line.settings)
    return places, (*keywords, *line.declares)


def _settings(line: Part) -> Iterator[str]:
    """Whether the settings that it brings are those of such a part, with values that they take."""
    given: Mapping[str, Any]
    if isinstance(line, Optimizer):
        field, given, allowed = "settings", line.settings, OPTIMIZER_SETTINGS
        what, more = "a setting that a study can give beside lr", "; fix others in the function"
    elif isinstance(line, Network):
        field, given, allowed = (
            "defaults", line.defaults, (*_NETWORK_NEEDS, *NETWORK_SETTINGS, *USUAL),
        )  # fmt: skip
        what, more = "a setting that a network has", ""
        missing = [name for name in _NETWORK_NEEDS if name not in line.defaults]
        if missing:
            yield f"defaults: {', '.join(missing)} must be given too"
    elif isinstance(line, Trainer) and line.settings is not None:
        field, given = "settings", line.settings
        allowed = tuple(n for n, s in FIELDS.items() if n not in OF_EVERY_TRAINER and not s.own)
        what, more = "a setting that only some trainers use", "; those of data and length all do"
    else:
        return
    for name, value in given.items():
        if name not in allowed:
            yield f"{field}: {unknown(what, name, allowed)}{more}"
            continue
        try:
            read_value(name, value)
        except ValueError as error:
            yield f"{field}: {name}: {error}"


def _own(table: str, line: Part) -> Iterator[str]:
    """Whether each setting that it declares has a name that nothing else has."""
    if line.declares and table not in _OF_TRAINING:
        yield f"declares: {TABLES[table].noun} takes no settings of its own"
        return
    measures: tuple[Metric | Probe, ...] = (*METRICS.values(), *PROBES.values())
    columns = {column for measure in measures for column in measure.columns}
    for name, own in line.declares.items():
        if keyword.iskeyword(name):
            yield f"declares: {name} is a word of Python; choose another name"
        elif name in SETTINGS and not SETTINGS[name].own:
            yield f"declares: ganablate has a setting {name} already; choose another name"
        elif name in _FACTS or name in _KEYS or name in columns:
            yield f"declares: {name} is a key of a study, a fact or a column; choose another name"
        yield from (f"declares: {fault}" for fault in _other_meanings(name, own))


def _other_meanings(name: str, own: OwnSetting) -> Iterator[str]:
    """Parts that declare a setting of that name by other words."""
    for kind in _OF_TRAINING:
        for part_name, part in TABLES[kind].lines.items():
            if part.declares.get(name, own) != own:
                yield (
                    f"{name} means something else in {kind} {part_name}; declare it there and "
                    "here by the same words, or choose another name"
                )


def _names(name: str, line: Part) -> Iterator[str]:
    """Whether what it names is there, and what it brings is called as nothing else is."""
    if isinstance(line, Dataset):
        if line.data_id in {other.data_id for other in DATASETS.values() if other is not line}:
            yield f"data_id: {show(line.data_id)} is another's; it names the bytes"
        if line.extractor is not None and line.extractor not in EXTRACTORS:
            yield f"extractor: {unknown('an extractor', line.extractor, EXTRACTORS)}, or None"
        if line.part_of is not None and line.part_of not in DATASETS:
            yield f"part_of: {unknown('a data set', line.part_of, DATASETS)}"
    elif isinstance(line, Metric | Probe):
        yield from _columns(name, line)


def _columns(name: str, line: Metric | Probe) -> Iterator[str]:
    lines: list[tuple[str, Metric | Probe]] = [*METRICS.items(), *PROBES.items()]
    taken = {
        column: key for key, other in lines if other is not line for column in (key, *other.columns)
    }
    if name in taken:
        yield f"{name} is a metric, a probe or a column of one already; choose another name"
    for column in line.columns:
        if column in taken:
            yield f"columns: {column} is a name of {taken[column]} already"
        elif column in _FACTS or column in TrialConfig.model_fields:
            yield f"columns: {column} is a fact of every trial already"
