"""What `list` shows: every part that a study can name, for people and for machines."""

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ganablate import catalog
from ganablate.catalog import (
    Criterion,
    Dataset,
    Extractor,
    Metric,
    NamedExtractor,
    Network,
    Optimizer,
    Part,
    Penalty,
    Probe,
)
from ganablate.config import TrialConfig
from ganablate.study.arms.dependence import DEFAULTS

KINDS: Mapping[str, tuple[str, Mapping[str, Part]]] = {
    "criteria": ("criterion: NAME", catalog.CRITERIA),
    "penalties": ("penalty: NAME", catalog.PENALTIES),
    "optimizers": ("optimizer: NAME, or g_optimizer and d_optimizer", catalog.OPTIMIZERS),
    "schedules": ("lr_schedule: NAME", catalog.SCHEDULES),
    "networks": ("network: NAME", catalog.NETWORKS),
    "activations": ("activation: NAME, or g_activation and d_activation; g_output: NAME",
                    catalog.ACTIVATIONS),
    "initialisers": ("init: NAME", catalog.INITIALISERS),
    "datasets": ("dataset: NAME; also dataset: folder:NAME", catalog.DATASETS),
    "metrics": ("metrics: [NAME, ...]; primary: COLUMN", catalog.METRICS),
    "probes": ("probes: [NAME, ...]", catalog.PROBES),
    "extractors": ("extractor: NAME; the others belong to data sets", {
        **catalog.NAMED_EXTRACTORS, **catalog.EXTRACTORS,
    }),
}  # fmt: skip
"""What `list` can be asked for -> how a study writes it, and the table."""

_BOUNDS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
}
_INDENT = "    "
_WIDTH = 100
_LABELS = ("real_labels", "fake_labels")


@dataclass(frozen=True)
class Parameter:
    """One setting that a part brings into a trial.

    Attributes:
        name: As a study writes it.
        default: What a trial has that does not state it; None: no such setting.
        bounds: Of a number: minimum, exclusiveMinimum, maximum, exclusiveMaximum, as JSON schema
            has them; empty where any is allowed.
        choices: Of a word; empty for a number.
        listed: Whether these are a table of their own.
    """

    name: str
    default: Any
    bounds: Mapping[str, float]
    choices: tuple[str, ...] = ()
    listed: bool = False

    def __str__(self) -> str:
        shown = "none" if self.default is None else self.default
        return f"{self.name} {shown}{self._allowed()}"

    def _allowed(self) -> str:
        if self.choices and not self.listed:
            return f" ({'|'.join(self.choices)})"
        if not self.bounds:
            return ""
        low = self.bounds.get("minimum", self.bounds.get("exclusiveMinimum"))
        high = self.bounds.get("maximum", self.bounds.get("exclusiveMaximum"))
        left = "(-inf" if low is None else f"{'[' if 'minimum' in self.bounds else '('}{low:g}"
        right = "inf)" if high is None else f"{high:g}{']' if 'maximum' in self.bounds else ')'}"
        return f" in {left}, {right}"

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        more = {"choices": list(self.choices)} if self.choices else {}
        return {"default": self.default, **self.bounds, **more}


class Parameters:
    """Knows what is allowed of every setting of a trial."""

    def __init__(self) -> None:
        self._fields: dict[str, dict[str, Any]] = TrialConfig.model_json_schema()["properties"]

    def of(self, part: Part) -> list[Parameter]:
        """The settings that this part brings."""
        return [self._parameter(name, default) for name, default in _settings(part).items()]

    def _parameter(self, name: str, default: object) -> Parameter:
        field = self._fields.get(name) or self._fields[f"g_{name}"]
        schema = next((s for s in field.get("anyOf", ()) if s.get("type") != "null"), field)
        bounds = {new: schema[key] for old, new in _BOUNDS.items() for key in (old, new)
                  if key in schema}  # fmt: skip
        if name in _LABELS:
            bounds = {"minimum": 0, "maximum": 1}
        table = catalog.OF_SETTINGS.get(name)
        choices = tuple(table or schema.get("enum", ()))
        return Parameter(name, default, bounds, choices, table is not None)


def _settings(part: Part) -> Mapping[str, Any]:
    """Setting -> default, of the settings that a part brings or reads."""
    match part:
        case Criterion():
            labels = {"real_labels": "1", "fake_labels": "0"} if part.labels else {}
            clip = {} if part.weight_clip is None else {"d_weight_clip": part.weight_clip}
            return {**labels, "d_steps": part.d_steps, **clip}
        case Penalty():
            return {"penalty_weight": part.default_weight}
        case Optimizer():
            return {"lr": DEFAULTS["g_lr"], **part.settings}
        case Network():
            return part.defaults
    return {}


def _facts(part: Part) -> dict[str, Any]:
    """What else there is to know of a part."""
    match part:
        case Criterion():
            return {"real above": part.threshold} if part.decides else {}
        case Network():
            return {"image sizes": "any" if part.image_sizes is None else list(part.image_sizes)}
        case Dataset():
            return {
                "images": part.images,
                "size": part.image_size or "to be stated",
                "channels": part.channels,
                "classes": part.classes or "none",
                "extractor": part.extractor or "none",
                "needs": "nothing" if part.embedded else "its files, or a download",
                **({} if part.part_of is None else {"part of": part.part_of}),
            }
        case Extractor():
            return {"size": part.image_size, "channels": part.channels, "tells": list(part.tells)}
        case NamedExtractor():
            return {"package": part.package, "weights": part.weights}
        case Metric():
            return {"needs": part.needs}
        case Probe():
            return {"needs": list(part.needs)} if part.needs else {}
    return {}


def parts_as_json(kinds: Iterable[str]) -> list[dict[str, Any]]:
    """Every part of these kinds, as plain values."""
    known = Parameters()
    found = []
    for kind in kinds:
        for name, part in KINDS[kind][1].items():
            entry = {
                "kind": kind,
                "name": name,
                "plugin": part.plugin,
                "digest": part.digest,
                "summary": part.summary,
                "source": part.source,
                "settings": {one.name: one.as_json() for one in known.of(part)},
                "facts": _facts(part),
            }
            if isinstance(part, Metric | Probe):
                entry["columns"] = {
                    column: {"direction": shown.direction, "unit": shown.unit, "title": shown.title}
                    for column, shown in part.columns.items()
                }
            if isinstance(part, Probe):
                entry["pictures"] = dict(part.pictures)
            found.append(entry)
    return found


def parts_as_text(kinds: Iterable[str]) -> str:
    """Every part of these kinds: its name and summary, its source, its settings and facts."""
    known = Parameters()
    lines: list[str] = []
    for kind in kinds:
        written, table = KINDS[kind]
        lines += ["", f"{kind}: in a study, {written}"]
        width = max(map(len, table), default=0)
        for name, part in table.items():
            lines += _described(name, part, known.of(part), width)
    return "\n".join(lines[1:])


def _described(name: str, part: Part, parameters: list[Parameter], width: int) -> list[str]:
    brought = "" if part.plugin is None else f"  (plug-in {part.plugin})"
    below = [part.source]
    if parameters:
        below.append(f"settings: {'; '.join(map(str, parameters))}")
    facts = [f"{key} {_shown(value)}" for key, value in _facts(part).items()]
    if facts:
        below.append("; ".join(facts))
    if isinstance(part, Metric | Probe) and part.columns:
        columns = (f"{column} ({_better(shown.direction)}{shown.unit})"
                   for column, shown in part.columns.items())  # fmt: skip
        below.append(f"columns: {', '.join(columns)}")
    if isinstance(part, Probe) and part.pictures:
        below.append(f"pictures: {', '.join(part.pictures)}")
    after = " " * (width + len(_INDENT))
    lines = [f"  {name:{width}}  {part.summary}{brought}"]
    for text in below:
        lines += textwrap.wrap(
            text, _WIDTH, initial_indent=after, subsequent_indent=after + _INDENT,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
    return lines


def _better(direction: str) -> str:
    return {"min": "less is better, ", "max": "more is better, "}.get(direction, "")


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)
